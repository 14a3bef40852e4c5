"""The workflows of the template and of services are secure, and run existing commands."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
import tomllib
from pathlib import Path
from string import Template
from typing import Any

import pytest
import yaml
from harness import CONFIG, TEMPLATE, Renders, files_in, git, recorded_answers, run
from matrix import CELLS, COVERING, RENDERED, answers_extension, cell_params, github_matrix
from releases import RELEASES, Release
from tags import ReleaseMismatch, check, missing, sections

GITHUB = TEMPLATE / ".github"
WORKFLOWS = {path.stem: path for path in sorted(GITHUB.glob("workflows/*.yml"))}
PARSED: dict[str, dict[str, Any]] = {
    name: yaml.safe_load(path.read_text(encoding="utf-8")) for name, path in WORKFLOWS.items()
}
JOBS = {
    f"{workflow}-{name}": job
    for workflow, parsed in PARSED.items()
    for name, job in parsed["jobs"].items()
}
# GitHub's limit for a matrix.
MAX_JOBS = 256
MAX_MINUTES = 60


def tool(name: str) -> str:
    """A program of the environment of the tests."""
    program = shutil.which(name, path=str(Path(sys.executable).parent))
    assert program, f"{name} is missing: install requirements.txt"
    return program


ZIZMOR = [tool("zizmor"), "--offline", "--persona=auditor", "--strict-collection", "--no-progress"]
ACTIONLINT = [tool("actionlint"), "-no-color", "-shellcheck", tool("shellcheck"), "-pyflakes="]


@pytest.fixture(scope="module")
def services(render: Renders, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the workflows of all cells."""
    root = tmp_path_factory.mktemp("services")
    (root / ".github/workflows").mkdir(parents=True)
    git(root, "init", "--quiet")
    texts = {
        path.read_bytes()
        for cell in CELLS.values()
        for path in render(**cell).glob(".github/workflows/*.yml")
    }
    assert texts
    for number, text in enumerate(sorted(texts)):
        (root / f".github/workflows/{number}.yml").write_bytes(text)
    return root


@pytest.fixture(params=["template", "services"])
def repository(request: pytest.FixtureRequest) -> Path:
    root: Path = request.getfixturevalue(request.param)
    return root


class TestSafety:
    def test_zizmor_finds_nothing(self, repository: Path) -> None:
        done = run([*ZIZMOR, ".github"], repository)
        assert done.returncode == 0, done.stdout + done.stderr

    def test_actionlint_finds_nothing(self, repository: Path) -> None:
        done = run(ACTIONLINT, repository)
        assert done.returncode == 0, done.stdout + done.stderr

    def test_shellcheck_finds_nothing_in_the_scripts_of_the_template(self) -> None:
        scripts = [".ci/run", *(f"tests/{path.name}" for path in TEMPLATE.glob("tests/*.sh"))]
        assert len(scripts) > 4
        done = run([tool("shellcheck"), *scripts], TEMPLATE)
        assert done.returncode == 0, done.stdout + done.stderr

    def test_every_action_is_pinned_and_always_to_the_same_commit(
        self, services: Path, template: Path
    ) -> None:
        texts = "".join(
            path.read_text(encoding="utf-8")
            for root in (template, services)
            for path in (root / ".github").rglob("*.yml")
        )
        used = {*re.findall("uses: (.+)", texts)}
        pinned = {
            action for action in used if re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v[\d.]+", action)
        }
        ours = {action for action in used if action.startswith("$/")}
        assert used == pinned | ours
        assert len(pinned) == len({action.partition("@")[0] for action in pinned})
        assert [
            action for action in ours if not (TEMPLATE / action.removeprefix("$/")).exists()
        ] == []

    @pytest.mark.parametrize("name", WORKFLOWS)
    def test_workflows_have_no_permissions_by_default(self, name: str) -> None:
        assert PARSED[name]["permissions"] == {}

    @pytest.mark.parametrize("name", JOBS)
    def test_jobs_are_read_only_and_have_a_timeout(self, name: str) -> None:
        job = JOBS[name]
        writes = {"contents": "write"} if name in {"ci-release", "release-tag"} else {}
        assert job["permissions"] in ({}, {"contents": "read"}, writes)
        assert "uses" in job or job["timeout-minutes"] <= MAX_MINUTES


def minor(version: str) -> int:
    return int(version.partition(".")[2])


