"""Prints the releases of `CHANGELOG.md` that have no tag yet.

python tests/tags.py              a line for each: the tag and the commit that it is for
python tests/tags.py --notes TAG  what the changelog says of a release
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from harness import TEMPLATE, git
from releases import RELEASES, Release, is_in_history

HEADING = re.compile(r"^## (?P<version>\d+\.\d+\.\d+) \(\d{4}-\d{2}-\d{2}\)$", re.MULTILINE)


class ReleaseMismatch(Exception):
    """The changelog and `releases.toml` contradict each other; the message says how to fix that."""


def sections(changelog: str) -> dict[str, str]:
    """The notes of each released version in a changelog, the newest first."""
    _, *parts = HEADING.split(changelog)
    return dict(zip(parts[::2], map(str.strip, parts[1::2]), strict=True))


def check(changelog: str, releases: list[Release]) -> None:
    """Compare the two lists of releases.

    Raises:
        ReleaseMismatch: one of them lacks a release, or has it at another position.
    """
    described, listed = [*sections(changelog)][::-1], [release.version for release in releases]
    if described != listed:
        raise ReleaseMismatch(
            f"CHANGELOG.md has the releases {', '.join(described)}, and releases.toml has "
            f"{', '.join(listed)}. Write what is new into the one, or name the commit in the other."
        )


def missing(repository: Path, releases: list[Release]) -> list[Release]:
    """The releases that a repository has no tag for.

    Raises:
        ReleaseMismatch: a tag is there, but for another commit; or a commit is not in the history.
    """
    tags = git(repository, "tag").split()
    for release in releases:
        if not is_in_history(release.commit, repository):
            raise ReleaseMismatch(f"releases.toml: the commit of {release} is not in the history.")
        if release.tag in tags and commit_of(repository, release.tag) != release.commit:
            raise ReleaseMismatch(
                f"{release.tag} is there already, for another commit than releases.toml names: "
                "a release is never moved; make a new one."
            )
    return [release for release in releases if release.tag not in tags]


def commit_of(repository: Path, tag: str) -> str:
    """The commit that a tag stands for."""
    return git(repository, "rev-parse", f"{tag}^{{commit}}").strip()


def main(arguments: list[str]) -> None:
    """Run the command line; see the docstring of the module."""
    changelog = (TEMPLATE / "CHANGELOG.md").read_text(encoding="utf-8")
    if arguments:
        print(sections(changelog)[arguments[1].removeprefix("v")])
        return
    try:
        check(changelog, RELEASES)
        for release in missing(TEMPLATE, RELEASES):
            print(release.tag, release.commit)
    except ReleaseMismatch as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
