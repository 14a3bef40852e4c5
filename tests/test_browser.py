"""A browser enforces CORS, cookies and security headers for pages that call the service."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from browser import NEEDS_BROWSER
from harness import Answers, Environments, Renders
from httpx2 import Client
from node import NEEDS_NPM
from playwright.sync_api import BrowserContext, Locator, Page, expect
from stage import Stage, stage_of

pytestmark = [pytest.mark.slow, NEEDS_NPM, NEEDS_BROWSER]

SECONDS_TO_GIVE_UP = 20

COMBINATIONS: list[Answers] = [
    {"layout": layout, "error_format": error_format}
    for layout, error_format in product(["standalone", "monorepo"], ["problem", "envelope"])
]


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(
            answers,
            # Tests whose parameter ends in an @ run in one process.
            id="-".join(map(str, answers.values())) + "@",
            # The others differ in what other tests prove: the client, and how both are started.
            marks=[] if answers == COMBINATIONS[0] else [pytest.mark.nightly],
        )
        for answers in COMBINATIONS
    ],
)
def stage(
    request: pytest.FixtureRequest,
    render: Renders,
    environments: Environments,
    shared: Path,
    client_tools: Path,
) -> Iterator[Stage]:
    with stage_of(render, environments, shared, client_tools, request.param) as stage:
        yield stage


class Visit:
    """An open page, and its requests and responses, which it may be unable to read."""

    def __init__(self, context: BrowserContext, origin: str, **query: str) -> None:
        self.page: Page = context.new_page()
        self.requests: dict[str, tuple[str, str]] = {}
        self.statuses: dict[str, int] = {}
        protocol = context.new_cdp_session(self.page)
        protocol.on("Network.requestWillBeSent", self._sent)
        protocol.on("Network.responseReceivedExtraInfo", self._answered)
        protocol.send("Network.enable")
        self.page.goto(f"{origin}/?{urlencode(query)}")

    def _sent(self, event: dict[str, Any]) -> None:
        request = event["request"]
        path = "/" + request["url"].split("/", 3)[3]
        self.requests[event["requestId"]] = request["method"], path

    def _answered(self, event: dict[str, Any]) -> None:
        self.statuses[event["requestId"]] = event["statusCode"]

    def exchanged(self, method: str) -> list[tuple[str, int | None]]:
        """The paths that were called by a method, and the status of each response."""
        called = {id: path for id, (sent, path) in self.requests.items() if sent == method}
        # A page may get an error before the browser reports the status of the response.
        deadline = time.monotonic() + SECONDS_TO_GIVE_UP
        while not called.keys() <= self.statuses.keys() and time.monotonic() < deadline:
            self.page.wait_for_timeout(10)
        return [(path, self.statuses.get(id)) for id, path in called.items()]

    def press(self, button: str) -> None:
        self.page.get_by_role("button", name=button).click()

    def add(self, name: str, description: str = "") -> None:
        self.page.get_by_label("name").fill(name)
        self.page.get_by_label("description").fill(description)
        self.press("Add")

    @property
    def items(self) -> Locator:
        return self.page.get_by_role("listitem")

    def expect_error(self, code: str, status: int) -> Locator:
        alert = self.page.locator("[role=alert][data-code]")
        expect(alert).to_have_attribute("data-code", code)
        expect(alert).to_have_attribute("data-status", str(status))
        return alert

    def expect_visitor(self, button: str, text: str) -> None:
        self.press(button)
        expect(self.page.locator("#visitor")).to_have_text(text)


@pytest.fixture
def context(stage: Stage) -> Iterator[BrowserContext]:
    """A visitor whom nobody knows yet."""
    context = stage.browser.new_context(ignore_https_errors=True)
    context.set_default_timeout(SECONDS_TO_GIVE_UP * 1000)
    yield context
    context.close()


@pytest.fixture
def visit(stage: Stage, context: BrowserContext) -> Visit:
    """The page on the origin that is listed."""
    return Visit(context, stage.listed, api=stage.with_credentials, credentials="include")


@pytest.fixture
def stored(stage: Stage) -> Iterator[Client]:
    """The service without a browser, to see what it has really stored."""
    with Client(base_url=stage.with_credentials) as client:
        yield client


def names(stored: Client) -> list[str]:
    items = stored.get("/api/v1/items?limit=100").raise_for_status().json()["items"]
    return [item["name"] for item in items]


class TestServer:
    def test_the_server_of_the_page_reads_all_pages_of_a_list(
        self, stage: Stage, stored: Client, context: BrowserContext
    ) -> None:
        for name in ("Anvil", "Brush", "Chisel"):
            stored.post("/api/v1/items", json={"name": name})
        text = Visit(context, stage.listed).page.locator("#from-the-server").inner_text()
        assert text.split(", ") == names(stored)

    def test_the_id_of_a_request_goes_from_the_page_to_the_log_of_the_service(
        self, stage: Stage
    ) -> None:
        with Client() as client:
            client.get(stage.listed, headers={"X-Request-ID": "from-the-page"}).raise_for_status()
        stage.wait_for_line('"from-the-page"')


class TestListedOrigin:
    def test_what_is_created_is_listed(self, visit: Visit, stored: Client) -> None:
        visit.add("Drill", "It turns.")
        expect(visit.items.first).to_have_text("Drill")
        assert names(stored)[0] == "Drill"

        visit.press("Refresh")
        expect(visit.items).to_have_text(names(stored)[:20])

    def test_the_browser_asks_before_it_sends(self, visit: Visit) -> None:
        visit.add("Easel")
        expect(visit.items).to_have_count(1)
        assert visit.exchanged("OPTIONS") == [("/api/v1/items", 200)]
        assert visit.exchanged("POST") == [("/api/v1/items", 201)]

    def test_what_is_wrong_is_shown_at_its_field(self, stage: Stage, visit: Visit) -> None:
        visit.press("Refresh")
        expect(visit.items).not_to_have_count(0)
        visit.add("", "x" * 2001)
        visit.expect_error("validation_error", 422)
        expect(visit.page.locator("#name-error")).to_contain_text("at least 1 character")
        expect(visit.page.locator("#description-error")).to_contain_text("at most 2000 characters")
        stage.screenshot.parent.mkdir(exist_ok=True)
        visit.page.screenshot(path=stage.screenshot)

    def test_a_name_that_is_taken_says_so(self, visit: Visit) -> None:
        visit.add("File")
        # With two concurrent requests, the page would show the later response.
        expect(visit.items).to_have_count(1)
        visit.add("File")
        alert = visit.expect_error("item_name_taken", 409)
        expect(alert).to_contain_text("There is one of that name already.")
        expect(visit.items).to_have_count(1)

    def test_a_crash_can_be_read_and_found_in_the_log(self, stage: Stage, visit: Visit) -> None:
        visit.press("Fail")
        request_id = visit.expect_error("internal_error", 500).locator("small").inner_text()
        assert len(request_id) == 32
        stage.wait_for_line(request_id, "the secret of the log")
        assert "secret" not in visit.page.content()


class TestCredentials:
    def test_cookies_go_along_where_both_sides_agree(self, visit: Visit) -> None:
        visit.expect_visitor("Welcome", "welcome")
        visit.expect_visitor("Greet", "somebody")

    def test_they_stay_at_home_where_the_page_does_not_send_them(
        self, stage: Stage, context: BrowserContext, visit: Visit
    ) -> None:
        visit.expect_visitor("Welcome", "welcome")
        visit.expect_visitor("Greet", "somebody")
        Visit(context, stage.listed, api=stage.with_credentials).expect_visitor("Greet", "nobody")

    def test_a_service_that_takes_none_is_not_read_by_a_page_that_sends_them(
        self, stage: Stage, context: BrowserContext
    ) -> None:
        visit = Visit(context, stage.listed, api=stage.without, credentials="include")
        visit.press("Refresh")
        visit.expect_error("unreachable", 0)
        assert visit.exchanged("GET")[-1] == ("/api/v1/items", 200)

    def test_it_is_read_by_one_that_does_not(self, stage: Stage, context: BrowserContext) -> None:
        visit = Visit(context, stage.listed, api=stage.without)
        visit.add("Gauge")
        expect(visit.items).to_have_count(1)

    @pytest.mark.parametrize(("same_site", "greeted"), [("none", "somebody"), ("lax", "nobody")])
    def test_below_another_domain_only_cookies_that_say_so_go_along(
        self, stage: Stage, context: BrowserContext, same_site: str, greeted: str
    ) -> None:
        query = {"api": stage.elsewhere, "credentials": "include", "sameSite": same_site}
        visit = Visit(context, stage.preview, **query)
        visit.expect_visitor("Welcome", "welcome")
        visit.expect_visitor("Greet", greeted)


class TestOtherOrigins:
    def test_another_port_is_another_origin_that_is_listed_too(
        self, stage: Stage, context: BrowserContext
    ) -> None:
        visit = Visit(context, stage.other_port, api=stage.with_credentials, credentials="include")
        visit.add("Hammer")
        expect(visit.items).to_have_count(1)

    def test_a_preview_matches_the_pattern(self, stage: Stage, context: BrowserContext) -> None:
        visit = Visit(context, stage.preview, api=stage.with_credentials, credentials="include")
        assert visit.page.evaluate("location.origin") == stage.preview
        visit.add("Iron")
        expect(visit.items).to_have_count(1)

    def test_a_stranger_is_answered_but_may_not_read_it(
        self, stage: Stage, context: BrowserContext
    ) -> None:
        visit = Visit(context, stage.stranger, api=stage.with_credentials)
        visit.press("Refresh")
        visit.expect_error("unreachable", 0)
        assert visit.exchanged("GET")[-1] == ("/api/v1/items", 200)

    def test_a_stranger_may_not_even_ask_to_write(
        self, stage: Stage, context: BrowserContext, stored: Client
    ) -> None:
        visit = Visit(context, stage.stranger, api=stage.with_credentials)
        visit.add("Jack")
        visit.expect_error("unreachable", 0)
        assert visit.exchanged("OPTIONS") == [("/api/v1/items", 400)]
        assert "Jack" not in names(stored)

    def test_a_write_that_no_browser_asks_about_is_refused_and_not_carried_out(
        self, stage: Stage, context: BrowserContext
    ) -> None:
        visit = Visit(context, stage.stranger, api=stage.with_credentials, credentials="include")
        visit.press("Welcome")
        visit.expect_error("unreachable", 0)
        assert visit.exchanged("OPTIONS") == []
        assert visit.exchanged("POST") == [("/api/v1/visitors", 403)]
        assert context.cookies(stage.with_credentials) == []


class TestSameOrigin:
    """The frontend's server passes on what the page sends to its own origin, over TLS or at home."""

    @pytest.mark.parametrize("name", ["listed", "preview"])
    def test_a_page_writes_and_reads_whatever_its_origin(
        self, stage: Stage, context: BrowserContext, name: str
    ) -> None:
        visit = Visit(context, getattr(stage, name))
        visit.add(f"Knife of the {name}")
        expect(visit.items).to_have_count(1)
        visit.press("Refresh")
        expect(visit.items.first).to_have_text(f"Knife of the {name}")
        assert visit.exchanged("OPTIONS") == []

    def test_cookies_belong_to_the_page(self, stage: Stage, context: BrowserContext) -> None:
        visit = Visit(context, stage.listed)
        visit.expect_visitor("Welcome", "welcome")
        visit.expect_visitor("Greet", "somebody")

    def test_errors_are_the_services(self, stage: Stage, context: BrowserContext) -> None:
        visit = Visit(context, stage.listed)
        visit.add("")
        visit.expect_error("validation_error", 422)
        expect(visit.page.locator("#name-error")).to_be_visible()
