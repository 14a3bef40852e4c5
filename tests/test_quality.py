"""A rendered service passes `poe check`, has the right dependencies, migrates, starts and responds."""

from __future__ import annotations

import ast
import os
import re
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from databases import psql, serving
from harness import (
    NO_PYTHON,
    SUITE,
    Environments,
    Renders,
    Service,
    find_python,
    modules_in,
    passed_summary,
    recorded_answers,
    run,
)
from matrix import CELLS, OFFERED, RENDERED, STRENGTH, VALUES, cell_params, resolve

MIN_TESTS = 40
STRICT_SETTINGS = """\
from pydantic import ValidationInfo, field_validator

from my_service.core.environment import get_environment
from my_service.core.foundation_settings import FoundationSettings


class Settings(FoundationSettings):
    payment_url: str
    support_address: str = ""

    @field_validator("support_address")
    @classmethod
    def _require_address(cls, address: str, info: ValidationInfo) -> str:
        if get_environment(info).is_production and not address:
            raise ValueError("is required in production")
        return address
"""
REQUIRED_SETTINGS = """

@pytest.fixture(scope="session")
def required_settings() -> dict[str, str]:
    return {"APP_PAYMENT_URL": "https://payments.example"}
"""
RUFF = [sys.executable, "-m", "ruff"]
# Dependencies without an import: programs, and drivers that SQLAlchemy loads by name.
COMMANDS = {"fastapi_cli", "uvicorn"}
DRIVERS = {"sqlite": {"aiosqlite"}, "postgresql": {"asyncpg"}, "none": set[str]()}
# Distributions whose module has another name.
MODULES = {"argon2_cffi": "argon2", "opentelemetry_api": "opentelemetry"}
TOOLS = {
    "coverage",
    "import_linter",
    "mypy",
    "poethepoet",
    "pytest_asyncio",
    "pytest_timeout",
    "ruff",
}

# A cell for each engine.
ON_EACH_ENGINE = ["defaults", "all-on"]

PostgreSQL = Callable[[str], str]

IMPORT_ALL = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


@pytest.fixture(params=cell_params(RENDERED))
def rendered(request: pytest.FixtureRequest, render: Renders) -> Path:
    return render(**RENDERED[request.param])


class TestText:
    @pytest.mark.parametrize("command", ["check", "format --diff"])
    def test_ruff_finds_nothing(self, rendered: Path, command: str) -> None:
        done = run([*RUFF, *command.split(), "--quiet", "--no-cache"], rendered)
        assert done.returncode == 0, done.stdout + done.stderr

    def test_dependencies_match_the_imports(self, rendered: Path) -> None:
        project = tomllib.loads((rendered / "pyproject.toml").read_text(encoding="utf-8"))
        dependencies = required_modules(project["project"]["dependencies"])
        dev_dependencies = required_modules(project["dependency-groups"]["dev"])
        answers = recorded_answers(rendered)
        own = {answers["package_name"], "conftest", "tests"}

        imported = imports_in([rendered / "src", rendered / "migrations"]) - own
        assert dependencies == imported | COMMANDS | DRIVERS[answers["database"]]
        tested = imports_in([rendered / "tests", rendered / "conftest.py"]) - own - dependencies
        hooks = {"pre_commit_hooks", "prek"} if answers["hooks"] else set()
        linters = {"squawk_cli"} if answers["database"] == "postgresql" else set()
        stubs = {"types_zxcvbn"} if answers["authentication"] == "sessions" else set()
        assert dev_dependencies == tested | TOOLS | hooks | linters | stubs

    def test_supported_pythons_match_the_answer(self, rendered: Path) -> None:
        oldest = resolve(recorded_answers(rendered))["python_version"]
        project = tomllib.loads((rendered / "pyproject.toml").read_text(encoding="utf-8"))
        assert project["project"]["requires-python"] == f">={oldest}"
        assert project["tool"]["ruff"]["target-version"] == f"py{str(oldest).replace('.', '')}"
        assert project["tool"]["mypy"]["python_version"] == oldest


def required_modules(requirements: Iterable[str]) -> set[str]:
    names = {re.match("[A-Za-z0-9._-]+", requirement) for requirement in requirements}
    modules = {name[0].lower().replace("-", "_") for name in names if name}
    return {MODULES.get(module, module) for module in modules}


def imports_in(paths: Iterable[Path]) -> set[str]:
    """The top-level modules that Python files import, except the standard library."""
    files = [file for path in paths for file in (path, *path.rglob("*")) if file.suffix == ".py"]
    found = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add(str(node.module))
    return {name.partition(".")[0] for name in found} - sys.stdlib_module_names


