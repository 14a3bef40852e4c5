"""The Git hooks of a service check what is committed, and find nothing in a new service."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness import Environments, Renders, Service, clean_environment, git
from uv import find_uv_bin

pytestmark = pytest.mark.slow

UV = find_uv_bin()
KEY = "-----BEGIN {} KEY-----\n".format("PRIVATE")
UNSAFE_MIGRATION = '''\
"""Index items."""

from alembic import op

revision = "2b3c4d5e6f7a"
down_revision = "1a2b3c4d5e6f"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema."""
    op.create_index("ix_items_created_at", "items", ["created_at"])
'''
ANSWERS: dict[str, dict[str, object]] = {
    "standalone": {"hooks": True},
    "monorepo": {
        "hooks": True,
        "layout": "monorepo",
        "service_path": "services/orders",
        "typescript_client": True,
        "database": "postgresql",
    },
}
# A change for each hook: the file, what is replaced in it or added, and what the hook says.
FAULTS: dict[str, tuple[str, str, str, str]] = {
    "uv-lock": ("pyproject.toml", 'version = "0.1.0"', 'version = "0.1.1"', "uv lock"),
    "ruff-check": ("src/my_service/main.py", "", "import json\n", "files were modified"),
    "ruff-format": ("src/my_service/main.py", "", "total=1\n", "files were modified"),
    "mypy": ("src/my_service/main.py", "", 'total: int = ""\n', "Incompatible types"),
    "openapi": (
        "openapi.json",
        '"title": "My Service"',
        '"title": "Another"',
        "files were modified",
    ),
    "client": ("openapi.json", '"x-digest": "', '"x-digest": "0', "openapi`, then"),
    "unsafe-migrations": (
        "migrations/versions/new.py",
        "",
        UNSAFE_MIGRATION,
        "require-concurrent-index-creation",
    ),
    "conflict-markers": ("README.md", "", "<<<<<<< before updating\n", "README.md:"),
    "rejected-changes": ("src/my_service/main.py.rej", "", "+total = 1\n", "by hand"),
    "large-files": ("data/rows.csv", "", "1,2\n" * 300_000, "exceeds 1024 KB"),
    "private-keys": ("tests/key.pem", "", KEY, "Private key found"),
}


@dataclass
class Repository:
    """A git repository with a service in it, whose hooks are installed."""

    root: Path
    service: Service
    variables: dict[str, str]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the service, without a network."""
        environment = clean_environment(os.environ) | self.variables
        return subprocess.run(
            words,
            cwd=self.service.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def plant(self, name: str, old: str, new: str) -> None:
        """Change a file and stage it."""
        path = self.service.root / name
        path.parent.mkdir(exist_ok=True)
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        assert old in text
        path.write_text(text.replace(old, new, 1) if old else text + new, encoding="utf-8")
        git(self.root, "add", "--all")


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("monorepo", id="monorepo@"),
        # It has the same hooks, and fewer.
        pytest.param("standalone", id="standalone@", marks=pytest.mark.nightly),
    ],
)
def committed(
    request: pytest.FixtureRequest,
    render: Renders,
    environments: Environments,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Repository]:
    answers = ANSWERS[request.param]
    root = tmp_path_factory.mktemp("repository")
    folder = root / str(answers.get("service_path", "."))
    shutil.copytree(render(**answers), folder, dirs_exist_ok=True)
    service = environments.install(folder, answers)
    git(root, "init", "--quiet", "--initial-branch", "main")
    for name in ("name", "email"):
        git(root, "config", f"user.{name}", "tester@example.com")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "New")
    with environments.type_cache() as (_, types):
        variables = {
            "PATH": os.pathsep.join([str(Path(UV).parent), os.environ["PATH"]]),
            "UV_PROJECT_ENVIRONMENT": str(service.environment),
            "UV_OFFLINE": "1",
            "MYPY_CACHE_DIR": types,
            "PREK_HOME": str(tmp_path_factory.mktemp("prek")),
        }
        repository = Repository(root, service, service.variables | variables)
        done = repository.run("uv", "run", "prek", "install")
        assert done.returncode == 0, done.stdout
        yield repository


@pytest.fixture
def repository(committed: Repository) -> Iterator[Repository]:
    yield committed
    git(committed.root, "reset", "--quiet", "--hard")


def test_hooks_find_nothing_in_a_new_service(repository: Repository) -> None:
    done = repository.run("uv", "run", "prek", "run", "--all-files")
    assert done.returncode == 0, done.stdout
    assert "Failed" not in done.stdout
    assert git(repository.root, "status", "--porcelain") == ""


@pytest.mark.parametrize("hook", FAULTS)
def test_each_hook_finds_its_fault(repository: Repository, hook: str) -> None:
    if hook not in (repository.service.root / ".pre-commit-config.yaml").read_text():
        assert hook in {"client", "openapi", "unsafe-migrations"}
        assert "typescript_client" not in repository.service.answers
        return
    name, old, new, message = FAULTS[hook]
    repository.plant(name, old, new)
    done = repository.run("uv", "run", "prek", "run", hook)
    assert done.returncode == 1, done.stdout
    assert message in done.stdout


def test_a_commit_with_a_private_key_is_refused(repository: Repository) -> None:
    before = git(repository.root, "rev-parse", "HEAD")
    repository.plant("tests/key.pem", "", KEY)
    done = repository.run("git", "commit", "--message", "A key")
    assert done.returncode == 1, done.stdout
    assert "Private key found: tests/key.pem" in done.stdout
    assert git(repository.root, "rev-parse", "HEAD") == before
    git(repository.root, "rm", "--quiet", "--force", str(repository.service.root / "tests/key.pem"))
    repository.plant("README.md", "", "More.\n")
    done = repository.run("git", "commit", "--message", "More")
    assert done.returncode == 0, done.stdout
    git(repository.root, "reset", "--quiet", "--hard", before.strip())


def test_hooks_of_several_services_are_installed_in_the_root(repository: Repository) -> None:
    readme = (repository.service.root / "README.md").read_text(encoding="utf-8")
    if "service_path" not in repository.service.answers:
        assert "prek -C" not in readme
        return
    before = git(repository.root, "rev-parse", "HEAD").strip()
    [install] = re.findall("`(uv run prek -C .*)`", readme)
    (repository.root / ".pre-commit-config.yaml").write_text("repos: []\n", encoding="utf-8")
    git(repository.root, "add", "--all")
    try:
        assert repository.run(*install.split()).returncode == 0
        done = repository.run("git", "commit", "--message", "No file of a service")
        assert done.returncode == 0, done.stdout
        repository.plant("tests/key.pem", "", KEY)
        done = repository.run("git", "commit", "--message", "A key")
        assert done.returncode == 1
        assert "Private key found: tests/key.pem" in done.stdout
    finally:
        git(repository.root, "reset", "--quiet", "--hard", before)
        repository.run("uv", "run", "prek", "install")


# It installs another program, which few need.
@pytest.mark.nightly
def test_pre_commit_runs_the_same_hooks(repository: Repository) -> None:
    if "service_path" in repository.service.answers:
        pytest.skip("pre-commit reads a configuration in the root of the repository only")
    command = ["uv", "run", "--frozen", "--with", "pre-commit", "pre-commit", "run", "--all-files"]
    repository.variables["UV_OFFLINE"] = "0"
    done = repository.run(*command)
    assert done.returncode == 0, done.stdout
    repository.plant("tests/key.pem", "", KEY)
    done = repository.run(*command, "private-keys")
    assert done.returncode == 1
    assert "Private key found: tests/key.pem" in done.stdout