class TestServices:
    @pytest.mark.parametrize("version", answers_extension.PYTHONS)
    def test_ci_checks_every_change_on_every_python(self, render: Renders, version: str) -> None:
        service = render(python_version=version)
        text = (service / ".github/workflows/ci.yml").read_text(encoding="utf-8")
        job = yaml.safe_load(text)["jobs"]["check"]
        assert job["strategy"]["matrix"]["python"] == [
            python for python in answers_extension.PYTHONS if minor(python) >= minor(version)
        ]
        steps = [step["run"] for step in job["steps"] if "run" in step]
        assert steps == ["uv sync", "uv run poe check"]
        project = tomllib.loads((service / "pyproject.toml").read_text(encoding="utf-8"))
        gate = ["ruff format --check", "ruff check", "mypy", "pytest"]
        assert project["tool"]["poe"]["tasks"]["check"]["sequence"] == gate

    @pytest.mark.parametrize("cell", cell_params(RENDERED))
    def test_workflows_of_the_template_are_not_rendered(self, render: Renders, cell: str) -> None:
        service = render(**RENDERED[cell])
        files = {name for name in files_in(service) if name.startswith((".github", ".gitlab"))}
        expected = {
            "github": {".github/dependabot.yml", ".github/workflows/ci.yml"},
            "gitlab": {".gitlab-ci.yml"},
            "none": set[str](),
        }
        assert files == expected[recorded_answers(service)["ci"]]
        assert not any("tests/matrix.py" in (service / name).read_text() for name in files)


def commands(program: str) -> list[str]:
    """The commands in the workflows that run a program."""
    steps = [step for job in JOBS.values() for step in job.get("steps", [])]
    lines = [line for step in steps for line in step.get("run", "").splitlines()]
    return [line for line in lines if re.search(rf"(^|\()\s*{program} ", line)]


class TestCommands:
    # The matrix of three answers takes a minute; only the nightly workflow uses it.
    @pytest.mark.parametrize(
        "strength", ["2", pytest.param("3", marks=[pytest.mark.slow, pytest.mark.nightly])]
    )
    def test_the_workflow_matrix_is_that_of_the_tests(self, strength: str) -> None:
        [line] = [line for line in commands("python") if "GITHUB_OUTPUT" in line]
        command = re.fullmatch(r'echo "cells=\$\((.+)\)" >> "\$GITHUB_OUTPUT"', line)
        assert command
        words = shlex.split(command[1])[1:]
        done = run([sys.executable, *words], TEMPLATE, {"MATRIX_STRENGTH": strength})
        matrix = json.loads(done.stdout)
        assert (matrix == github_matrix()) == (strength == "2")
        assert len(matrix["include"]) <= MAX_JOBS
        cell = JOBS["cells-cell"]["strategy"]["matrix"]
        assert cell == "${{ fromJSON(needs.matrix.outputs.cells) }}"
        assert JOBS["cells-matrix"]["outputs"] == {"cells": "${{ steps.print.outputs.cells }}"}

    # A command that selects no test fails in the workflow, but one for a cell could select too few.
    @pytest.mark.slow
    @pytest.mark.parametrize(
        "command",
        [
            pytest.param(line, marks=[] if "$CELL" in line else [pytest.mark.nightly])
            for line in commands("pytest")
        ],
    )
    def test_commands_select_tests(self, command: str, tmp_path: Path) -> None:
        filled = Template(command).substitute(CELL="cell-01", RUNNER_TEMP=tmp_path.as_posix())
        words = [*shlex.split(filled), "--collect-only", "--quiet", "--numprocesses=0"]
        done = run([sys.executable, "-m", *words], TEMPLATE)
        assert done.returncode == 0, done.stdout
        if "$CELL" in command:
            selected = re.findall(r"\[(.+)\]$", done.stdout, re.MULTILINE)
            assert all("cell-01" in name for name in selected)
            for test in ("test_suite[cell-01@]", "test_types[cell-01@]", "no_word[cell-01@]"):
                assert test in done.stdout

    @pytest.mark.parametrize("command", commands("python"))
    def test_commands_run_existing_files(self, command: str) -> None:
        names = re.findall(r"tests/\w+\.py", command)
        assert names
        assert [name for name in names if not (TEMPLATE / name).is_file()] == []

    def test_workflows_test_every_python_and_the_oldest_copier(self) -> None:
        matrix = JOBS["ci-quick"]["strategy"]["matrix"]
        assert matrix["python"] == [*answers_extension.PYTHONS]
        oldest = CONFIG["_min_copier_version"]
        assert matrix["copier"] == [f"=={oldest}", f">={oldest},<10"]
        installs = [line for line in commands("uv") if "python install" in line]
        assert {*installs} == {f"uv python install {' '.join(answers_extension.PYTHONS)}"}

    def test_ci_installs_the_newest_python(self) -> None:
        script = (TEMPLATE / ".ci/run").read_text(encoding="utf-8")
        assert f"\ntests/get_python.sh {answers_extension.PYTHONS[-1]}\n" in script


