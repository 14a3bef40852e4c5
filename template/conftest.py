"""Refuses to test without assertions, and what an update has left unfinished.

`copier update` ends with 0 even then.
"""

import subprocess
import sys
from pathlib import Path

import pytest

MARKED = ["grep", "--untracked", "--files-with-matches", "-E", "^(<{7} before|>{7} after) updating"]
REJECTED = ["ls-files", "--others", "*.rej"]


def find(command: list[str]) -> list[str]:
    """The files of the service that git finds; without git nothing was ever updated."""
    try:
        found = subprocess.run(  # noqa: S603 - the commands are our own
            ["git", *command],  # noqa: S607 - wherever git is
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return []
    return found.stdout.splitlines()


if not __debug__:
    sys.exit(
        "Python ignores assertions here, so the tests would prove nothing: unset PYTHONOPTIMIZE, "
        "leave out -O, and run again."
    )
if unfinished := [*find(MARKED), *find(REJECTED)]:
    sys.exit(
        f"An update left conflicts in {', '.join(unfinished)}. Choose between the two sides of each, "
        "remove the lines of <<<<<<<, ======= and >>>>>>>, delete what ends in .rej, and run again."
    )

# What `tests/conftest.py` imports of the foundation's fixtures is imported before they are plugins.
pytest.register_assert_rewrite("tests")
