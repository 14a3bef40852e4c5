"""Node.js and npm, which come from PyPI like the other tools."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# Beside the Python that runs this; else wherever the machine has them.
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
NPM = shutil.which("npm", path=PATH)


def run_node(folder: Path, *command: str) -> str:
    """Run a program of Node.js and return what it printed; a failure shows that."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PATH": PATH, "NEXT_TELEMETRY_DISABLED": "1", "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.fail(f"{done.stdout}\n{' '.join(command)} failed in {folder}", pytrace=False)
    return done.stdout


def run_npm(folder: Path, *words: str) -> str:
    """Run npm, like `run_node`."""
    assert NPM is not None
    return run_node(folder, NPM, *words)
