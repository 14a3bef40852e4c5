"""Finds the owner of each file of a service: the team, the foundation, or both."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from harness import ANSWERS_FILE, CONFIG, files_in

ONCE = re.compile(r"once\('/(?P<pattern>[^']+)'(?:, when='(?P<when>\w+)')?")
# The patterns of team files, with the question that adds them.
OWNED: list[tuple[str, str | None]] = [
    (found["pattern"], found["when"])
    for entry in CONFIG["_exclude"]
    if (found := ONCE.search(entry))
]
# In a shared file, the lines below this one are the team's.
MARKER = re.compile(
    rb"^ *(#|<!--) (The service's own.*:|What is below this line is yours.*)$", re.M
)


def contents(service: Path) -> dict[str, bytes]:
    """The content of each file of a rendered service, except the answers file."""
    return {
        name: path.read_bytes() for name, path in files_in(service).items() if name != ANSWERS_FILE
    }


def owned_files(service: Path, *, when: str | None = None) -> dict[str, bytes]:
    """The team files, or those that a question adds."""
    patterns = [pattern for pattern, switch in OWNED if when in (None, switch)]
    paths = {path for pattern in patterns for path in service.glob(pattern)}
    return {path.relative_to(service).as_posix(): path.read_bytes() for path in sorted(paths)}


def shared_files(service: Path) -> dict[str, bytes]:
    """The files with lines of both owners."""
    return {name: content for name, content in contents(service).items() if MARKER.search(content)}


def foundation_files(service: Path) -> dict[str, bytes]:
    """The files that updates change."""
    owned = owned_files(service)
    return {name: content for name, content in contents(service).items() if name not in owned}


def differences(one: Mapping[str, bytes], other: Mapping[str, bytes]) -> list[str]:
    """The files that differ between two trees, or that only one of them has."""
    return [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]