class TestTags:
    @pytest.fixture
    def repository(self, tmp_path: Path) -> Path:
        git(tmp_path, "init", "--quiet")
        for message in ("First", "Second"):
            git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", message)
        return tmp_path

    @pytest.fixture
    def releases(self, repository: Path) -> list[Release]:
        commits = git(repository, "rev-list", "--reverse", "HEAD").split()
        return [Release(f"0.{number}.0", commit) for number, commit in enumerate(commits, 1)]

    def test_a_release_is_tagged_once(self, repository: Path, releases: list[Release]) -> None:
        assert missing(repository, releases) == releases
        for release in releases:
            assert missing(repository, releases)[0] == release
            git(repository, "tag", release.tag, release.commit)
        assert missing(repository, releases) == []

    def test_a_release_is_never_moved(self, repository: Path, releases: list[Release]) -> None:
        git(repository, "tag", "v0.1.0", releases[1].commit)
        with pytest.raises(
            ReleaseMismatch, match=r"^The tag v0\.1\.0 exists, but not on the commit"
        ):
            missing(repository, releases)

    def test_a_commit_of_another_branch_is_not_tagged(self, repository: Path) -> None:
        with pytest.raises(ReleaseMismatch, match=r"the commit of 0\.1\.0 is not in the history"):
            missing(repository, [Release("0.1.0", "a" * 40)])

    def test_the_changelog_has_every_release(self) -> None:
        described = sections((TEMPLATE / "CHANGELOG.md").read_text(encoding="utf-8"))
        named = [release.version for release in RELEASES]
        # The release in progress has no commit yet.
        assert [*described][::-1][: len(named)] == named
        assert len(described) - len(named) <= 1
        assert all(described.values())
        assert not any("## " in text.replace("### ", "") for text in described.values())

    def test_release_notes_come_from_the_changelog(self) -> None:
        done = run([sys.executable, "tests/tags.py", "--notes", "v0.2.0"], TEMPLATE)
        assert done.stdout.startswith("**What changes in your service**")
        assert "`.github/workflows/ci.yml` is new" in done.stdout
        assert "api/middleware" not in done.stdout

    @pytest.mark.slow
    def test_the_script_prints_missing_tags(self, history: Path, tmp_path: Path) -> None:
        checkout = shutil.copytree(history, tmp_path / "checkout")
        release = RELEASES[0]
        git(checkout, "tag", "--delete", release.tag)
        done = run([sys.executable, "tests/tags.py"], checkout)
        assert done.stdout == f"{release.tag} {release.commit}\n", done.stderr

    @pytest.mark.parametrize("headings", ["## 0.1.0 (2026-01-01)", "## 0.2.0 (2026-01-01)", ""])
    def test_a_changelog_without_the_release_is_refused(
        self, headings: str, releases: list[Release]
    ) -> None:
        with pytest.raises(ReleaseMismatch, match=r"releases\.toml has 0\.1\.0, 0\.2\.0\. Add"):
            check(f"# Changelog\n\n## Unreleased\n\n{headings}\n\nText\n", releases)


@pytest.mark.slow
@pytest.mark.nightly  # It is for reviews, and each pull request runs it.
def test_the_rendered_difference_is_printed(template: Path, tmp_path: Path) -> None:
    checkout = shutil.copytree(template, tmp_path / "checkout")
    before = git(checkout, "rev-parse", "HEAD").strip()
    with (checkout / "template/README.md.jinja").open("a", encoding="utf-8") as readme:
        readme.write("It is new.\n")
    git(checkout, "commit", "--quiet", "--all", "--message", "More")
    done = run([sys.executable, "tests/rendered_difference.py", before, "rendered.diff"], checkout)
    assert done.returncode == 0, done.stderr
    diff = (checkout / "rendered.diff").read_text(encoding="utf-8")
    files = re.findall(r"^\+\+\+ after/(.+)$", diff, re.MULTILINE)
    assert files == sorted(f"{cell}/README.md" for cell in COVERING)
    assert {*re.findall(r"^[+-](?![+-])(.+)$", diff, re.MULTILINE)} == {"It is new."}
