"""The Python of this repository passes the checks of a rendered service."""

from __future__ import annotations

import sys

import pytest
from harness import TEMPLATE, run


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "--quiet"],
        ["ruff", "format", "--diff", "--quiet"],
        pytest.param(["mypy"], marks=pytest.mark.slow),
    ],
    ids=["linted", "formatted", "typed"],
)
def test_the_code_passes(command: list[str]) -> None:
    done = run([sys.executable, "-m", *command], TEMPLATE)
    assert done.returncode == 0, done.stdout + done.stderr
