"""What is rendered passes its own gate: format, lint, types, layers and tests."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from combinations import COMBINATIONS
from harness import SUITE, Environments, Renders, Service, run

LEAST_TESTS = 40
# The version that a rendered service would install.
RUFF = [sys.executable, "-m", "ruff"]

PostgreSQL = Callable[[str], str]


# Where the scope is the module, all tests of one combination come before those of the next.
@pytest.fixture(scope="module", params=COMBINATIONS)
def combination(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def rendered(combination: str, render: Renders) -> Path:
    return render(**COMBINATIONS[combination])


@pytest.fixture(scope="module")
def service(
    combination: str,
    rendered: Path,
    environments: Environments,
    tmp_path_factory: pytest.TempPathFactory,
) -> Service:
    root = shutil.copytree(rendered, tmp_path_factory.mktemp(combination) / "service")
    return environments.install(root, COMBINATIONS[combination])


@pytest.mark.parametrize("command", ["check", "format --diff"])
def test_ruff_has_nothing_to_say(rendered: Path, command: str) -> None:
    done = run([*RUFF, *command.split(), "--quiet", "--no-cache"], rendered)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
class TestGate:
    def test_types(self, service: Service) -> None:
        # Of what it has found out about the dependencies, nothing changes from cell to cell.
        service.run("mypy", "--cache-dir", str(service.environment / ".mypy_cache"))

    def test_layers(self, service: Service) -> None:
        service.run("lint-imports")

    def test_suite(
        self,
        service: Service,
        postgresql: PostgreSQL,
        record_property: Callable[[str, str], None],
    ) -> None:
        variables = {}
        if service.answers.get("database") == "postgresql":
            variables["TEST_DATABASE_URL"] = postgresql("test")
        record_property(SUITE, summary_of(service.run("pytest", **variables)))


@pytest.mark.slow
def test_the_suite_brings_its_own_postgresql(
    render: Renders,
    environments: Environments,
    tmp_path: Path,
    record_property: Callable[[str, str], None],
) -> None:
    answers = COMBINATIONS["postgresql"]
    root = shutil.copytree(render(**answers), tmp_path / "service")
    service = environments.install(root, answers)
    record_property(SUITE, summary_of(service.run("pytest")))


@pytest.mark.slow
def test_the_suite_of_the_defaults_is_a_real_one(
    render: Renders, environments: Environments, tmp_path: Path
) -> None:
    service = environments.install(shutil.copytree(render(), tmp_path / "service"), {})
    collected = service.run("pytest", "--collect-only", "--quiet")
    assert len(re.findall("^tests/.*::", collected, re.MULTILINE)) >= LEAST_TESTS


def summary_of(output: str) -> str:
    """The last line of a run of pytest, in which every test has passed and none was skipped."""
    summary = output.rstrip().rpartition("\n")[2].strip("= ")
    assert re.fullmatch(r"\d+ passed in [\d.]+s.*", summary), output
    return summary
