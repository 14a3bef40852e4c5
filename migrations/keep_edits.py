"""Moves a team's edits along when a release moves or removes a foundation file.

Copier deletes such a file without a message, even if the team edited it. A step in the `_migrations`
of `copier.yml` runs this in the service at the end of an update:

    keep_edits.py ANSWERS_FILE VERSION_FROM OLD=NEW OLD_FOLDER/=NEW_FOLDER/ REMOVED …

A folder means the files in it that the release has in the new folder. Edits are merged into the file
at its new path, with conflict markers where both sides changed the same lines. If the release has
another file at the old path, that file is as the release renders it. A removed file with edits stays,
and belongs to the team from then on. A file that the team had deleted stays deleted at its new path.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import copier
import yaml


def keep_edits(answers_file: str, version: str, departures: Iterable[str]) -> None:
    """Bring back the changes to each file, given as `OLD=NEW` or `REMOVED`.

    Args:
        answers_file: where the answers are, from the root of the service.
        version: the release that the service comes from.
        departures: paths from the root of the service; those of folders end in a slash.
    """
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "before"), Path(folder, "after")
        answers = yaml.safe_load(_committed(answers_file) or b"") or {}
        _render(str(answers["_src_path"]), version, answers, before)
        for old, new in _moves(departures, before):
            base, ours = before / old, _committed(old)
            # A file that was not rendered was disabled, and an unchanged one may be deleted.
            if not base.is_file() or ours == base.read_bytes():
                continue
            if ours is None:
                Path(new or old).unlink(missing_ok=True)
            elif not new:
                Path(old).parent.mkdir(parents=True, exist_ok=True)
                Path(old).write_bytes(ours)
                print(
                    f"{old} is no longer part of the foundation; it has your changes, so it is yours now."
                )
            elif Path(new).is_file():
                _merge(Path(new), base, ours)
                if Path(old).is_file():
                    if not after.exists():
                        # The template as it is updated to, of which this file is a part.
                        _render(str(Path(__file__).parents[1]), "HEAD", answers, after)
                    _restore(Path(old), after / old)


def _moves(departures: Iterable[str], before: Path) -> Iterator[tuple[str, str]]:
    """The old path of each file and its new one, which is empty for a file that is removed."""
    for departure in departures:
        old, _, new = departure.partition("=")
        if not old.endswith("/"):
            yield old, new
            continue
        for path in sorted(before.glob(f"{old}**/*")):
            name = path.relative_to(before / old).as_posix()
            if Path(new, name).is_file():
                yield old + name, new + name


def _render(template: str, version: str, answers: Mapping[str, object], folder: Path) -> None:
    given = {name: value for name, value in answers.items() if not name.startswith("_")}
    copier.run_copy(
        template,
        folder,
        data=given,
        vcs_ref=version,
        defaults=True,
        quiet=True,
        unsafe=True,
    )


def _committed(path: str) -> bytes | None:
    shown = subprocess.run(["git", "show", f"HEAD:./{path}"], capture_output=True, check=False)
    return shown.stdout if shown.returncode == 0 else None


def _merge(theirs: Path, base: Path, ours: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        mine = Path(folder, "ours")
        mine.write_bytes(ours)
        labels = [f"-L{label}" for label in ("before updating", "last update", "after updating")]
        files = [str(path) for path in (mine, base, theirs)]
        merge = ["git", "merge-file", "-p", *labels, *files]
        merged = subprocess.run(merge, stdout=subprocess.PIPE, check=False)
        stages = [_stored(version) for version in (base, mine, theirs)]
    theirs.write_bytes(merged.stdout)
    if merged.returncode:
        print(f"{theirs} has a conflict with your changes at its former path.")
        _mark_unmerged(theirs, stages)


def _restore(path: Path, rendered: Path) -> None:
    # Copier has merged the changes here too, perhaps with conflicts, which `git status` would show.
    path.write_bytes(rendered.read_bytes())
    subprocess.run(["git", "reset", "--quiet", "--", str(path)], check=True)


def _stored(path: Path) -> str:
    command = ["git", "hash-object", "-w", "--", str(path)]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()


def _mark_unmerged(path: Path, stages: list[str]) -> None:
    # So that `git status` calls it unmerged, as it does after any other merge.
    prefix = subprocess.run(
        ["git", "rev-parse", "--show-prefix"], capture_output=True, check=True, text=True
    ).stdout.strip()
    lines = [
        f"100644 {stage} {number}\t{prefix}{path.as_posix()}"
        for number, stage in enumerate(stages, start=1)
    ]
    subprocess.run(
        ["git", "update-index", "--index-info"], input="\n".join(lines), check=True, text=True
    )


if __name__ == "__main__":
    keep_edits(sys.argv[1], sys.argv[2], sys.argv[3:])
