"""How long `copier copy` takes with the default answers, next to the copy of an empty template.

Both are whole processes, measured in turn so that whatever else the machine does hits both alike.
Run it with the Python that the template's tests run with; it takes the number of rounds.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from harness import git, take_snapshot

BUDGET = 2.0

EMPTY = {
    "copier.yml": "_subdirectory: template\n",
    "template/{{ _copier_conf.answers_file }}.jinja": "{{ _copier_answers | to_nice_yaml }}",
}


def make_empty_template(folder: Path) -> Path:
    """A template that renders its answers file and nothing else."""
    for name, text in EMPTY.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Empty")
    git(folder, "tag", "v1.0.0")
    return folder


def seconds_to_copy(template: Path, settings: Path) -> float:
    """Run the command line once, into a folder that is new."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "copier", "copy", "--quiet", "--trust", "--defaults"]
        start = time.perf_counter()
        subprocess.run(
            [*command, str(template), f"{folder}/service"],
            check=True,
            env={**os.environ, "COPIER_SETTINGS_PATH": str(settings)},
        )
        return time.perf_counter() - start


def main(rounds: int) -> None:
    """Print the median of both, and the median ratio of the pairs."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder, "settings.yml")
        settings.write_text("{}\n", encoding="utf-8")
        empty = make_empty_template(Path(folder, "empty"))
        ours = take_snapshot(Path(folder, "ours"))
        pairs = [
            (seconds_to_copy(empty, settings), seconds_to_copy(ours, settings))
            # The first round fills the caches.
            for _ in range(rounds + 1)
        ][1:]
    floors, copies = zip(*pairs, strict=True)
    ratio = statistics.median(copy / floor for floor, copy in pairs)
    print(f"empty template  {statistics.median(floors):.3f} s")
    print(f"this template   {statistics.median(copies):.3f} s")
    print(f"ratio           {ratio:.2f} (budget {BUDGET})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
