"""A browser enforces CORS, cookies and security headers for pages that call the service."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from urllib.parse import urlencode

import pytest
from browser import NEEDS_BROWSER, RecordedPage, open_context
from harness import Answers, Environments, Renders
from httpx2 import Client
from node import NEEDS_NPM
from playwright.sync_api import BrowserContext, Locator, expect
from sites import Sites, start_sites

pytestmark = [pytest.mark.slow, NEEDS_NPM, NEEDS_BROWSER]

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
            # In the default run, other tests prove what differs: the client and the folders.
            marks=[] if answers == COMBINATIONS[0] else [pytest.mark.nightly],
        )
        for answers in COMBINATIONS
    ],
)
def sites(
    request: pytest.FixtureRequest,
    render: Renders,
    environments: Environments,
    shared: Path,
    client_tools: Path,
) -> Iterator[Sites]:
    with start_sites(render, environments, shared, client_tools, request.param) as sites:
        yield sites


class Visit(RecordedPage):
    """The page of the frontend."""

    def __init__(self, context: BrowserContext, origin: str, **query: str) -> None:
        super().__init__(context)
        self.page.goto(f"{origin}/?{urlencode(query)}")

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
def context(sites: Sites) -> Iterator[BrowserContext]:
    """A browser context without cookies."""
    with open_context(sites.browser) as context:
        yield context


@pytest.fixture
def visit(sites: Sites, context: BrowserContext) -> Visit:
    """The page on an allowed origin."""
    return Visit(context, sites.listed, api=sites.with_credentials, credentials="include")


@pytest.fixture
def api(sites: Sites) -> Iterator[Client]:
    """A client without a browser, to read what the service has stored."""
    with Client(base_url=sites.with_credentials) as client:
        yield client


def names(api: Client) -> list[str]:
    items = api.get("/api/v1/items?limit=100").raise_for_status().json()["items"]
    return [item["name"] for item in items]


class TestServer:
    def test_server_components_read_all_pages(
        self, sites: Sites, api: Client, context: BrowserContext
    ) -> None:
        for name in ("Anvil", "Brush", "Chisel"):
            api.post("/api/v1/items", json={"name": name})
        text = Visit(context, sites.listed).page.locator("#from-the-server").inner_text()
        assert text.split(", ") == names(api)

    def test_the_request_id_of_a_page_is_logged(self, sites: Sites) -> None:
        with Client() as client:
            client.get(sites.listed, headers={"X-Request-ID": "from-the-page"}).raise_for_status()
        sites.wait_for_line('"from-the-page"')


class TestListedOrigin:
    def test_a_created_item_is_listed(self, visit: Visit, api: Client) -> None:
        visit.add("Drill", "It turns.")
        expect(visit.items.first).to_have_text("Drill")
        assert names(api)[0] == "Drill"

        visit.press("Refresh")
        expect(visit.items).to_have_text(names(api)[:20])

    def test_the_browser_sends_a_preflight(self, visit: Visit) -> None:
        visit.add("Easel")
        expect(visit.items).to_have_count(1)
        assert visit.responses("OPTIONS") == [("/api/v1/items", 200)]
        assert visit.responses("POST") == [("/api/v1/items", 201)]

    def test_validation_errors_are_shown_at_their_fields(self, sites: Sites, visit: Visit) -> None:
        visit.press("Refresh")
        expect(visit.items).not_to_have_count(0)
        visit.add("", "x" * 2001)
        visit.expect_error("validation_error", 422)
        expect(visit.page.locator("#name-error")).to_contain_text("at least 1 character")
        expect(visit.page.locator("#description-error")).to_contain_text("at most 2000 characters")
        sites.screenshot.parent.mkdir(exist_ok=True)
        visit.page.screenshot(path=sites.screenshot)

    def test_a_conflict_is_shown(self, visit: Visit) -> None:
        visit.add("File")
        # With two concurrent requests, the page would show the later response.
        expect(visit.items).to_have_count(1)
        visit.add("File")
        alert = visit.expect_error("item_name_taken", 409)
        expect(alert).to_contain_text("This name is already taken.")
        expect(visit.items).to_have_count(1)

    def test_a_500_is_readable_and_its_request_id_is_logged(
        self, sites: Sites, visit: Visit
    ) -> None:
        visit.press("Fail")
        request_id = visit.expect_error("internal_error", 500).locator("small").inner_text()
        assert len(request_id) == 32
        sites.wait_for_line(request_id, "the secret of the log")
        assert "secret" not in visit.page.content()


class TestCredentials:
    def test_cookies_are_sent_with_credentials_on_both_sides(self, visit: Visit) -> None:
        visit.expect_visitor("Welcome", "welcome")
        visit.expect_visitor("Greet", "somebody")

    def test_cookies_are_not_sent_without_credentials_include(
        self, sites: Sites, context: BrowserContext, visit: Visit
    ) -> None:
        visit.expect_visitor("Welcome", "welcome")
        visit.expect_visitor("Greet", "somebody")
        Visit(context, sites.listed, api=sites.with_credentials).expect_visitor("Greet", "nobody")

    def test_a_response_without_allow_credentials_is_blocked(
        self, sites: Sites, context: BrowserContext
    ) -> None:
        visit = Visit(context, sites.listed, api=sites.without, credentials="include")
        visit.press("Refresh")
        visit.expect_error("unreachable", 0)
        assert visit.responses("GET")[-1] == ("/api/v1/items", 200)

    def test_a_response_without_credentials_is_readable(
        self, sites: Sites, context: BrowserContext
    ) -> None:
        visit = Visit(context, sites.listed, api=sites.without)
        visit.add("Gauge")
        expect(visit.items).to_have_count(1)

    @pytest.mark.parametrize(("same_site", "greeted"), [("none", "somebody"), ("lax", "nobody")])
    def test_same_site_cookies_across_domains(
        self, sites: Sites, context: BrowserContext, same_site: str, greeted: str
    ) -> None:
        query = {"api": sites.elsewhere, "credentials": "include", "sameSite": same_site}
        visit = Visit(context, sites.preview, **query)
        visit.expect_visitor("Welcome", "welcome")
        visit.expect_visitor("Greet", greeted)


class TestOtherOrigins:
    def test_another_port_is_another_origin(self, sites: Sites, context: BrowserContext) -> None:
        visit = Visit(context, sites.other_port, api=sites.with_credentials, credentials="include")
        visit.add("Hammer")
        expect(visit.items).to_have_count(1)

    def test_a_preview_origin_matches_the_pattern(
        self, sites: Sites, context: BrowserContext
    ) -> None:
        visit = Visit(context, sites.preview, api=sites.with_credentials, credentials="include")
        assert visit.page.evaluate("location.origin") == sites.preview
        visit.add("Iron")
        expect(visit.items).to_have_count(1)

    def test_other_origins_cannot_read_responses(
        self, sites: Sites, context: BrowserContext
    ) -> None:
        visit = Visit(context, sites.stranger, api=sites.with_credentials)
        visit.press("Refresh")
        visit.expect_error("unreachable", 0)
        assert visit.responses("GET")[-1] == ("/api/v1/items", 200)

    def test_other_origins_fail_the_preflight(
        self, sites: Sites, context: BrowserContext, api: Client
    ) -> None:
        visit = Visit(context, sites.stranger, api=sites.with_credentials)
        visit.add("Jack")
        visit.expect_error("unreachable", 0)
        assert visit.responses("OPTIONS") == [("/api/v1/items", 400)]
        assert "Jack" not in names(api)

    def test_simple_requests_of_other_origins_are_refused(
        self, sites: Sites, context: BrowserContext
    ) -> None:
        visit = Visit(context, sites.stranger, api=sites.with_credentials, credentials="include")
        visit.press("Welcome")
        visit.expect_error("unreachable", 0)
        assert visit.responses("OPTIONS") == []
        assert visit.responses("POST") == [("/api/v1/visitors", 403)]
        assert context.cookies(sites.with_credentials) == []


class TestSameOrigin:
    """Next.js rewrites requests to the page's own origin, with and without TLS."""

    @pytest.mark.parametrize("name", ["listed", "preview"])
    def test_same_origin_requests_are_allowed(
        self, sites: Sites, context: BrowserContext, name: str
    ) -> None:
        visit = Visit(context, getattr(sites, name))
        visit.add(f"Knife of the {name}")
        expect(visit.items).to_have_count(1)
        visit.press("Refresh")
        expect(visit.items.first).to_have_text(f"Knife of the {name}")
        assert visit.responses("OPTIONS") == []

    def test_cookies_belong_to_the_page(self, sites: Sites, context: BrowserContext) -> None:
        visit = Visit(context, sites.listed)
        visit.expect_visitor("Welcome", "welcome")
        visit.expect_visitor("Greet", "somebody")

    def test_errors_pass_through_the_rewrite(self, sites: Sites, context: BrowserContext) -> None:
        visit = Visit(context, sites.listed)
        visit.add("")
        visit.expect_error("validation_error", 422)
        expect(visit.page.locator("#name-error")).to_be_visible()
