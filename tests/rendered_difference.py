"""Compares the services rendered from a commit with those of the working tree.

    python tests/rendered_difference.py COMMIT FILE   write the diff to a file

The services together have every choice. Answers to questions that the commit does not have are
omitted there.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from harness import ANSWERS_FILE, TEMPLATE, Answers, copy_release, run
from matrix import CELLS, COVERING
from releases import known_answers

# This line always differs.
COMMIT = re.compile(r"^_commit: .*\n", re.MULTILINE)


def render(commit: str, answers: Answers, folder: Path) -> None:
    """Render a service from a commit, and remove the commit from its answers file."""
    copy_release(TEMPLATE, folder, known_answers(TEMPLATE, commit, answers), commit)
    recorded = folder / ANSWERS_FILE
    recorded.write_text(COMMIT.sub("", recorded.read_text(encoding="utf-8")), encoding="utf-8")


def difference(commit: str) -> str:
    """The diff of the rendered services; each is in a folder with the name of its cell."""
    with tempfile.TemporaryDirectory() as folder:
        for cell in COVERING:
            render(commit, CELLS[cell], Path(folder, "before", cell))
            render("HEAD", CELLS[cell], Path(folder, "after", cell))
        diff = ["git", "diff", "--no-index", "--no-color", "--no-prefix", "before", "after"]
        done = run(diff, Path(folder))
    # The exit code is 1 if there are differences.
    if done.returncode > 1:
        raise RuntimeError(done.stderr)
    return done.stdout


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(difference(sys.argv[1]), encoding="utf-8", newline="\n")
