"""Updates from every release keep every line of a team."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path, PurePath

import pytest
import releases
from harness import (
    ANSWERS_FILE,
    TEMPLATE,
    VERSION,
    Environments,
    copier_command,
    copy_release,
    files_in,
    git,
    recorded_answers,
    run,
)
from matrix import CELLS, CHOICES, COVERING, OFFERED, REQUIRED, resolve
from owned import differences, foundation_files, owned_files
from python_file import Module
from releases import (
    RELEASES,
    FreshCopy,
    Release,
    UpdatedService,
    clone_history,
    known_answers,
    publish,
)
from rename import read_renames, rename
from team_changes import EDITED, apply_team_changes, edit_foundation_file, lost_lines

pytestmark = pytest.mark.slow

# A future release.
NEXT = "v1001.0.0"


def nightly_unless(is_default: bool) -> list[pytest.MarkDecorator]:
    return [] if is_default else [pytest.mark.nightly]


# An update from the oldest release includes the migrations of those in between.
EVERY_RELEASE = pytest.mark.parametrize(
    "release",
    [
        pytest.param(
            release, marks=nightly_unless(release in (RELEASES[0], RELEASES[-1])), id=str(release)
        )
        for release in RELEASES
    ],
)


def recorded_choices(service: Path) -> dict[str, object]:
    recorded = recorded_answers(service)
    return {name: answer for name, answer in recorded.items() if not name.startswith("_")}


def with_new_names(service: Path, release: Release) -> dict[str, bytes]:
    """The team files as an update from a release rewrites them."""
    package = str(recorded_answers(service)["package_name"])
    table = (TEMPLATE / "migrations/renames.yml").read_text(encoding="utf-8")
    files = owned_files(service)
    for renames in read_renames(table, package, release.version):
        for name in files:
            if name.endswith(".py"):
                module = Module(files[name].decode(), PurePath(name))
                files[name] = rename(module, renames)[0].encode()
    return files


class TestUnchangedService:
    """An update of an unchanged service gives the same files as a fresh copy."""

    # The default run updates from the oldest and the newest release, from that with two cells;
    # `TestEveryFile` updates services with every choice.
    @pytest.mark.parametrize(
        ("release", "cell"),
        [
            pytest.param(
                release,
                cell,
                marks=nightly_unless(
                    (release == RELEASES[-1] and cell in COVERING[:2])
                    or (release, cell) == (RELEASES[0], COVERING[0])
                ),
                id=f"{release}-{cell}",
            )
            for release in RELEASES
            for cell in COVERING
        ],
    )
    def test_an_update_replaces_foundation_files_only(
        self, history: Path, fresh_copy: FreshCopy, tmp_path: Path, release: Release, cell: str
    ) -> None:
        answers = CELLS[cell]
        service = UpdatedService(
            history, tmp_path / "service", release.tag, known_answers(history, release.tag, answers)
        )
        team = with_new_names(service.root, release)
        service.update_cleanly(answers)

        expected = fresh_copy(VERSION, recorded_choices(service.root))
        assert differences(foundation_files(service.root), foundation_files(expected)) == []
        # New team files are added; existing ones only change by renames.
        assert differences(owned_files(service.root), owned_files(expected) | team) == []
        if cell == COVERING[0]:
            check = copier_command("check-update", "--quiet")
            assert run(check, service.root).returncode == 0
            service.update()
            assert not service.has_uncommitted_changes(), "a second update changes something"


# It has all migrations.
DEFAULT_RUN = [("sqlite", RELEASES[0])]


class TestTeamChanges:
    """An update keeps every line of the team."""

    @pytest.mark.parametrize(
        ("database", "release"),
        [
            pytest.param(
                database,
                release,
                id=f"{database}-{release}",
                marks=nightly_unless((database, release) in DEFAULT_RUN),
            )
            for database in ("sqlite", "postgresql")
            for release in RELEASES
        ],
    )
    def test_updates_keep_every_line_of_the_team(
        self,
        history: Path,
        environments: Environments,
        postgresql: Callable[[str], str],
        tmp_path: Path,
        release: Release,
        database: str,
    ) -> None:
        answers = {"database": database}
        updated = UpdatedService(history, tmp_path / "service", release.tag, answers)
        added = apply_team_changes(updated.root)
        updated.commit("Changes of the team")
        updated.update_cleanly()
        assert lost_lines(updated.root, added) == []

        service = environments.install(updated.root, answers)
        if database == "postgresql":
            service.variables["TEST_DATABASE_URL"] = postgresql("test")
        service.run("pytest")
        service.run("ruff", "check")
        with environments.type_cache() as cache:
            service.run("mypy", *cache)
        assert len(service.run("alembic", "heads").splitlines()) == 1

    # The test above updates from the oldest release in the default run.
    @pytest.mark.parametrize(
        "release",
        [
            pytest.param(release, marks=nightly_unless(release == RELEASES[-1]), id=str(release))
            for release in RELEASES
        ],
    )
    def test_only_edited_foundation_lines_conflict(
        self, history: Path, tmp_path: Path, release: Release
    ) -> None:
        updated = UpdatedService(history, tmp_path / "service", release.tag, {})
        added = apply_team_changes(updated.root)
        edit_foundation_file(updated.root)
        updated.commit("Changes of the team")
        updated.update()
        assert set(updated.conflicts()) <= {EDITED}
        assert lost_lines(updated.root, added) == []
        assert "timeout(3)" in (updated.root / EDITED).read_text(encoding="utf-8")

    # In the default run, `test_monorepo.py` proves the same for a service of the working tree.
    @pytest.mark.nightly
    def test_an_update_in_a_monorepo_changes_the_service_only(
        self, history: Path, tmp_path: Path
    ) -> None:
        git(tmp_path, "init", "--quiet")
        (tmp_path / "page.tsx").write_text("export {}\n", encoding="utf-8")
        updated = UpdatedService(history, tmp_path / "services/orders", RELEASES[0].tag, {})
        added = apply_team_changes(updated.root)
        updated.commit("Changes of the team")
        git(tmp_path, "add", "page.tsx")
        (tmp_path / "page.tsx").write_text("unfinished\n", encoding="utf-8")
        (tmp_path / "new.tsx").write_text("unfinished\n", encoding="utf-8")

        updated.update_cleanly()

        assert lost_lines(updated.root, added) == []
        assert git(tmp_path, "status", "--porcelain") == "AM page.tsx\n?? new.tsx\n"
        assert (tmp_path / "page.tsx").read_text(encoding="utf-8") == "unfinished\n"


# With the questions that are not asked by default.
DEFAULTS = {**dict.fromkeys(OFFERED, "none"), **resolve({})}
# Each choice that is not the default.
SWITCHES = [(name, answer) for name, answer in CHOICES if DEFAULTS[name] != answer]
# The default run switches these together.
COMBINED = {
    "layout": "monorepo",
    "database": "postgresql",
    "authentication": "sessions",
    "cors": False,
    "error_format": "envelope",
    "error_tracking": "sentry",
}
ALONE = [("database", "none")]
SWITCHED = [
    pytest.param(COMBINED, id="combined"),
    *(
        pytest.param(
            {**REQUIRED.get(name, {}), name: answer},
            marks=nightly_unless((name, answer) in ALONE),
            id=f"{name}-{answer}",
        )
        for name, answer in SWITCHES
    ),
]


class TestSwitches:
    """Switching a feature off and on again restores the service and keeps the team's files."""

    @pytest.mark.parametrize("switches", SWITCHED)
    def test_features_can_be_switched_off_and_on(
        self, history: Path, fresh_copy: FreshCopy, tmp_path: Path, switches: dict[str, object]
    ) -> None:
        updated = UpdatedService(history, tmp_path / "service", VERSION, {})
        self.change_team_files(updated)
        before, team = updated.contents(), owned_files(updated.root)

        updated.update_cleanly(switches)
        expected = fresh_copy(VERSION, recorded_choices(updated.root))
        assert differences(foundation_files(updated.root), foundation_files(expected)) == []
        owned = owned_files(updated.root)
        assert owned.items() >= team.items()

        updated.update_cleanly({name: DEFAULTS[name] for name in switches})
        # Team files that a feature has added stay when it is switched off.
        assert differences(updated.contents(), before | owned) == []

    def change_team_files(self, updated: UpdatedService) -> None:
        """Change, add and delete team files, which no switch may touch."""
        package = updated.root / "src/my_service"
        (package / "extensions.py").write_text("# Ours\n", encoding="utf-8")
        (package / "services/books.py").write_text("# Ours\n", encoding="utf-8")
        (package / "schemas/__init__.py").unlink()
        updated.commit("Ours")


