"""Users sign in in a browser, on pages of the same site and of another one."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
from accounts import EMAIL, PASSWORD, create_service, register
from browser import NEEDS_BROWSER, RecordedPage, launch_browser, open_context
from databases import serving
from harness import Environments, Renders
from node import NEEDS_NPM
from playwright.sync_api import Browser, BrowserContext
from sites import Proxy, tls

pytestmark = [pytest.mark.slow, NEEDS_NPM, NEEDS_BROWSER]

COOKIE = "__Host-session"
USER, MINE, ALL = "/api/v1/auth/user", "/api/v1/reports/mine", "/api/v1/reports/all"
SIGN_IN, SIGN_OUT = "/api/v1/auth/sign-in", "/api/v1/auth/sign-out"

# Allowed pages.
PAGE, OTHER_SITE = "https://app.example.com", "https://app.example.org"
# Pages that are not allowed: on the same sites as those, and on another one.
SIBLING, OTHER_SIBLING = "https://stranger.example.com", "https://stranger.example.org"
STRANGER = "https://stranger.example"
PAGES = (PAGE, OTHER_SITE, SIBLING, OTHER_SIBLING, STRANGER)
# The service, with the default `SameSite` and with that for pages of other sites.
LAX, NONE = "https://api.example.com", "https://api.example.net"

# Returns the status of a response that the page can read, and its JSON.
FETCH = """
async ([url, method, body]) => {
  const headers = body ? { "Content-Type": "application/json" } : {};
  const init = { method, headers, body, credentials: "include" };
  try {
    const response = await fetch(url, init);
    return [response.status, response.status === 204 ? null : await response.json()];
  } catch (error) {
    return [0, error.name];
  }
}
"""
# Without a preflight, as any page may send it.
SUBMIT = """
([url, name]) => {
  document.body.innerHTML = `<form method="post" enctype="text/plain"><input></form>`;
  document.forms[0].action = url;
  document.forms[0][0].name = name;
  document.forms[0].submit();
}
"""


class Page(BaseHTTPRequestHandler):
    """An empty page."""

    def do_GET(self) -> None:
        """Respond with it."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Page</title>")