# With module scope, pytest groups the tests by cell.
@pytest.fixture(scope="module", params=cell_params(CELLS))
def cell(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def type_checkable(
    cell: str,
    render: Renders,
    environments: Environments,
    tmp_path_factory: pytest.TempPathFactory,
) -> Service:
    """A service that can be type-checked, even if its Python is missing."""
    root = shutil.copytree(render(**CELLS[cell]), tmp_path_factory.mktemp(cell) / "service")
    return environments.install_for_type_checks(root, CELLS[cell])


@pytest.fixture(scope="module")
def service(cell: str, type_checkable: Service, request: pytest.FixtureRequest) -> Service:
    """A service with an empty database; skips the test if its Python is missing."""
    version = str(resolve(CELLS[cell])["python_version"])
    if find_python(version) is None:
        pytest.skip(NO_PYTHON.format(version))
    if resolve(CELLS[cell])["database"] == "postgresql":
        postgresql: PostgreSQL = request.getfixturevalue("postgresql")
        # On the server of TEST_DATABASE_URL, it may exist from an earlier run.
        psql(postgresql("postgres"), f'DROP DATABASE IF EXISTS "{cell}" WITH (FORCE)')
        psql(postgresql("postgres"), f'CREATE DATABASE "{cell}"')
        type_checkable.variables["APP_DATABASE_URL"] = postgresql(cell)
    return type_checkable


@pytest.mark.slow
class TestGate:
    def test_every_module_can_be_imported_without_a_warning(self, service: Service) -> None:
        modules = modules_in(service.root / "src")
        service.run("python", "-X", "dev", "-W", "error", "-c", IMPORT_ALL, *modules)

    # The tests of every cell do the same without the command line.
    @pytest.mark.parametrize("cell", cell_params(ON_EACH_ENGINE), indirect=True, scope="module")
    def test_upgrade_and_downgrade(self, service: Service) -> None:
        service.run("alembic", "upgrade", "head")
        service.run("alembic", "check")
        service.run("alembic", "downgrade", "base")

    def test_the_service_starts_and_responds(self, service: Service) -> None:
        answers = resolve(service.answers)
        if answers["database"] != "none":
            service.run("alembic", "upgrade", "head")
        with serving(service) as client:
            assert client.get("/health/live").json() == {"status": "ok"}
            assert client.get("/health/ready").json() == {"status": "ok"}
            info = client.get("/openapi.json").raise_for_status().json()["info"]
            assert info["title"] == answers["project_name"]
            assert info.get("description", "") == answers["project_description"]

    def test_suite(
        self,
        cell: str,
        service: Service,
        postgresql: PostgreSQL,
        record_property: Callable[[str, str], None],
    ) -> None:
        variables = {}
        if resolve(service.answers)["database"] == "postgresql":
            variables["TEST_DATABASE_URL"] = postgresql(f"test-{cell}")
        summary = passed_summary(service.run("pytest", **variables))
        if cell == "defaults":
            assert int(summary.split()[0]) >= MIN_TESTS
        record_property(SUITE, summary)

    # Last, so that processes rarely wait for the shared cache.
    def test_types(self, type_checkable: Service, environments: Environments) -> None:
        # Type-checking the dependencies for another Python version takes longer than all else.
        is_between = (
            "python_version",
            recorded_answers(type_checkable.root)["python_version"],
        ) in VALUES
        options = (
            ["--python-version", OFFERED["python_version"][0]]
            if is_between and STRENGTH == 2
            else []
        )
        with environments.type_cache() as cache:
            type_checkable.run("mypy", *cache, *options)


@pytest.mark.slow
def test_the_suite_starts_a_private_postgresql(
    render: Renders,
    environments: Environments,
    tmp_path: Path,
    record_property: Callable[[str, str], None],
) -> None:
    answers = {"database": "postgresql"}
    root = shutil.copytree(render(**answers), tmp_path / "service")
    service = environments.install(root, answers)
    record_property(SUITE, passed_summary(service.run("pytest", "tests/foundation/db")))


@pytest.mark.slow
def test_the_suite_explains_a_missing_required_setting(
    render: Renders, environments: Environments, tmp_path: Path
) -> None:
    root = shutil.copytree(render(), tmp_path / "service")
    service = environments.install(root, {})
    settings = root / "src/my_service/core/settings.py"
    settings.write_text(STRICT_SETTINGS, encoding="utf-8")
    with (root / ".env.example").open("a", encoding="utf-8") as example:
        example.write("# APP_PAYMENT_URL=https://payments.example\n# APP_SUPPORT_ADDRESS=\n")
    done = service.attempt(["pytest", "-q"], {})
    assert done.returncode == 1, done.stdout
    assert "The tests lack a required setting" in done.stdout
    assert "payment_url" in done.stdout
    assert " error" not in done.stdout.rpartition("payment_url")[2], done.stdout
    with (root / "tests/conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write(f"import pytest\n{REQUIRED_SETTINGS}")
    service.run("pytest", "tests/foundation/core", "tests/foundation/test_application.py")


@pytest.mark.slow
class TestTasks:
    @pytest.fixture
    def installed(self, render: Renders, environments: Environments, tmp_path: Path) -> Service:
        return environments.install(shutil.copytree(render(), tmp_path / "service"), {})

    def test_poe_check_stops_at_the_first_failure(self, installed: Service) -> None:
        router = installed.root / "src/my_service/api/v1/items.py"
        with router.open("a", encoding="utf-8") as file:
            file.write("\n\nassert undefined\n")
        # As `uv run` sets it.
        programs = Path(installed.command("poe")[0]).parent
        path = os.pathsep.join([str(programs), os.environ["PATH"]])
        done = installed.attempt(["poe", "check"], {"PATH": path})
        assert done.returncode == 1
        assert "Poe => ruff check\n" in done.stdout
        assert "F821" in done.stdout
        assert "Poe => mypy" not in done.stdout

    def test_coverage_includes_code_after_a_query(self, installed: Service) -> None:
        project = tomllib.loads((installed.root / "pyproject.toml").read_text(encoding="utf-8"))
        measure, report = map(str.split, project["tool"]["poe"]["tasks"]["coverage"]["sequence"])
        installed.run(*measure, "tests/api/v1", "tests/services")
        output = installed.run(*report)
        assert "core/logging.py" in output
        # The report omits fully covered files.
        assert "services/items.py" not in output
        assert "api/v1/items.py" not in output
