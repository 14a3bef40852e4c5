"""Prints the releases of `CHANGELOG.md` that have no tag yet.

python tests/tags.py              print a line for each: tag and commit
python tests/tags.py --notes TAG  print the section of a release
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
    """The notes of each released version, newest first."""
    _, *parts = HEADING.split(changelog)
    return dict(zip(parts[::2], map(str.strip, parts[1::2]), strict=True))


def check(changelog: str, releases: list[Release]) -> None:
    """Compare the two lists of releases.

    Raises:
        ReleaseMismatch: they have different releases, or another order.
    """
    described, listed = [*sections(changelog)][::-1], [release.version for release in releases]
    if described != listed:
        raise ReleaseMismatch(
            f"CHANGELOG.md has the releases {', '.join(described)}, but releases.toml has "
            f"{', '.join(listed)}. Add the missing section to CHANGELOG.md, or the missing commit "
            "to releases.toml."
        )


def missing(repository: Path, releases: list[Release]) -> list[Release]:
    """The releases without a tag.

    Raises:
        ReleaseMismatch: a tag is on another commit, or a commit is not in the history.
    """
    tags = git(repository, "tag").split()
    for release in releases:
        if not is_in_history(release.commit, repository):
            raise ReleaseMismatch(f"releases.toml: the commit of {release} is not in the history.")
        if release.tag in tags and tagged_commit(repository, release.tag) != release.commit:
            raise ReleaseMismatch(
                f"The tag {release.tag} exists, but not on the commit of releases.toml. Never move "
                "a tag: make a new release."
            )
    return [release for release in releases if release.tag not in tags]


def tagged_commit(repository: Path, tag: str) -> str:
    """The commit of a tag."""
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
