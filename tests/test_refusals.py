"""The messages of the command line for invalid answers and missing requirements."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from harness import TEMPLATE, copier_command, run, run_copier

# Invalid answers, with the fix in the message.
REFUSALS = {
    "cors_origins=https://app.example.com/path": "use 'https://app.example.com'",
    "cors_origins=https://app.example.com/": "use 'https://app.example.com'",
    "cors_origins=*": "use http://, https:// or the scheme of an app, a host of letters, digits",
    "cors_origin_regex=.*": "use only https:",
    "package_name=class": "use 'class_service'",
    "package_name=fastapi": "use 'fastapi_service'",
    "package_name=tests": "use 'tests_service'",
    "project_slug=../x": "use 'x'",
    "python_version=3.9": "use one of 3.11, 3.12, 3.13, 3.14",
    "database=mysql": "use one of sqlite, postgresql, none",
    "databse=sqlite": "did you mean database?",
    "cors=nope": "use true or false",
    "deploy=kubernetes": "add --data container=true",
    "deploy=kubernetes container=true": "add --data database=postgresql",
}

# Runs Copier without the package that loads the template's extensions.
WITHOUT_EXTENSIONS = """
import sys
from copier._cli import CopierApp

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name == "copier_template_extensions":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
CopierApp.run()
"""


def copy(template: Path, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = copier_command("copy", "--defaults", *options, str(template), str(folder))
    return run(command, folder.parent)


@pytest.mark.parametrize("answer", REFUSALS)
def test_an_invalid_answer_is_refused_with_a_fix(
    template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], answer: str
) -> None:
    options = ["--trust", "--defaults", *(f"--data={word}" for word in answer.split())]
    assert run_copier("copy", *options, str(template), str(tmp_path / "service")) == 1
    question = answer.partition("=")[0]
    error = capsys.readouterr().err
    assert re.fullmatch(rf"{question}: .*; {re.escape(REFUSALS[answer])}.*\n", error)
    assert [*tmp_path.iterdir()] == []


def test_the_documentation_shows_the_failure_without_trust(template: Path, tmp_path: Path) -> None:
    done = copy(template, tmp_path / "service")
    assert done.returncode == 4
    assert_documented(done.stderr)
    assert [*tmp_path.iterdir()] == []


def test_the_documentation_shows_the_failure_without_extensions(
    template: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", WITHOUT_EXTENSIONS, "copy", "--defaults", "--trust"]
    done = run([*command, str(template), "service"], tmp_path)
    assert done.returncode == 1
    assert_documented(done.stderr)
    assert [*tmp_path.iterdir()] == []


def assert_documented(message: str) -> None:
    page = (TEMPLATE / "docs/trust.md").read_text(encoding="utf-8")
    assert message
    assert message.strip() in page


def test_a_valid_answer_is_rendered(
    template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service = tmp_path / "service"
    options = ["--trust", "--defaults", "--data", "project_name=Orders"]
    assert run_copier("copy", *options, str(template), str(service)) == 0
    assert (service / "src/orders/main.py").is_file()
    assert str(service) in capsys.readouterr().err
