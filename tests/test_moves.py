"""An update keeps a team's edits in files that a release moves or removes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from harness import VERSION, copier_command, git, run
from releases import UpdatedService, publish

pytestmark = pytest.mark.slow

NEXT = "v1001.0.0"
OLD, NEW = "src/my_service/api/health.py", "src/my_service/api/probes/health.py"
REMOVED = "src/my_service/core/types.py"
STEP = f"""
_migrations:
  - version: {NEXT}
    command:
      - "{{{{ _copier_python }}}}"
      - "{{{{ _copier_conf.src_path }}}}/migrations/keep_edits.py"
      - "{{{{ _copier_conf.answers_file }}}}"
      - "{{{{ _version_from }}}}"
      - "{OLD.replace("my_service", "{{ package_name }}")}={NEW.replace("my_service", "{{ package_name }}")}"
      - "{REMOVED.replace("my_service", "{{ package_name }}")}"
"""


@pytest.fixture
def template(history: Path, tmp_path: Path) -> Path:
    """A template whose next release changes a file, moves it, and removes another."""
    template = shutil.copytree(history, tmp_path / "template")
    api = template / "template/src/{{ package_name }}/api"
    (api / "probes").mkdir()
    moved = api / "health.py.jinja"
    moved.write_text(moved.read_text(encoding="utf-8").replace("timeout(2)", "timeout(5)"))
    moved.rename(api / "probes/health.py.jinja")
    (api.parent / "core/types.py").unlink()
    config = template / "copier.yml"
    steps = config.read_text(encoding="utf-8").replace("\n_migrations:\n", STEP)
    config.write_text(steps, encoding="utf-8")
    publish(template, NEXT)
    return template


@pytest.fixture
def updated(request: pytest.FixtureRequest, template: Path, tmp_path: Path) -> UpdatedService:
    """A service of the previous release, as a repository or in a monorepo."""
    root = tmp_path / getattr(request, "param", "service")
    if root.parent != tmp_path:
        git(tmp_path, "init", "--quiet", "monorepo")
    return UpdatedService(template, root, VERSION, {})


IN_BOTH_LAYOUTS = pytest.mark.parametrize(
    "updated",
    ["service", pytest.param("monorepo/services/orders", marks=pytest.mark.nightly)],
    indirect=True,
)


def change(updated: UpdatedService, name: str, old: str, new: str) -> None:
    path = updated.root / name
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def update(updated: UpdatedService) -> str:
    """Update to the next release, and return the output."""
    updated.commit("Ours")
    done = run(copier_command("update", "--trust", "--defaults"), updated.root)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.nightly
def test_unchanged_files_are_moved_and_removed(updated: UpdatedService) -> None:
    assert update(updated) == ""
    assert "timeout(5)" in (updated.root / NEW).read_text(encoding="utf-8")
    assert not (updated.root / OLD).exists()
    assert not (updated.root / REMOVED).exists()
    assert updated.conflicts() == []


@IN_BOTH_LAYOUTS
def test_edits_move_with_the_file_or_keep_a_removed_one(
    updated: UpdatedService,
) -> None:
    change(updated, OLD, 'tags=["health"]', 'tags=["ours"]')
    change(updated, REMOVED, '"""', '"""Ours. ')
    [message] = update(updated).splitlines()
    assert message.startswith(REMOVED)
    assert "is yours" in message
    assert '"""Ours. ' in (updated.root / REMOVED).read_text(encoding="utf-8")
    moved = (updated.root / NEW).read_text(encoding="utf-8")
    assert 'tags=["ours"]' in moved
    assert "timeout(5)" in moved
    assert updated.conflicts() == []


def test_edits_of_the_same_lines_conflict(updated: UpdatedService) -> None:
    change(updated, OLD, "timeout(2)", "timeout(3)")
    assert "has a conflict" in update(updated)
    moved = (updated.root / NEW).read_text(encoding="utf-8")
    assert "timeout(3)" in moved
    assert "timeout(5)" in moved
    assert updated.conflicts() == [NEW]
    assert git(updated.root, "status", "--porcelain", NEW).startswith(("AA", "UU"))


@pytest.mark.nightly
def test_a_deleted_file_is_not_restored_at_its_new_path(updated: UpdatedService) -> None:
    (updated.root / OLD).unlink()
    assert update(updated) == ""
    assert not (updated.root / NEW).exists()