class TestConflicts:
    """Copier exits with 0 even if there are conflicts; the tests of the service then fail."""

    @pytest.mark.parametrize(
        ("conflict", "suffix"),
        # The guard finds both in the same way, and few teams use `--conflict rej`.
        [("inline", ""), pytest.param("rej", ".rej", marks=pytest.mark.nightly)],
    )
    def test_pytest_refuses_to_run_with_conflicts(
        self, history: Path, environments: Environments, tmp_path: Path, conflict: str, suffix: str
    ) -> None:
        template = shutil.copytree(history, tmp_path / "template")
        updated = UpdatedService(template, tmp_path / "service", VERSION, {})
        edit_foundation_file(updated.root)
        updated.commit("Change the foundation")
        [changed] = (template / "template").rglob(f"{Path(EDITED).name}*")
        changed.write_text(changed.read_text(encoding="utf-8").replace("timeout(2)", "timeout(5)"))
        publish(template, NEXT)
        update = copier_command("update", "--trust", "--defaults", "--conflict", conflict)
        done = run(update, updated.root)
        assert done.returncode == 0, done.stderr
        assert "git diff --check" in done.stderr

        service = environments.install(updated.root, {})
        refused = service.attempt(["pytest"], {})
        assert refused.returncode != 0
        assert f"An update left conflicts in {EDITED}{suffix}. In files with" in refused.stdout

        git(updated.root, "checkout", "HEAD", "--", EDITED)
        (updated.root / f"{EDITED}.rej").unlink(missing_ok=True)
        service.run("pytest", "tests/foundation/api/test_health.py")


