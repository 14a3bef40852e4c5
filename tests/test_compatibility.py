"""The template stays compatible with its releases: files, answers and extensions.

Copier silently drops a recorded answer that no longer validates, deletes a file that the template
no longer has, and renders `_exclude` with the extension of the old release. So these tests compare
the working tree with every release.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

import pytest
from harness import CONFIG, QUESTIONS, TEMPLATE, VERSION, git, load_extension
from jinja2 import Environment
from jinja2.ext import Extension
from matrix import CELLS, COVERING, HOSTILE_NAME
from origins import ORIGINS, SAFE_PATTERNS
from owned import foundation_files, owned_files, shared_files
from releases import (
    RELEASES,
    FreshCopy,
    Release,
    common_answers,
    known_answers,
    read_questions,
)

pytestmark = pytest.mark.slow

CHANGELOG = (TEMPLATE / "CHANGELOG.md").read_text(encoding="utf-8")
# In services of these releases, `uv add` put dependencies between the foundation's, so updates
# conflicted. It appends to lists that are not sorted, so later releases have another order.
SORTED_BY_UV = RELEASES[:4]
REORDERED = re.compile(b'"(starlette|structlog|import-linter|mypy)>=')
# The variables of file names, for a service with the defaults.
DEFAULTS = {"package_name": "my_service", "_copier_conf": {"src_path": ""}, "_copier_python": ""}

NAMES = ["x", "My Service", "a" * 74, "注文 🚀", 'Say "hi" \\ {{ 7 }}', HOSTILE_NAME]
SLUGS = ["a", "0", "my-service", "3d-shop", "a" * 60, "fastapi-service"]
PACKAGES = ["a", "my_service", "a_package_whose_name_is_as_long_as_it_is", "service_3d", "x__y_"]
ACCEPTED: dict[str, list[str]] = {
    "project_name": NAMES,
    "project_slug": SLUGS,
    "package_name": PACKAGES,
    "project_description": ["", *NAMES, "b" * 200],
    "service_path": ["", "api", "services/orders", "a/@b_1/c.d-2", "a" * 80],
    "port": ["1024", "8000", "65535"],
    "cors_origins": ["", *(text for text, _ in ORIGINS), "http://a.example,https://b.example"],
    "cors_origin_regex": ["", *(pattern for pattern, _, _ in SAFE_PATTERNS)],
}


@pytest.fixture(scope="session", params=RELEASES, ids=str)
def release(request: pytest.FixtureRequest) -> Release:
    release: Release = request.param
    return release


@pytest.fixture(scope="session")
def checkout(history: Path, release: Release, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of the release."""
    folder = tmp_path_factory.mktemp(release.tag) / "template"
    clone = ["clone", "--quiet", "--shared", "--branch", release.tag]
    git(history, "-c", "advice.detachedHead=false", *clone, str(history), str(folder))
    return folder


def changes_since(release: Release) -> str:
    """The part of the changelog after a release."""
    return CHANGELOG.partition(f"## {release} ")[0]


def is_mentioned(name: str, changes: str) -> bool:
    """Whether a part of the changelog mentions a file or one of its folders."""
    path = PurePosixPath(name.removeprefix("src/my_service/"))
    folders = [f"{folder}/" for folder in path.parents]
    return any(f"`{name}`" in changes for name in [str(path), *folders])


def find_migrations(names: set[str]) -> dict[str, str]:
    """The files that `_migrations` move or remove, with their new path or ""."""
    environment = Environment()
    words = [
        environment.from_string(word).render(DEFAULTS)
        for migration in CONFIG["_migrations"]
        for word in migration["command"][4:]
    ]
    steps = {old: new for old, _, new in (word.partition("=") for word in words)}
    folders = {old: new for old, new in steps.items() if old.endswith("/")}
    inside = {
        name: name.replace(old, new, 1)
        for old, new in folders.items()
        for name in names
        if name.startswith(old)
    }
    return inside | {name: steps[name] for name in names if name in steps}


