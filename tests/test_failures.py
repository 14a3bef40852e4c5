"""The output of the tests while they run and when they fail."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from harness import Renders, clean_environment, recorded_answers, run
from matrix import CELLS, resolve
from uv import find_uv_bin

if os.name == "nt":
    pytest.skip("Windows has other terminals and pipes", allow_module_level=True)

from terminal import Terminal

pytestmark = pytest.mark.slow

PYTEST = [sys.executable, "-m", "pytest", "--numprocesses=2"]
# A formatting error and a type error.
FAULT = '\nFAULT:int = "none"\n'
CELL = "all-off"


def run_pytest(root: Path, *options: str, code: int = 1) -> str:
    """Run pytest, check its exit code and return its output."""
    done = subprocess.run(
        [*PYTEST, *options],
        cwd=root,
        env=clean_environment(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def read_line(output: str, prefix: str) -> str:
    """The rest of the only line with this prefix."""
    line: str
    [line] = {*re.findall(rf"^{prefix} (.+)$", output, re.MULTILINE)}
    return line


@pytest.fixture(scope="module")
def broken(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template with a fault in every service."""
    root = tmp_path_factory.mktemp("broken") / "template"
    shutil.copytree(template, root)
    with (root / "template/conftest.py").open("a", encoding="utf-8") as file:
        file.write(FAULT)
    return root


def test_a_failed_cell_is_kept_and_can_be_repeated(broken: Path) -> None:
    output = run_pytest(broken, "tests/test_quality.py", "-k", f"ruff and format and {CELL}")
    service = Path(read_line(output, "The service is in"))
    assert resolve(recorded_answers(service)) == resolve(CELLS[CELL])
    assert FAULT in (service / "conftest.py").read_text(encoding="utf-8")

    command, test = shlex.split(read_line(output, "To repeat it:"))
    assert command == "pytest"
    assert "FAULT" in run_pytest(broken, test)


@pytest.mark.nightly
def test_a_failed_installation_can_be_repeated(broken: Path, tmp_path: Path) -> None:
    output = run_pytest(broken, "tests/test_quality.py", "-k", f"types and {CELL}")
    programs = os.pathsep.join(
        [str(Path(sys.executable).parent), str(Path(find_uv_bin()).parent), os.environ["PATH"]]
    )
    line = read_line(output, "To repeat it without pytest:")
    done = run(["bash", "-c", line], tmp_path, {"PATH": programs})
    assert done.returncode == 1
    assert re.search(r"^conftest.py:\d+: error: Incompatible types", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("level", ["1", pytest.param("2", marks=pytest.mark.nightly)])
@pytest.mark.parametrize("root", ["template", "service"])
def test_pytest_refuses_to_run_without_assertions(
    template: Path, render: Renders, tmp_path: Path, root: str, level: str
) -> None:
    source = template if root == "template" else render()
    folder = shutil.copytree(source, tmp_path / root)
    done = run([sys.executable, "-m", "pytest"], folder, {"PYTHONOPTIMIZE": level})
    assert done.returncode == 1
    assert re.fullmatch("Python ignores assertions here, .*unset PYTHONOPTIMIZE.*\n", done.stderr)


@pytest.mark.nightly
def test_all_tests_of_a_cell_run_in_one_process(template: Path, tmp_path: Path) -> None:
    root = shutil.copytree(template, tmp_path / "template")
    selection = "(TestFiles or TestOwnership) and (all-off or all-on)"
    output = run_pytest(root, "tests/test_render.py", "-v", "-k", selection, code=0)
    processes = {*re.findall(r"^\[(gw\d)\] .*\[(all-o\w+)@", output, re.MULTILINE)}
    assert sorted(cell for _, cell in processes) == ["all-off", "all-on"]


WAITING = """
def test_first() -> None:
    pass

def test_second() -> None:
    with open("pipe"):
        pass
"""


def test_progress_is_printed_while_tests_run(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = shutil.copytree(template, tmp_path / "template")
    (root / "tests/test_waiting.py").write_text(WAITING, encoding="utf-8")
    os.mkfifo(root / "pipe")
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    terminal = Terminal([*PYTEST, "tests/test_waiting.py"], root)
    try:
        terminal.wait_for(" 50%  1 of 2 tests, 0 failed")
        (root / "pipe").write_text("", encoding="utf-8")
        assert terminal.wait() == 0
    finally:
        terminal.close()