class TestGitConfiguration:
    """An update never loses the lines of a file that git ignores on one machine."""

    @pytest.mark.parametrize(
        ("pattern", "name"),
        [
            (".env.*", ".env.example"),
            # The other shared files; the next test also finds `*.md`.
            pytest.param("*.md", "README.md", marks=pytest.mark.nightly),
            pytest.param("pyproject.toml", "pyproject.toml", marks=pytest.mark.nightly),
        ],
    )
    def test_files_ignored_by_git_stop_the_update(
        self, history: Path, tmp_path: Path, pattern: str, name: str
    ) -> None:
        updated = UpdatedService(history, tmp_path / "service", RELEASES[-1].tag, {})
        with (updated.root / name).open("a", encoding="utf-8") as file:
            file.write("\n# APP_OURS=1\n")
        updated.commit("Ours")
        (tmp_path / "ignore").write_text(f"*.log\n{pattern}\n", encoding="utf-8")
        ignore = f"[core]\n\texcludesFile = {(tmp_path / 'ignore').as_posix()}\n"
        identity = "[user]\n\tname = Tester\n\temail = tester@example.com\n"
        (tmp_path / "config").write_text(identity + ignore, encoding="utf-8")
        environment = {"GIT_CONFIG_GLOBAL": str(tmp_path / "config")}
        update = copier_command("update", "--trust", "--defaults", "--vcs-ref", VERSION)
        refused = run(update, updated.root, environment)
        assert refused.returncode == 1
        assert f"The update would overwrite your changes to {name}, because" in refused.stderr
        assert f"(pattern {pattern!r}). Remove line 2 of {tmp_path.as_posix()}/ignore" in (
            refused.stderr
        )
        assert not updated.has_uncommitted_changes()

        settings = re.findall(r"(GIT_CONFIG_\w+)=(\S*)", refused.stderr)
        done = run(update, updated.root, {**environment, **dict(settings)})
        assert done.returncode == 0, done.stderr
        assert "\n# APP_OURS=1\n" in (updated.root / name).read_text(encoding="utf-8")

    def test_an_ignore_pattern_of_the_git_template_is_reported(
        self, history: Path, tmp_path: Path
    ) -> None:
        updated = UpdatedService(history, tmp_path / "service", RELEASES[-1].tag, {})
        (tmp_path / "git/info").mkdir(parents=True)
        (tmp_path / "git/info/exclude").write_text("*.log\n*.md\n", encoding="utf-8")
        update = copier_command("update", "--trust", "--defaults", "--vcs-ref", VERSION)
        refused = run(update, updated.root, {"GIT_TEMPLATE_DIR": str(tmp_path / "git")})
        assert refused.returncode == 1
        expected = (
            "The update would overwrite your changes to README.md, because git ignores that file on"
            " this machine (pattern '*.md'). Remove line 2 of info/exclude in"
        )
        assert expected in refused.stderr
        assert not updated.has_uncommitted_changes()