@contextmanager
def serve_pages(context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serve an empty page, over TLS with a context, and yield the port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@dataclass(frozen=True)
class Stage:
    """A browser, and the URLs without TLS.

    Attributes:
        browser: a headless browser.
        page: a page on localhost.
        service: the service on localhost.
    """

    browser: Browser
    page: str
    service: str


# Tests whose parameter ends in an @ run in one process.
@pytest.fixture(scope="module", params=["sessions@"])
def stage(
    request: pytest.FixtureRequest,
    render: Renders,
    environments: Environments,
    shared: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("sign-in") / "service"
    answers = {"authentication": request.param.rstrip("@")}
    service = create_service(render, environments, folder, answers)
    with ExitStack() as stack:
        enter = stack.enter_context
        pages = enter(serve_pages(tls()))
        page = f"http://localhost:{enter(serve_pages())}"
        ports = {urlsplit(url).hostname: pages for url in PAGES}
        for url, same_site in ((NONE, "none"), (LAX, "lax")):
            variables = {
                "APP_CORS_ORIGINS": f"{PAGE},{OTHER_SITE},{page}",
                "APP_SESSION_SAME_SITE": same_site,
            }
            client = enter(serving(replace(service, variables=variables)))
            proxy = enter(Proxy(tls()).running())
            proxy.target = client.base_url.port or 0
            ports[urlsplit(url).hostname] = proxy.port
        register(service, client)
        rules = [f"MAP {host}:443 127.0.0.1:{port}" for host, port in ports.items()]
        browser = enter(launch_browser(shared, *rules))
        yield Stage(browser, page, f"http://localhost:{client.base_url.port}")


@pytest.fixture
def context(stage: Stage) -> Iterator[BrowserContext]:
    """A browser context without cookies."""
    with open_context(stage.browser) as context:
        yield context


class Visit(RecordedPage):
    """An empty page of an origin, which calls a service."""

    def __init__(self, context: BrowserContext, origin: str, service: str) -> None:
        super().__init__(context)
        self.service = service
        self.page.goto(origin)

    def call(self, path: str, method: str = "GET", body: object = None) -> tuple[int, Any]:
        """The status and JSON of a response; 0 if the page cannot read it."""
        encoded = None if body is None else json.dumps(body)
        status, content = self.page.evaluate(FETCH, [f"{self.service}{path}", method, encoded])
        return status, content

    def sign_in(self, password: str = PASSWORD) -> tuple[int, Any]:
        return self.call(SIGN_IN, "POST", {"email": EMAIL, "password": password})

    def submit(self, path: str, body: object) -> tuple[int, Any]:
        """Submit a form, which leaves the page: the status and JSON of the response."""
        with self.page.expect_navigation() as navigation:
            self.page.evaluate(SUBMIT, [f"{self.service}{path}", json.dumps(body)])
        response = navigation.value
        assert response is not None
        return response.status, response.json()


def session_cookies(context: BrowserContext, url: str) -> list[Mapping[str, Any]]:
    """The cookies of sessions that the browser keeps for a URL."""
    return [cookie for cookie in context.cookies(url) if cookie["name"] == COOKIE]


@pytest.mark.parametrize(("page", "service"), [(PAGE, LAX), (OTHER_SITE, NONE)])
def test_a_session_begins_and_ends_in_a_browser(
    context: BrowserContext, stage: Stage, page: str, service: str
) -> None:
    visit = Visit(context, page, service)
    status, error = visit.call(MINE)
    assert (status, error["code"]) == (401, "unauthorized")

    status, user = visit.sign_in()
    assert (status, user["email"]) == (200, EMAIL)
    assert visit.call(MINE) == (200, user["id"])
    status, error = visit.call(ALL)
    assert (status, error["code"]) == (403, "insufficient_scope")

    assert visit.call(SIGN_OUT, "POST") == (204, None)
    assert session_cookies(context, service) == []
    assert visit.call(MINE)[0] == 401


def test_a_wrong_password_begins_no_session(context: BrowserContext) -> None:
    visit = Visit(context, PAGE, LAX)
    status, error = visit.sign_in("another password")
    assert (status, error["code"]) == (401, "wrong_credentials")
    assert context.cookies() == []


def test_the_cookie_is_for_the_service_and_https_only(context: BrowserContext) -> None:
    Visit(context, PAGE, LAX).sign_in()
    [cookie] = context.cookies()
    assert cookie["name"] == COOKIE
    # Without a dot, the domain excludes its subdomains.
    assert (cookie["domain"], cookie["path"]) == ("api.example.com", "/")
    assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "Lax")


def test_scripts_cannot_read_the_cookie(context: BrowserContext) -> None:
    visit = Visit(context, PAGE, LAX)
    visit.sign_in()
    assert visit.page.evaluate("document.cookie") == ""
    # Nor a script on the origin of the service itself, which the browser sends the cookie to.
    visit.page.goto(f"{LAX}{MINE}")
    assert visit.responses("GET")[-1] == (MINE, 200)
    assert visit.page.evaluate("document.cookie") == ""


def test_a_lax_cookie_of_another_site_is_blocked(context: BrowserContext) -> None:
    visit = Visit(context, OTHER_SITE, LAX)
    assert visit.sign_in()[0] == 200
    assert session_cookies(context, LAX) == []
    assert visit.call(MINE)[0] == 401


def test_a_partitioned_cookie_is_for_one_site(context: BrowserContext) -> None:
    visit = Visit(context, OTHER_SITE, NONE)
    visit.sign_in()
    assert visit.call(MINE)[0] == 200
    [cookie] = session_cookies(context, NONE)
    assert (cookie["sameSite"], cookie["partitionKey"]) == ("None", "https://example.org")
    # This origin is allowed too.
    assert Visit(context, PAGE, NONE).call(MINE)[0] == 401


@pytest.mark.parametrize(
    ("stranger", "page", "service"),
    [(SIBLING, PAGE, LAX), (OTHER_SIBLING, OTHER_SITE, NONE), (STRANGER, PAGE, LAX)],
)
class TestOriginsThatAreNotAllowed:
    """The browser sends the cookie with requests of pages of the same site."""

    def test_their_forms_cannot_sign_in(
        self, context: BrowserContext, stranger: str, page: str, service: str
    ) -> None:
        visit = Visit(context, stranger, service)
        status, error = visit.submit(SIGN_IN, {"email": EMAIL, "password": PASSWORD})
        assert (status, error["code"]) == (403, "cross_origin_refused")
        assert context.cookies() == []

    def test_their_forms_cannot_sign_out(
        self, context: BrowserContext, stranger: str, page: str, service: str
    ) -> None:
        visit = Visit(context, page, service)
        visit.sign_in()
        status, error = Visit(context, stranger, service).submit(SIGN_OUT, {})
        assert (status, error["code"]) == (403, "cross_origin_refused")
        assert visit.call(MINE)[0] == 200

    def test_their_scripts_fail_the_preflight(
        self, context: BrowserContext, stranger: str, page: str, service: str
    ) -> None:
        visit = Visit(context, stranger, service)
        assert visit.sign_in() == (0, "TypeError")
        assert visit.responses("OPTIONS") == [(SIGN_IN, 400)]
        assert context.cookies() == []

    def test_their_scripts_cannot_read(
        self, context: BrowserContext, stranger: str, page: str, service: str
    ) -> None:
        Visit(context, page, service).sign_in()
        visit = Visit(context, stranger, service)
        assert visit.call(USER) == (0, "TypeError")
        # Only CORS keeps pages of the same site from reading this response.
        status = 401 if stranger == STRANGER else 200
        assert (USER, status) in visit.responses("GET")


def test_localhost_needs_no_tls(context: BrowserContext, stage: Stage) -> None:
    visit = Visit(context, stage.page, stage.service)
    assert visit.sign_in()[0] == 200
    assert visit.call(MINE)[0] == 200
