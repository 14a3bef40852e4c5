"""The code of docs/nextjs.md signs users in, in a browser."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from accounts import EMAIL, PASSWORD, create_service, register
from browser import NEEDS_BROWSER, launch_browser, open_context
from databases import serving
from generated import generate
from harness import TEMPLATE, Environments, Renders, make_once
from node import NEEDS_NPM
from playwright.sync_api import Page, expect
from provider import provider_package, running_provider
from sites import FRONTEND, Proxy, install_frontend, next_server, tls

# In the default run, `test_sign_in.py` and `test_provider.py` prove what these pages connect.
pytestmark = [pytest.mark.slow, pytest.mark.nightly, NEEDS_NPM, NEEDS_BROWSER]

PAGES = TEMPLATE / "tests/sign_in/app"
DOCS = TEMPLATE / "docs/nextjs.md"
SECTIONS = {"sessions": "### With sessions", "oidc": "### With an identity provider"}
# The code of a file, which its first line names.
FILE = re.compile(r"^```tsx?\n// (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

SITE = "https://app.example.com"
# The provider signs with the algorithm that this names.
AUDIENCE = "https://api.example.com/ES256"


def write_pages(web: Path, mode: str) -> None:
    """Write an application with the code of a section."""
    names = ("next.config.ts", "tsconfig.json", "package.json", "app/layout.tsx")
    shutil.copytree(PAGES, web / "app")
    for name in names:
        shutil.copy(FRONTEND / name, web / name)
    section = DOCS.read_text(encoding="utf-8").partition(SECTIONS[mode] + "\n")[2]
    files = FILE.findall(re.split("^##", section, maxsplit=1, flags=re.MULTILINE)[0])
    assert len(files) >= 3
    for name, code in files:
        (web / name).parent.mkdir(parents=True, exist_ok=True)
        (web / name).write_text(code.lstrip("\n"), encoding="utf-8")


@contextmanager
def running_issuer(shared: Path, folder: Path, mode: str) -> Iterator[Mapping[str, str]]:
    """Run what users sign in at, and yield the variables for it."""
    if mode == "sessions":
        yield {}
        return
    package = provider_package(shared)
    with running_provider(package, folder, f"{SITE}/callback") as variables:
        issuer, authority = variables["ISSUER"], variables["SSL_CERT_FILE"]
        yield {
            "SSL_CERT_FILE": authority,
            "NODE_EXTRA_CA_CERTS": authority,
            "APP_OIDC_ISSUER": issuer,
            "APP_OIDC_AUDIENCE": AUDIENCE,
            "OIDC_ISSUER": issuer,
            "OIDC_AUDIENCE": AUDIENCE,
            "OIDC_CLIENT_ID": "frontend",
            "OIDC_CLIENT_SECRET": "secret",
            "SESSION_SECRET": "x" * 32,
            "SITE_URL": SITE,
        }


@dataclass(frozen=True)
class Visitor:
    """A visitor of the application.

    Attributes:
        page: the page that is open.
        mode: how users sign in.
    """

    page: Page
    mode: str

    def sign_in(self) -> None:
        """Sign in on the page of the application, and at the provider."""
        if self.mode == "sessions":
            self.page.get_by_label("E-mail").fill(EMAIL)
            self.page.get_by_label("Password").fill(PASSWORD)
        self.press("Sign in")
        if self.mode == "oidc":
            self.page.get_by_placeholder("Enter any login").fill("ada")
            self.page.get_by_placeholder("and password").fill(PASSWORD)
            self.press("Sign-in")
            self.press("Continue")
        self.page.wait_for_url(f"{SITE}/")

    def sign_out(self) -> None:
        """Sign out on the page of the application, and at the provider."""
        self.press("Sign out")
        if self.mode == "oidc":
            self.press("Yes, sign me out")
            self.page.goto(SITE)

    def press(self, button: str) -> None:
        self.page.get_by_role("button", name=button).click()


@pytest.fixture(scope="module", params=["sessions@", "oidc@"])
def visitor(
    request: pytest.FixtureRequest,
    render: Renders,
    environments: Environments,
    shared: Path,
    client_tools: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Visitor]:
    mode = request.param.rstrip("@")
    workspace = make_once(shared / "frontend", install_frontend)
    root = workspace / f"sign-in-{mode}"
    answers = {"authentication": mode, "typescript_client": True}
    service = create_service(render, environments, root / "service", answers)
    (service.root / "client/node_modules").symlink_to(client_tools)
    generate(service)
    (root / "node_modules").mkdir()
    (root / "node_modules/my-service-client").symlink_to(service.root / "client")
    write_pages(root / "web", mode)
    with ExitStack() as stack:
        enter = stack.enter_context
        variables = dict(enter(running_issuer(shared, root, mode)))
        client = enter(serving(replace(service, variables=variables)))
        if mode == "sessions":
            register(service, client)
        proxy = enter(Proxy(tls()).running())
        proxy.target = enter(
            next_server(root / "web", str(client.base_url), workspace, **variables)
        )
        rule = f"MAP app.example.com:443 127.0.0.1:{proxy.port}"
        browser = enter(launch_browser(shared, rule))
        yield Visitor(enter(open_context(browser)).new_page(), mode)


def test_a_user_signs_in_and_out(visitor: Visitor) -> None:
    page = visitor.page
    page.goto(SITE)
    assert page.url == f"{SITE}/sign-in"

    if visitor.mode == "oidc":
        # As the provider sends visitors who do not sign in.
        page.goto(f"{SITE}/callback?error=access_denied&state=x")
        assert page.url == f"{SITE}/sign-in"

    visitor.sign_in()
    expect(page.locator("#mine")).not_to_be_empty()
    expect(page.locator("#all")).to_have_text("insufficient_scope")
    [cookie] = page.context.cookies(SITE)
    assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "Lax")
    assert page.evaluate("document.cookie") == ""

    visitor.sign_out()
    page.wait_for_url(f"{SITE}/sign-in")
    assert page.context.cookies(SITE) == []
    page.goto(SITE)
    assert page.url == f"{SITE}/sign-in"
