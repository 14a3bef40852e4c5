"""Stops pytest if assertions are disabled, or if `copier update` left conflicts.

`copier update` exits with 0 even then.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent
MARKED = ["grep", "--untracked", "--files-with-matches", "-E", "^(<{7} before|>{7} after) updating"]
REJECTED = ["ls-files", "--others", "*.rej"]


def find(command: list[str]) -> list[str]:
    """The files of the service that git finds; none where there is no repository to update.

    Raises:
        SystemExit: git cannot read the repository; its text says why.
    """
    # Ignore the user's git configuration, and who owns the folder.
    options = ["-c", "safe.directory=*"]
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "LC_ALL": "C"}
    try:
        found = subprocess.run(  # noqa: S603 - the commands are our own
            ["git", *options, *command],  # noqa: S607 - wherever git is
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        if any((folder / ".git").exists() for folder in (ROOT, *ROOT.parents)):
            sys.exit("Git is required to check for conflicts of an update. Install git.")
        return []
    if found.returncode > 1 and "not a git repository" not in found.stderr:
        sys.exit(
            f"git cannot check for conflicts of an update: {found.stderr.strip()}\n"
            "Fix that, and run again."
        )
    return found.stdout.splitlines()


if not __debug__:
    sys.exit(
        "Python ignores assertions here, so the tests would prove nothing: unset PYTHONOPTIMIZE, "
        "remove -O, and run again."
    )
if unfinished := [*find(MARKED), *find(REJECTED)]:
    sys.exit(
        f"An update left conflicts in {', '.join(unfinished)}. In files with conflict markers, "
        "choose between the two sides and remove the markers. Apply the hunks of each .rej file by "
        "hand, then delete it."
    )

# Rewrite asserts before tests/conftest.py imports these modules.
pytest.register_assert_rewrite("tests")
