"""The README is true."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from pathlib import Path

import pytest
from harness import (
    QUESTIONS,
    TEMPLATE,
    VERSION,
    Renders,
    copier_command,
    files_in,
    git,
    recorded_answers,
    run,
    working_files,
)

README = (TEMPLATE / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for block in re.findall(r"^```bash\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]
GENERATE, TEST = (line for line in COMMANDS if line.startswith("python3 -m venv"))


CHECK = copier_command("check-update", "--quiet")


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def test_the_build_runs_the_line_that_the_readme_gives() -> None:
    script = (TEMPLATE / ".ci/run").read_text(encoding="utf-8")
    assert script.splitlines()[-1] == TEST
    assert os.access(TEMPLATE / ".ci/run", os.X_OK)


def test_both_lines_install_the_same_tools() -> None:
    assert GENERATE.rpartition(" && ")[0] == TEST.rpartition(" && ")[0]


def test_the_tools_are_exact_and_name_no_address() -> None:
    requirements = (TEMPLATE / "requirements.txt").read_text(encoding="utf-8")
    assert "://" not in requirements
    pinned = re.findall(r"^[a-z][^=\n]*==\S+", requirements, re.MULTILINE)
    assert len(pinned) == len(re.findall(r"^\S", requirements, re.MULTILINE)) - 2
    assert "uv.lock" not in working_files()


@pytest.mark.parametrize("state", ["released", "committed", "unfinished"])
def test_the_line_that_generates_works_in_a_checkout(
    template: Path, render: Renders, tmp_path: Path, state: str
) -> None:
    checkout = shutil.copytree(template, tmp_path / "checkout")
    if state != "released":
        git(checkout, "tag", "--delete", VERSION)
    if state == "unfinished":
        (checkout / "template/NOTES.md").write_text("Unfinished\n", encoding="utf-8")
    # Its set-up is what the tests run with already.
    words = shlex.split(GENERATE.rpartition(" && ")[2].replace("$PWD", str(checkout)))
    assert words[0] == ".venv/bin/copier"
    done = run(copier_command(words[1], "--defaults", *words[2:]), checkout)
    assert done.returncode == 0, done.stderr

    service = tmp_path / "my-service"
    expected = {*files_in(render())} | ({"NOTES.md"} if state == "unfinished" else set())
    assert files_in(service).keys() == expected
    # A relative path would be looked for from wherever a later update is started.
    assert recorded_answers(service)["_src_path"] == str(checkout)


def committed_service(checkout: Path, folder: Path) -> Path:
    """A service of the defaults, in a repository of its own."""
    service = folder / "my-service"
    copy = copier_command("copy", "--trust", "--defaults", "--quiet", str(checkout), str(service))
    assert run(copy, folder).returncode == 0
    git(service, "init", "--quiet")
    git(service, "add", "--all")
    git(service, "commit", "--quiet", "--message", "New")
    return service


@pytest.mark.slow
def test_a_service_can_be_updated_to_the_next_release(template: Path, tmp_path: Path) -> None:
    checkout = shutil.copytree(template, tmp_path / "checkout")
    service = committed_service(checkout, tmp_path)
    assert run(CHECK, service).returncode == 0

    changed = checkout / "template/.gitignore.jinja"
    changed.write_text(changed.read_text(encoding="utf-8") + "\n# More\n*.log\n", encoding="utf-8")
    git(checkout, "commit", "--all", "--quiet", "--message", "More")
    git(checkout, "tag", "v1001.0.0")
    assert run(CHECK, service).returncode == 2
    done = run(copier_command("update", "--trust", "--defaults"), service)
    assert done.returncode == 0, done.stderr
    names = git(service, "diff", "--name-only").split()
    assert names == [".copier-answers.yml", ".gitignore"]


@pytest.mark.slow
def test_a_package_is_moved_as_the_readme_says(template: Path, tmp_path: Path) -> None:
    checkout = shutil.copytree(template, tmp_path / "checkout")
    service = committed_service(checkout, tmp_path)
    health = service / "src/my_service/api/health.py"
    health.write_text(health.read_text(encoding="utf-8") + "# Ours.\n", encoding="utf-8")
    git(service, "commit", "--all", "--quiet", "--message", "Ours")

    renamed = ["--data", "package_name=orders"]
    done = run(copier_command("update", "--trust", "--defaults", *renamed), service)
    assert done.returncode == 1
    refusal = "package_name: the service is in src/my_service; move it to src/orders first"
    assert refusal in done.stderr
    assert git(service, "status", "--porcelain") == ""

    moving = "\n".join(line for line in COMMANDS if "name" in line and "git" in line)
    moving = moving.replace("old_name", "my_service").replace("new_name", "orders")
    done = run(["bash", "-ec", moving], service)
    assert done.returncode == 0, done.stderr
    git(checkout, "commit", "--allow-empty", "--quiet", "--message", "More")
    git(checkout, "tag", "v1001.0.0")
    update = copier_command("update", "--trust", "--defaults", *renamed)
    done = run(update, service)
    assert done.returncode == 0, done.stderr
    assert git(service, "diff", "--name-only").split() == [".copier-answers.yml"]
    assert (service / "src/orders/api/health.py").read_text(encoding="utf-8").endswith("# Ours.\n")
    assert not (service / "src/my_service").exists()
    assert recorded_answers(service)["package_name"] == "orders"


def test_the_table_has_every_question_with_its_answers() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section("The questions").splitlines()
        if line.startswith("| `")
    ]
    assert [row[0].strip("`") for row in rows] == list(QUESTIONS)
    for name, answers, default, _ in rows:
        question = QUESTIONS[name.strip("`")]
        if "choices" in question:
            listed = question["choices"]
            values = listed.values() if isinstance(listed, dict) else listed
            assert answers == ", ".join(f"`{value}`" for value in values)
        if question["type"] == "bool":
            assert answers == "yes, no"
        written = {True: "yes", False: "no", "": "nothing"}.get(question["default"])
        expected = written or question["default"]
        if "{{" not in str(expected):
            assert default.strip("`") == expected


def test_the_tree_is_that_of_the_defaults(render: Renders) -> None:
    names = re.findall(r"── (\S+)", section("What you get"))
    nested = re.findall(r"^│.*── (\S+)", section("What you get"), re.MULTILINE)
    for name in names:
        root = render() / "src/my_service" if name in nested else render()
        assert (root / name).exists(), name


def test_after_the_copy_it_says_what_the_readme_says(render: Renders, tmp_path: Path) -> None:
    done = run(
        copier_command("copy", "--trust", "--defaults", str(render.template), "my-service"),
        tmp_path,
    )
    message = done.stderr.partition("Next:")[2].split("\n")
    said = [line.strip() for line in message if line.strip()]
    shown = section("Start the service").splitlines()
    assert (tmp_path / said[0].removeprefix("cd ")).samefile(tmp_path / "my-service")
    assert said[1:] == [line for line in shown if line.startswith("uv ")]
