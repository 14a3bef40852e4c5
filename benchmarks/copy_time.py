"""Measures `copier copy` with the default answers, compared with an empty template.

A third template has the files of that service without questions or Jinja: its time is Copier's own
for that number of files, so no template of this size is faster.

Each copy is a process. The templates take turns, so that other load of the machine affects all of
them. Run it with the Python of the tests:

    .venv/bin/python benchmarks/copy_time.py [ROUNDS]
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


def make_template(folder: Path) -> Path:
    """Make a folder a template: it renders its files and an answers file."""
    for name, text in EMPTY.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    git(folder, "init", "--quiet")
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--message", "A template")
    git(folder, "tag", "v1.0.0")
    return folder


def clone(template: Path) -> Path:
    """Clone a template, so that its objects are packed as for a user."""
    target = template.with_name(f"{template.name}-clone")
    git(template, "clone", "--quiet", "--no-local", str(template), str(target))
    return target


def copy(template: Path, service: Path, settings: Path) -> None:
    """Run `copier copy` into a new folder."""
    command = [sys.executable, "-m", "copier", "copy", "--quiet", "--trust", "--defaults"]
    environment = {**os.environ, "COPIER_SETTINGS_PATH": str(settings)}
    subprocess.run([*command, str(template), str(service)], check=True, env=environment)


def seconds_to_copy(template: Path, settings: Path) -> float:
    """The duration of one copy."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        copy(template, Path(folder, "service"), settings)
        return time.perf_counter() - start


def main(rounds: int) -> None:
    """Print the median of each template, and of its ratio to the empty one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = folder / "settings.yml"
        settings.write_text("{}\n", encoding="utf-8")
        ours = clone(take_snapshot(folder / "ours"))
        copy(ours, folder / "plain" / "template", settings)
        (folder / "plain" / "template" / ".copier-answers.yml").unlink()
        templates = {
            "empty template": clone(make_template(folder / "empty")),
            "the same files": clone(make_template(folder / "plain")),
            "this template": ours,
        }
        turns = [
            {name: seconds_to_copy(template, settings) for name, template in templates.items()}
            # The first round fills the caches.
            for _ in range(rounds + 1)
        ][1:]
    for name in templates:
        seconds = statistics.median(turn[name] for turn in turns)
        ratio = statistics.median(turn[name] / turn["empty template"] for turn in turns)
        print(f"{name:14}  {seconds:.3f} s  {ratio:.2f}")
    print(f"budget          {BUDGET}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
