"""The releases of the template, and services to update from them."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

import copier
import pytest
import yaml
from harness import (
    ANSWERS_FILE,
    TEMPLATE,
    VERSION,
    Answers,
    copy_release,
    git,
    make_once,
    short_hash,
    working_files,
)
from matrix import choices_for


@dataclass(frozen=True)
class Release:
    """A version and its commit."""

    version: str
    commit: str

    @property
    def tag(self) -> str:
        """The tag of the version."""
        return f"v{self.version}"

    def __str__(self) -> str:
        return self.version


FreshCopy = Callable[[str, Answers], Path]

RELEASES = [
    Release(**release)
    for release in tomllib.loads((TEMPLATE / "releases.toml").read_text(encoding="utf-8"))[
        "release"
    ]
]


def clone_history(folder: Path) -> Path:
    """Clone the template with a tag for each release and one for the working tree, the newest."""
    if git(TEMPLATE, "rev-parse", "--is-shallow-repository").strip() == "true":
        pytest.fail("This checkout is shallow: run `git fetch --unshallow`.", pytrace=False)
    git(TEMPLATE, "clone", "--quiet", "--shared", "--no-tags", str(TEMPLATE), str(folder))
    for release in RELEASES:
        if not is_in_history(release.commit):
            pytest.fail(
                f"releases.toml: {release} is commit {release.commit}, which is not in the history "
                "of this checkout: fetch all of it, or fix the entry.",
                pytrace=False,
            )
        git(folder, "tag", release.tag, release.commit)
    git(folder, "rm", "-r", "--quiet", ".")
    for name in working_files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TEMPLATE / name, folder / name)
    publish(folder, VERSION)
    return folder


def is_in_history(commit: str, repository: Path = TEMPLATE) -> bool:
    """Whether a commit is an ancestor of HEAD."""
    try:
        git(repository, "merge-base", "--is-ancestor", commit, "HEAD")
    except CalledProcessError:
        return False
    return True


def publish(repository: Path, tag: str) -> None:
    """Commit all files of a repository, and tag a release."""
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", tag)
    git(repository, "tag", tag)


def read_questions(history: Path, tag: str) -> dict[str, Any]:
    """The questions of a release."""
    config = yaml.safe_load(git(history, "show", f"{tag}:copier.yml"))
    return {name: question for name, question in config.items() if not name.startswith("_")}


def known_answers(history: Path, tag: str, answers: Answers) -> dict[str, object]:
    """The answers that a release knows: it has the question, and the choice if it lists any."""
    questions = read_questions(history, tag)
    return {
        name: answer
        for name, answer in answers.items()
        if name in questions and answer in (choices_for(questions[name]) or [answer])
    }


def common_answers(history: Path, tag: str, answers: Answers) -> dict[str, object]:
    """The answers without choices that a release does not have; the defaults replace these."""
    questions, known = read_questions(history, tag), known_answers(history, tag, answers)
    return {
        name: answer for name, answer in answers.items() if name in known or name not in questions
    }


def create_repository(history: Path, tag: str, answers: Answers, folder: Path) -> None:
    """Render a service into a repository of its own."""
    copy_release(history, folder, answers, tag)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "New")


class UpdatedService:
    """A service in a repository, to be updated.

    Args:
        history: the template with its releases.
        root: the folder of the service, in a repository; outside of one, it becomes a repository.
        tag: the release to copy.
        answers: the answers for the copy.
    """

    def __init__(self, history: Path, root: Path, tag: str, answers: Answers) -> None:
        self.root = root
        if any((folder / ".git").exists() for folder in root.parents):
            copy_release(history, root, answers, tag)
            self.commit("New")
        else:
            new = history.with_name(f"{history.name}-{tag}-{short_hash(answers)}")
            shutil.copytree(make_once(new, partial(create_repository, history, tag, answers)), root)

    def commit(self, message: str) -> None:
        """Commit the folder of the service, and no other file of its repository."""
        git(self.root, "add", "--all", ".")
        git(self.root, "commit", "--quiet", "--allow-empty", "--message", message, "--", ".")

    def update(self, answers: Answers | None = None, tag: str = VERSION) -> None:
        """Update it to a release; there may be conflicts."""
        copier.run_update(
            self.root,
            data=dict(answers or {}),
            vcs_ref=tag,
            defaults=True,
            overwrite=True,
            unsafe=True,
            quiet=True,
        )

    def update_cleanly(self, answers: Answers | None = None, tag: str = VERSION) -> None:
        """Update it to a release, check that there are no conflicts, and commit."""
        self.update(answers, tag)
        assert self.conflicts() == []
        self.commit("Update")

    def conflicts(self) -> list[str]:
        """The files with conflicts."""
        unmerged = git(self.root, "diff", "--relative", "--name-only", "--diff-filter=U")
        marked = {
            name
            for name, content in self.contents().items()
            if name.endswith(".rej") or b"<<<<<<< before updating" in content
        }
        return sorted({*unmerged.splitlines()} | marked)

    def contents(self) -> dict[str, bytes]:
        """The content of each file that git does not ignore, except the answers file."""
        listed = git(self.root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        names = sorted({*filter(None, listed.split("\0"))} - {ANSWERS_FILE})
        return {
            name: (self.root / name).read_bytes() for name in names if (self.root / name).is_file()
        }

    def has_uncommitted_changes(self) -> bool:
        """Whether the service has uncommitted changes."""
        return bool(git(self.root, "status", "--porcelain", "."))