MARK = re.compile(rb"mark of file \d+")


class TestEveryFile:
    """A change of a template file reaches services exactly if it is a foundation file."""

    def test_new_lines_reach_foundation_files_only(self, history: Path, tmp_path: Path) -> None:
        template = shutil.copytree(history, tmp_path / "template")
        marks = mark_every_file(template)
        publish(template, NEXT)
        foundation, team = b"", b""
        # Some files depend on an answer to a question without choices.
        folder = {"layout": "monorepo", "service_path": "services/orders", "container": True}
        for number, answers in enumerate([*(CELLS[cell] for cell in COVERING), folder]):
            updated = UpdatedService(template, tmp_path / f"{number}", VERSION, answers)
            before = owned_files(updated.root)
            updated.update_cleanly(tag=NEXT)
            expected = copy_release(template, tmp_path / f"{number}-fresh", answers, NEXT)
            assert differences(owned_files(updated.root), before) == []
            assert differences(foundation_files(updated.root), foundation_files(expected)) == []
            foundation += b"".join(foundation_files(updated.root).values())
            foundation += (updated.root / ANSWERS_FILE).read_bytes()
            team += b"".join(owned_files(expected).values())
        assert not {*MARK.findall(foundation)} & {*MARK.findall(team)}
        assert {*MARK.findall(foundation + team)} == marks


