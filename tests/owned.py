"""Finds who owns the files of a service: the team, both, or the foundation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from harness import ANSWERS_FILE, CONFIG, files_in

ONCE = re.compile(r"once\('/(?P<pattern>[^']+)'(?:, when='(?P<when>\w+)')?")
# The patterns of the files that belong to the team, each with the question that brings them.
OWNED: list[tuple[str, str | None]] = [
    (found["pattern"], found["when"])
    for entry in CONFIG["_exclude"]
    if (found := ONCE.search(entry))
]
# A line below which, in a shared file, nothing is the foundation's.
MARKER = re.compile(
    rb"^ *(#|<!--) (The service's own.*:|What is below this line is yours.*)$", re.M
)


def contents(service: Path) -> dict[str, bytes]:
    """The text of each file of a rendered service, except the answers file."""
    return {
        name: path.read_bytes() for name, path in files_in(service).items() if name != ANSWERS_FILE
    }


def owned_files(service: Path, *, when: str | None = None) -> dict[str, bytes]:
    """The files of the team, or those that a question adds."""
    patterns = [pattern for pattern, switch in OWNED if when in (None, switch)]
    paths = {path for pattern in patterns for path in service.glob(pattern)}
    return {path.relative_to(service).as_posix(): path.read_bytes() for path in sorted(paths)}


def shared_files(service: Path) -> dict[str, bytes]:
    """Files with lines of the team."""
    return {name: content for name, content in contents(service).items() if MARKER.search(content)}


def foundation_files(service: Path) -> dict[str, bytes]:
    """The files that updates change."""
    owned = owned_files(service)
    return {name: content for name, content in contents(service).items() if name not in owned}


def differences(one: Mapping[str, bytes], other: Mapping[str, bytes]) -> list[str]:
    """The files that only one of two trees has, or that are not the same in both."""
    return [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]
