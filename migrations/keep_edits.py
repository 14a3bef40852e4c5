"""Keeps a team's edits of a foundation file that a release moves or removes.

Copier silently deletes such a file, even if the team edited it. A command in the `_migrations` of
`copier.yml` runs this in the service at the end of an update:

    keep_edits.py ANSWERS_FILE VERSION_FROM OLD=NEW OLD_FOLDER/=NEW_FOLDER/ REMOVED …

A folder stands for its files that the release has in the new folder. Edits are merged into the file
at its new path, with conflict markers where both sides changed the same lines. If the release has
another file at the old path, that file is restored as rendered. A removed file with edits is kept
as a team file. A file that the team has deleted is also deleted at its new path.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import copier
import yaml


def keep_edits(answers_file: str, version: str, changes: Iterable[str]) -> None:
    """Restore the edits of each file, given as `OLD=NEW` or `REMOVED`.

    Args:
        answers_file: the path of the answers file.
        version: the release before the update.
        changes: paths relative to the root of the service; those of folders end in a slash.
    """
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "before"), Path(folder, "after")
        answers = yaml.safe_load(_committed(answers_file) or b"") or {}
        _render(str(answers["_src_path"]), version, answers, before)
        for old, new in _expand(changes, before):
            base, ours = before / old, _committed(old)
            # Skip files that the old release did not render, and files without edits.
            if not base.is_file() or ours == base.read_bytes():
                continue
            if ours is None:
                Path(new or old).unlink(missing_ok=True)
            elif not new:
                Path(old).parent.mkdir(parents=True, exist_ok=True)
                Path(old).write_bytes(ours)
                print(
                    f"{old} is no longer part of the foundation; it has your edits, so it is yours now."
                )
            elif Path(new).is_file():
                _merge(Path(new), base, ours)
                if Path(old).is_file():
                    if not after.exists():
                        # This file is in the new version of the template.
                        _render(str(Path(__file__).parents[1]), "HEAD", answers, after)
                    _restore(Path(old), after / old)


def _expand(changes: Iterable[str], before: Path) -> Iterator[tuple[str, str]]:
    """Yield the old and new path of each file; the new one is empty for a removed file."""
    for change in changes:
        old, _, new = change.partition("=")
        if not old.endswith("/"):
            yield old, new
            continue
        for path in sorted(before.glob(f"{old}**/*")):
            name = path.relative_to(before / old).as_posix()
            if Path(new, name).is_file():
                yield old + name, new + name


def _render(template: str, version: str, answers: Mapping[str, object], folder: Path) -> None:
    data = {name: value for name, value in answers.items() if not name.startswith("_")}
    copier.run_copy(
        template,
        folder,
        data=data,
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
        stages = [_store_blob(version) for version in (base, mine, theirs)]
    theirs.write_bytes(merged.stdout)
    if merged.returncode:
        print(f"{theirs} has a conflict with your edits at its former path.")
        _mark_unmerged(theirs, stages)


def _restore(path: Path, rendered: Path) -> None:
    # Copier has merged the edits here too, perhaps with conflicts.
    path.write_bytes(rendered.read_bytes())
    subprocess.run(["git", "reset", "--quiet", "--", str(path)], check=True)


def _store_blob(path: Path) -> str:
    command = ["git", "hash-object", "-w", "--", str(path)]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()


def _mark_unmerged(path: Path, stages: list[str]) -> None:
    # `git status` shows the file as unmerged then, as after any merge.
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