class TestPaths:
    @pytest.mark.parametrize("cell", COVERING)
    def test_removed_files_have_a_migration(
        self, history: Path, fresh_copy: FreshCopy, release: Release, cell: str
    ) -> None:
        answers = common_answers(history, release.tag, CELLS[cell])
        answers["package_name"] = "my_service"
        then = fresh_copy(release.tag, known_answers(history, release.tag, answers))
        now = fresh_copy(VERSION, answers)
        gone = foundation_files(then).keys() - {*foundation_files(now), *owned_files(now)}
        migrated = find_migrations(gone)
        assert gone <= migrated.keys(), "copier.yml needs a migration that keeps edits of teams"
        assert {migrated[name] for name in gone} <= {"", *foundation_files(now)}
        changes = changes_since(release)
        assert [name for name in gone if not is_mentioned(name, changes)] == []

    def test_team_files_remain_team_files(
        self, history: Path, fresh_copy: FreshCopy, release: Release
    ) -> None:
        then = fresh_copy(release.tag, {})
        config = git(history, "show", f"{release.tag}:copier.yml")
        patterns = re.findall(r"once\('/([^']+)'", config)
        owned = {path for pattern in patterns for path in then.glob(pattern)}
        assert owned
        assert owned <= {then / name for name in owned_files(then)}

    @pytest.mark.parametrize("cell", COVERING)
    def test_shared_lines_keep_their_order(
        self, history: Path, fresh_copy: FreshCopy, release: Release, cell: str
    ) -> None:
        # A team's edits beside reordered lines conflict or get lost.
        answers = common_answers(history, release.tag, CELLS[cell])
        answers["package_name"] = "my_service"
        answers = known_answers(history, release.tag, answers)
        then = shared_files(fresh_copy(release.tag, answers))
        now = shared_files(fresh_copy(VERSION, answers))
        for name in then.keys() & now.keys():
            before, after = then[name].splitlines(), now[name].splitlines()
            common = [line for line in before if before.count(line) == after.count(line) == 1]
            if release in SORTED_BY_UV:
                common = [line for line in common if not REORDERED.search(line)]
            assert [line for line in after if line in common] == common, name


class TestQuestions:
    def test_removed_questions_are_retired(self, history: Path, release: Release) -> None:
        for name in read_questions(history, release.tag).keys() - QUESTIONS.keys():
            assert name in load_extension(TEMPLATE, "answers").RETIRED
            assert f"`{name}`" in changes_since(release)

    def test_former_choices_are_still_valid(self, history: Path, release: Release) -> None:
        problem = load_extension(TEMPLATE, "answers").problem
        for name, question in read_questions(history, release.tag).items():
            choices = question.get("choices", [])
            values = choices.values() if isinstance(choices, dict) else choices
            assert [value for value in values if problem(name, value)] == []

    def test_former_answers_are_still_valid(
        self, history: Path, checkout: Path, release: Release
    ) -> None:
        then, now = (load_extension(folder, "answers").problem for folder in (checkout, TEMPLATE))
        for name, texts in known_answers(history, release.tag, ACCEPTED).items():
            assert isinstance(texts, list)
            accepted = [text for text in texts if not then(name, text)]
            assert accepted
            assert [text for text in accepted if now(name, text)] == []

    def test_every_text_question_has_former_answers(self) -> None:
        texts = [
            name
            for name, question in QUESTIONS.items()
            if question["type"] == "str" and "choices" not in question
        ]
        assert sorted(texts) == sorted(ACCEPTED)


class TestExtensions:
    def test_exclude_patterns_call_functions_of_older_releases(
        self, checkout: Path, release: Release
    ) -> None:
        # Copier renders the new `_exclude` with the extension of the old release, and everything
        # else with the extension of the same release.
        folders = (checkout, TEMPLATE)
        then, now = (callables(load_extension(folder, "ownership")) for folder in folders)
        for name, function in then.items():
            assert inspect.signature(now[name]) == inspect.signature(function), name

    def test_every_release_renders_the_exclude_patterns(
        self, checkout: Path, release: Release
    ) -> None:
        called = {name for entry in CONFIG["_exclude"] for name in re.findall(r"(\w+)\(", entry)}
        assert called
        assert called <= callables(load_extension(checkout, "ownership")).keys()


def callables(module: ModuleType) -> dict[str, Callable[..., Any]]:
    """The Jinja globals and filters of an extension."""
    [extension] = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Extension)
        and value.__module__ == module.__name__
    ]
    before, after = Environment(), Environment(extensions=[extension])
    return {
        name: function
        for kind in ("globals", "filters")
        for name, function in getattr(after, kind).items()
        if name not in getattr(before, kind)
    }
