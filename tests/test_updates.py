"""Services of every release, brought to the template as it is now, without losing a line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import releases
from combinations import CHOICES, COMBINATIONS
from harness import (
    TEMPLATE,
    VERSION,
    Environments,
    copier_command,
    git,
    recorded_answers,
    run,
)
from lived_in import EDITED, edit_the_foundation, live_in, lost_lines
from owned import differences, foundation_files, owned_files
from releases import RELEASES, Fresh, Living, Release, known_to, take_history

pytestmark = pytest.mark.slow

# Together they render every file of the template.
CELLS = ["default", "sqlite-bare", "sqlite-envelope", "postgresql", "none"]
EVERY_RELEASE = pytest.mark.parametrize("release", RELEASES, ids=str)


def answers_of(service: Path) -> dict[str, object]:
    recorded = recorded_answers(service)
    return {name: answer for name, answer in recorded.items() if not name.startswith("_")}


class TestUntouched:
    """A service that nobody has changed becomes what a fresh copy would be."""

    @EVERY_RELEASE
    @pytest.mark.parametrize("cell", CELLS)
    def test_it_gets_the_whole_foundation_and_keeps_the_rest(
        self, history: Path, fresh: Fresh, tmp_path: Path, release: Release, cell: str
    ) -> None:
        answers = COMBINATIONS[cell]
        service = Living(
            history, tmp_path / "service", release.tag, known_to(history, release.tag, answers)
        )
        team = owned_files(service.root)
        service.update_cleanly(answers)

        expected = fresh(VERSION, answers_of(service.root))
        assert differences(foundation_files(service.root), foundation_files(expected)) == []
        # What is new in a release arrives with it; what was there is as it was.
        assert differences(owned_files(service.root), owned_files(expected) | team) == []

    @EVERY_RELEASE
    def test_a_second_update_changes_nothing(
        self, history: Path, tmp_path: Path, release: Release
    ) -> None:
        service = Living(history, tmp_path / "service", release.tag, {})
        check = copier_command("check-update", "--quiet")
        assert run(check, service.root).returncode == 2
        service.update_cleanly()
        assert run(check, service.root).returncode == 0
        service.update()
        assert not service.is_changed()


class TestLivedIn:
    """A service that a team has made its own keeps every line of theirs."""

    @EVERY_RELEASE
    @pytest.mark.parametrize("database", ["sqlite", "postgresql"])
    def test_no_line_is_lost_and_everything_works(
        self,
        history: Path,
        environments: Environments,
        postgresql: Callable[[str], str],
        tmp_path: Path,
        release: Release,
        database: str,
    ) -> None:
        answers = {"database": database}
        living = Living(history, tmp_path / "service", release.tag, answers)
        added = live_in(living.root)
        living.commit("Live in it")
        living.update_cleanly()
        assert lost_lines(living.root, added) == []

        service = environments.install(living.root, answers)
        if database == "postgresql":
            service.variables["TEST_DATABASE_URL"] = postgresql("test")
        service.run("pytest")
        service.run("ruff", "check")
        service.run("mypy", "--cache-dir", str(service.environment / ".mypy_cache"))
        assert len(service.run("alembic", "heads").splitlines()) == 1

    @EVERY_RELEASE
    def test_a_conflict_is_nowhere_but_where_both_sides_have_changed_the_foundation(
        self, history: Path, tmp_path: Path, release: Release
    ) -> None:
        living = Living(history, tmp_path / "service", release.tag, {})
        added = live_in(living.root)
        edit_the_foundation(living.root)
        living.commit("Live in it")
        living.update()
        assert set(living.conflicts()) <= {EDITED}
        assert lost_lines(living.root, added) == []
        assert "timeout(3)" in (living.root / EDITED).read_text(encoding="utf-8")

    def test_in_a_monorepo_nothing_else_is_touched(self, history: Path, tmp_path: Path) -> None:
        git(tmp_path, "init", "--quiet")
        (tmp_path / "page.tsx").write_text("export {}\n", encoding="utf-8")
        living = Living(history, tmp_path / "services/orders", RELEASES[0].tag, {})
        added = live_in(living.root)
        living.commit("Live in it")
        git(tmp_path, "add", "page.tsx")
        (tmp_path / "page.tsx").write_text("unfinished\n", encoding="utf-8")
        (tmp_path / "new.tsx").write_text("unfinished\n", encoding="utf-8")

        living.update_cleanly()

        assert lost_lines(living.root, added) == []
        assert git(tmp_path, "status", "--porcelain") == "AM page.tsx\n?? new.tsx\n"
        assert (tmp_path / "page.tsx").read_text(encoding="utf-8") == "unfinished\n"


# Each answer that can be chosen, with the one that a service has before and after.
SWITCHES = [
    (name, other, answer)
    for name, other in CHOICES
    for answer in [next(value for question, value in CHOICES if question == name)]
    if other != answer
]


class TestSwitches:
    """What is switched on and off and on again is as it was, and so are the team's files."""

    @pytest.mark.parametrize(("question", "other", "answer"), SWITCHES)
    def test_there_and_back(
        self,
        history: Path,
        fresh: Fresh,
        tmp_path: Path,
        question: str,
        other: object,
        answer: object,
    ) -> None:
        living = Living(history, tmp_path / "service", VERSION, {question: answer})
        self.settle(living)
        before, team = living.contents(), owned_files(living.root)

        living.update_cleanly({question: other})
        expected = fresh(VERSION, answers_of(living.root))
        assert differences(foundation_files(living.root), foundation_files(expected)) == []
        assert owned_files(living.root).items() >= team.items()

        living.update_cleanly({question: answer})
        assert differences(living.contents(), before) == []

    def settle(self, living: Living) -> None:
        """Change files of the team's, delete one, and add some: no switch may touch any."""
        package = living.root / "src/my_service"
        (package / "extensions.py").write_text("# Ours\n", encoding="utf-8")
        (package / "services/books.py").write_text("# Ours\n", encoding="utf-8")
        (package / "schemas/__init__.py").unlink()
        living.commit("Settle")


class TestReleases:
    """The releases are what the checkout says that they are."""

    def test_a_shallow_checkout_says_what_it_lacks(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        shallow = tmp_path / "shallow"
        git(tmp_path, "clone", "--quiet", "--depth=1", TEMPLATE.as_uri(), str(shallow))
        monkeypatch.setattr(releases, "TEMPLATE", shallow)
        with pytest.raises(pytest.fail.Exception, match="run `git fetch --unshallow`"):
            take_history(tmp_path / "history")

    def test_a_release_that_is_not_in_the_history_is_named(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(releases, "RELEASES", [Release("7.0.0", "7" * 40)])
        with pytest.raises(pytest.fail.Exception, match=r"7\.0\.0 is commit 7+, which is not in"):
            take_history(tmp_path / "history")
