"""pytest refuses to run in a service with conflicts of an update."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from harness import Renders, git, run

MARKED = "<<<<<<< before updating\nours\n=======\ntheirs\n>>>>>>> after updating\n"


@pytest.fixture
def service(render: Renders, tmp_path: Path) -> Path:
    """A service with a conflict of an update."""
    root = shutil.copytree(render(), tmp_path / "service")
    git(root, "init", "--quiet")
    (root / "Makefile").write_text(MARKED, encoding="utf-8")
    return root


def run_guard(service: Path, environment: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Run the guard in the root conftest, and return its exit code and error."""
    done = run([sys.executable, "conftest.py"], service, environment)
    return done.returncode, done.stderr


@pytest.mark.parametrize("configuration", ["[user\n", "[core]\n\texcludesFile = all\n", ""])
def test_conflicts_are_found_with_any_git_configuration(
    service: Path, tmp_path: Path, configuration: str
) -> None:
    (tmp_path / "all").write_text("*\n", encoding="utf-8")
    config = tmp_path / "config"
    config.write_text(configuration.replace("all", (tmp_path / "all").as_posix()), encoding="utf-8")
    code, error = run_guard(service, {"GIT_CONFIG_GLOBAL": str(config)})
    assert code == 1
    assert "conflicts in Makefile." in error
    assert "choose between the two sides and remove the markers." in error


def test_rejected_hunks_are_to_be_applied_by_hand(service: Path) -> None:
    (service / "Makefile").unlink()
    (service / "Makefile.rej").touch()
    code, error = run_guard(service)
    assert code == 1
    assert "conflicts in Makefile.rej." in error
    assert "Apply the hunks of each .rej file by hand, then delete it." in error


def test_conflicts_are_found_in_a_repository_of_another_owner(service: Path) -> None:
    code, error = run_guard(service, {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"})
    assert code == 1
    assert "conflicts in Makefile." in error


def test_a_repository_that_git_cannot_read_is_refused(service: Path) -> None:
    (service / ".git/config").write_text("[core\n", encoding="utf-8")
    code, error = run_guard(service)
    assert code == 1
    assert "git cannot check for conflicts of an update: fatal: bad config" in error


def test_a_repository_without_git_is_refused(service: Path) -> None:
    assert run_guard(service, {"PATH": os.devnull}) == (
        1,
        "Git is required to check for conflicts of an update. Install git.\n",
    )


def test_a_service_outside_of_repositories_is_tested(service: Path) -> None:
    shutil.rmtree(service / ".git")
    for environment in ({}, {"LANG": "de_DE.UTF-8"}, {"PATH": os.devnull}):
        assert run_guard(service, environment) == (0, "")
