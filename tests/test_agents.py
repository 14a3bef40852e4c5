"""What `AGENTS.md` of a service says is true: its commands run, its paths exist, its code works."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import psql
from harness import (
    Environments,
    Renders,
    Service,
    clean_environment,
    files_in,
    git,
    recorded_answers,
)
from matrix import RENDERED, cell_params
from node import PATH as NODE_PATH
from uv import find_uv_bin

MAX_LINES = 135
SERVICES: dict[str, dict[str, object]] = {
    "sqlite": {},
    "none": {"database": "none", "cors": False},
    "oidc": {"database": "none", "authentication": "oidc"},
    "postgresql": {
        "database": "postgresql",
        "authentication": "sessions",
        "hooks": True,
        "layout": "monorepo",
        "service_path": "services/orders",
        "typescript_client": True,
    },
}
# What the page shows of books, without their tests.
TEST = """\
from httpx2 import AsyncClient

from tests.foundation.error_format import read_error


async def test_titles_are_unique({client}: AsyncClient) -> None:
    response = await {client}.post("/api/v1/books", json={{"title": "Emma"}})
    assert response.status_code == 201
    assert response.json().keys() == {{"id", "title"}}
    response = await {client}.post("/api/v1/books", json={{"title": "Emma"}})
    assert read_error(response).code == "title_taken"
"""


def agents(service: Path) -> str:
    return (service / "AGENTS.md").read_text(encoding="utf-8")


def block(text: str, language: str) -> str:
    [found] = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return str(found)


def commands(text: str) -> list[list[str]]:
    return [shlex.split(line, comments=True) for line in block(text, "sh").splitlines()]


def code(text: str) -> dict[str, str]:
    """The files of the block of code, by the paths in its comments."""
    parts = re.split(r"^# (\S+\.py)\n", block(text, "python"), flags=re.MULTILINE)
    return {
        name: f"{content.strip()}\n" for name, content in zip(parts[1::2], parts[2::2], strict=True)
    }


def paths(text: str) -> list[str]:
    """What the text calls a file or a folder."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return [
        name for name in re.findall("`([^`]+)`", prose) if re.fullmatch(r"\S+/|\S+\.[a-z]+", name)
    ]


@pytest.fixture(params=cell_params(RENDERED))
def rendered(request: pytest.FixtureRequest, render: Renders) -> Path:
    return render(**RENDERED[request.param])


class TestText:
    def test_is_short(self, rendered: Path) -> None:
        assert len(agents(rendered).splitlines()) <= MAX_LINES

    def test_its_paths_exist(self, rendered: Path) -> None:
        answers = recorded_answers(rendered)
        roots = [rendered, rendered / "src" / str(answers["package_name"])]
        found = paths(agents(rendered))
        assert len(found) > 12
        missing = [name for name in found if not any((root / name).exists() for root in roots)]
        assert missing == []

    def test_its_example_collides_with_no_file(self, rendered: Path) -> None:
        files = code(agents(rendered))
        assert len(files) >= 4
        assert files.keys() & files_in(rendered).keys() == set()

    def test_the_team_files_are_those_of_the_readme(self, rendered: Path) -> None:
        listed = re.search(r"are yours: (.*?);\s+every folder", agents(rendered), re.DOTALL)
        assert listed
        readme = (rendered / "README.md").read_text(encoding="utf-8")
        [row] = re.findall(r"^\| yours \| (.*?) \|", readme, re.MULTILINE)
        for name in re.findall("`(.+?)`", listed[1]):
            assert f"`{name}`" in row


class TestEditorconfig:
    def test_a_service_in_a_monorepo_inherits_that_of_the_repository(self, render: Renders) -> None:
        alone, inside = (
            (render(**answers) / ".editorconfig").read_text(encoding="utf-8")
            for answers in (SERVICES["sqlite"], SERVICES["postgresql"])
        )
        assert "root = true\n" in alone
        assert "root" not in inside

    def test_files_are_indented_as_it_says(self, rendered: Path) -> None:
        for name, path in files_in(rendered).items():
            text = path.read_text(encoding="utf-8")
            assert "\t" not in text, name
            if name.endswith((".json", ".ts", ".yaml", ".yml")):
                assert not re.search(r"^(  )* [^ *]", text, re.MULTILINE), name


@pytest.fixture(
    params=[
        pytest.param("sqlite", id="sqlite@"),
        # The same text but for a few words, and other code without a database.
        pytest.param("none", id="none@", marks=pytest.mark.nightly),
        pytest.param("oidc", id="oidc@", marks=pytest.mark.nightly),
        pytest.param("postgresql", id="postgresql@", marks=pytest.mark.nightly),
    ]
)
def service(
    request: pytest.FixtureRequest,
    render: Renders,
    environments: Environments,
    tmp_path: Path,
) -> Iterator[Service]:
    """A service in a repository, in which commands run without a network."""
    answers = SERVICES[request.param]
    root = tmp_path / str(answers.get("service_path", "service"))
    shutil.copytree(render(**answers), root)
    if "typescript_client" in answers:
        (root / "client/node_modules").symlink_to(request.getfixturevalue("client_tools"))
    service = environments.install(root, answers)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", str(root))
    if request.param == "postgresql":
        address = request.getfixturevalue("postgresql")
        psql(address("postgres"), "CREATE DATABASE agents")
        service.variables |= {
            "APP_DATABASE_URL": address("agents"),
            "TEST_DATABASE_URL": address("test-agents"),
        }
    with environments.type_cache() as (_, types):
        service.variables |= {
            "PATH": os.pathsep.join([str(Path(find_uv_bin()).parent), NODE_PATH]),
            "UV_PROJECT_ENVIRONMENT": str(service.environment),
            "UV_OFFLINE": "1",
            "MYPY_CACHE_DIR": types,
        }
        yield service


@pytest.mark.slow
def test_its_code_and_its_commands_work(service: Service) -> None:
    text = agents(service.root)
    first = ["uv", "run", "alembic", "upgrade", "head"]
    named = commands(text)
    is_stored = first in named
    is_open = service.answers.get("authentication", "none") == "none"
    test = TEST.format(client="client" if is_open else "signed_in_client")
    for name, content in (
        code(text) | ({"tests/api/v1/test_books.py": test} if is_stored else {})
    ).items():
        path = service.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    # The commands run in the order of the page: the last ones check what the others write.
    books = ["uv", "run", "pytest", "tests/api/v1/test_books.py"]
    for words in [*([first] if is_stored else []), *named, books]:
        done = subprocess.run(
            words,
            cwd=service.root,
            env=clean_environment(os.environ) | service.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{words}\n{done.stdout}"
    added = git(service.root, "ls-files", "--others", "--exclude-standard", "src", "tests")
    assert {*code(text)} <= {*added.splitlines()}
    changed = git(service.root, "diff", "--name-only")
    assert [name for name in changed.splitlines() if name.endswith((".md", ".py"))] == []
