"""Prints what changes in services between a commit and the working tree.

    python tests/rendered_difference.py COMMIT FILE   write it into a file, as `git diff` does

Services with every answer that there is are rendered from both. Answers to questions that the
older one does not ask are left out there.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from harness import ANSWERS_FILE, TEMPLATE, Answers, copy_release, run
from matrix import CELLS, COVERING
from releases import known_to

# It names the commit, which is always another.
COMMIT = re.compile(r"^_commit: .*\n", re.MULTILINE)


def render(commit: str, answers: Answers, folder: Path) -> None:
    """Render a service from a commit, without what says which commit that was."""
    copy_release(TEMPLATE, folder, known_to(TEMPLATE, commit, answers), commit)
    recorded = folder / ANSWERS_FILE
    recorded.write_text(COMMIT.sub("", recorded.read_text(encoding="utf-8")), encoding="utf-8")


def difference(commit: str) -> str:
    """The difference of rendered services, each in a folder with the name of its answers."""
    with tempfile.TemporaryDirectory() as folder:
        for cell in COVERING:
            render(commit, CELLS[cell], Path(folder, "before", cell))
            render("HEAD", CELLS[cell], Path(folder, "after", cell))
        diff = ["git", "diff", "--no-index", "--no-color", "--no-prefix", "before", "after"]
        done = run(diff, Path(folder))
    # It ends with 1 where there are differences.
    if done.returncode > 1:
        raise RuntimeError(done.stderr)
    return done.stdout


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(difference(sys.argv[1]), encoding="utf-8", newline="\n")