def mark_every_file(template: Path) -> set[bytes]:
    """Add a comment to each file, and return the comments."""
    marks = set()
    for number, (name, path) in enumerate(files_in(template / "template").items()):
        mark = f"mark of file {number}"
        comment = f"<!-- {mark} -->" if ".md" in name else f"# {mark}"
        path.write_text(f"{comment}\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
        marks.add(mark.encode())
    return marks


class TestRetiredQuestions:
    """Services keep recorded answers to questions that a later release removes."""

    @pytest.mark.parametrize("is_listed", [True, False])
    def test_removed_questions_must_be_listed_as_retired(
        self, history: Path, tmp_path: Path, is_listed: bool
    ) -> None:
        template = shutil.copytree(history, tmp_path / "template")
        config, extension = template / "copier.yml", template / "extensions/answers.py"
        questions, checks = (path.read_text(encoding="utf-8") for path in (config, extension))
        question = "colour:\n  type: str\n  help: Which?\n  choices: [red]\n  default: red\n"
        config.write_text(f"{questions}\n{question}")
        publish(template, "v1000.1.0")
        updated = UpdatedService(template, tmp_path / "service", "v1000.1.0", {"colour": "red"})
        config.write_text(questions)
        extension.write_text(
            checks.replace('_names("")', '_names("colour")') if is_listed else checks
        )
        publish(template, NEXT)

        update = run(copier_command("update", "--trust", "--defaults"), updated.root)

        refusal = re.search("^colour: unknown question", update.stderr, re.MULTILINE)
        assert (update.returncode == 0, refusal is None) == (is_listed, is_listed)


IMPORTS_BEFORE = """\
from my_service.main import create_app as build  # ours
from tests import error_format
from tests.database import alembic_config, upgrade
from tests.error_format import ReadError, read_error
from tests.foundation import serve
"""
IMPORTS_AFTER = """\
from my_service.application import create_app as build  # ours
from tests.foundation import error_format, serve
from tests.foundation.database import alembic_config, upgrade
from tests.foundation.error_format import ReadError, read_error
"""


class TestMovedFiles:
    """An update moves edits to the new path of a file."""

    @pytest.mark.parametrize(
        ("release", "cell"),
        [
            # How tests move does not depend on the answers, and an update from the oldest release
            # includes every migration.
            pytest.param(
                release,
                cell,
                marks=nightly_unless((release, cell) == (RELEASES[0], COVERING[0])),
                id=f"{release}-{cell}",
            )
            for release in RELEASES
            for cell in COVERING
        ],
    )
    def test_edits_of_moved_tests_are_merged(
        self, history: Path, fresh_copy: FreshCopy, tmp_path: Path, release: Release, cell: str
    ) -> None:
        answers = CELLS[cell]
        old_answers = known_answers(history, release.tag, answers)
        updated = UpdatedService(history, tmp_path / "service", release.tag, old_answers)
        tests = [name for name in foundation_files(updated.root) if name.startswith("tests/")]
        for name in tests:
            with (updated.root / name).open("a", encoding="utf-8") as file:
                file.write(f"# Ours: {name}\n")
        updated.commit("Ours")
        updated.update(answers)

        found = {
            name: re.findall("^# Ours: (.+)$", content.decode(), re.MULTILINE)
            for name, content in updated.contents().items()
            if name.startswith("tests/")
        }
        assert sorted(mark for marks in found.values() for mark in marks) == sorted(tests)
        changed = {name for name, marks in found.items() if marks}
        # A file that the foundation has removed stays at its path, as a team file.
        kept = changed - {*foundation_files(fresh_copy(VERSION, recorded_choices(updated.root)))}
        assert {name: found[name] for name in kept} == {name: [name] for name in kept}
        assert {"tests/api/test_errors.py", "tests/test_main.py"}.isdisjoint(changed)
        # The release may have changed the line before ours, at the end of the file.
        assert {*updated.conflicts()} <= changed

    @EVERY_RELEASE
    def test_edits_of_main_move_to_application_and_imports_are_rewritten(
        self, history: Path, fresh_copy: FreshCopy, tmp_path: Path, release: Release
    ) -> None:
        updated = UpdatedService(history, tmp_path / "service", release.tag, {})
        main, application = (
            updated.root / f"src/my_service/{name}.py" for name in ("main", "application")
        )
        before = main.read_text(encoding="utf-8")
        # An edit of a line that no release has changed, and one of a line that all have changed.
        edited = before.replace("redoc_url=None", 'redoc_url="/redoc"')
        edited = edited.replace('"""Where the pieces meet."""', '"""Our application."""')
        main.write_text(edited, encoding="utf-8")
        ours = updated.root / "tests/test_ours.py"
        ours.write_text(IMPORTS_BEFORE, encoding="utf-8")
        updated.commit("Ours")
        updated.update()

        expected = fresh_copy(VERSION, {}) / "src/my_service/main.py"
        assert main.read_bytes() == expected.read_bytes()
        assert 'redoc_url="/redoc"' in application.read_text(encoding="utf-8")
        assert '"""Our application."""' in application.read_text(encoding="utf-8")
        assert updated.conflicts() == ["src/my_service/application.py"]
        assert ours.read_text(encoding="utf-8") == IMPORTS_AFTER


class TestRecopy:
    """`copier recopy` restores foundation files, and keeps team files."""

    def test_a_recopy_restores_foundation_files_only(
        self, history: Path, fresh_copy: FreshCopy, tmp_path: Path
    ) -> None:
        updated = UpdatedService(history, tmp_path / "service", VERSION, {})
        added = apply_team_changes(updated.root)
        edit_foundation_file(updated.root)
        (updated.root / "src/my_service/main.py").unlink()
        updated.commit("Changes of the team")
        done = run(copier_command("recopy", "--trust", "--defaults", "--force"), updated.root)
        assert done.returncode == 0, done.stderr
        expected = fresh_copy(VERSION, {})
        assert foundation_files(updated.root).items() >= foundation_files(expected).items()
        # In shared files, a recopy removes the team's lines.
        lost = {line.partition(":")[0] for line in lost_lines(updated.root, added)}
        assert lost == {name for name, _ in added}


EXISTING = {
    "README.md": "# Shop\n",
    "pyproject.toml": '[project]\nname = "shop"\nversion = "3.1.0"\n',
    "src/shop/__init__.py": "",
    "src/shop/main.py": "from fastapi import FastAPI\n\napp = FastAPI()\n",
    "src/shop/services/orders.py": "ORDERS = 1\n",
    "tests/conftest.py": "",
    "docs/orders.md": "# Orders\n",
}


class TestAdoption:
    """An existing service adopts the template by copying it into its folder."""

    def test_adoption_overwrites_files_of_the_same_name_only(
        self, history: Path, environments: Environments, tmp_path: Path
    ) -> None:
        root = tmp_path / "shop"
        for name, text in EXISTING.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        git(root, "init", "--quiet")
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message", "Shop")

        answers = ["--data", "project_name=Shop", "--vcs-ref", RELEASES[-1].tag]
        command = ["copy", "--trust", "--defaults", "--overwrite", *answers, str(history), "."]
        done = run(copier_command(*command), root)
        assert done.returncode == 0, done.stderr

        added = {name for name in files_in(root) if name not in EXISTING}
        overwritten = git(root, "diff", "--name-only").split()
        assert "src/shop/core/settings.py" in added
        assert {*EXISTING} - {*overwritten} == {"docs/orders.md", "src/shop/services/orders.py"}
        assert "D" not in git(root, "diff", "--name-status").split()
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message", "Adopt the foundation")

        update = copier_command("update", "--trust", "--defaults", "--vcs-ref", VERSION)
        assert run(update, root).returncode == 0
        assert (root / "src/shop/services/orders.py").read_text(encoding="utf-8") == "ORDERS = 1\n"
        environments.install(root, {"project_name": "Shop"}).run("pytest")


class TestReleases:
    """Problems of the checkout are reported."""

    def test_a_shallow_checkout_is_reported(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        shallow = tmp_path / "shallow"
        git(tmp_path, "clone", "--quiet", "--depth=1", TEMPLATE.as_uri(), str(shallow))
        monkeypatch.setattr(releases, "TEMPLATE", shallow)
        with pytest.raises(pytest.fail.Exception, match="run `git fetch --unshallow`"):
            clone_history(tmp_path / "history")

    def test_a_missing_release_is_reported(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(releases, "RELEASES", [Release("7.0.0", "7" * 40)])
        with pytest.raises(pytest.fail.Exception, match=r"7\.0\.0 is commit 7+, which is not in"):
            clone_history(tmp_path / "history")
