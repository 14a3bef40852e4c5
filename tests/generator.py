"""A pytest plugin that runs `tools/resource.py` in a service."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from subprocess import CompletedProcess

import pytest
from harness import Environments, Service, clean_environment, files_in, git
from uv import find_uv_bin


@dataclass
class Generator:
    """A service with a repository and a database, in which the tool runs."""

    service: Service

    def attempt(self, *words: str) -> CompletedProcess[str]:
        """Run the tool, whatever its exit code."""
        variables = {
            **clean_environment(os.environ),
            **self.service.variables,
            "UV_PROJECT_ENVIRONMENT": str(self.service.environment),
        }
        return subprocess.run(
            [find_uv_bin(), "run", "--quiet", "--no-python-downloads", "tools/resource.py", *words],
            cwd=self.service.root,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )

    def create(self, *words: str) -> str:
        """Run the tool, migrate the database, and return the output."""
        done = self.attempt(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        self.service.run("alembic", "upgrade", "head")
        return done.stdout

    def refuse(self, *words: str) -> str:
        """Run the tool, which fails and changes nothing, and return the message."""
        before = files_in(self.service.root / "src"), self.changes()
        done = self.attempt(*words)
        assert (done.returncode, done.stdout) == (1, ""), done.stderr
        assert (files_in(self.service.root / "src"), self.changes()) == before
        return done.stderr

    def check(self, environments: Environments) -> None:
        """Check that only files were added, and run all checks of them."""
        assert {change.partition(" ")[0] for change in self.changes()} == {"??"}
        self.service.run("ruff", "format", "--check")
        self.service.run("ruff", "check")
        self.service.run("lint-imports")
        with environments.type_cache() as cache:
            self.service.run("mypy", *cache)
        # The first of these compares the models with the migrations.
        folders = ("foundation/db", "foundation/api/test_openapi.py", "api", "services")
        self.service.run("pytest", "-q", *(f"tests/{folder}" for folder in folders))
        if self.service.answers["database"] == "postgresql":
            self.service.run("python", "tests/foundation/unsafe_migrations.py", "HEAD")
        self.service.run("alembic", "downgrade", "base")

    def changes(self) -> list[str]:
        """What git reports about each file that changed."""
        return git(self.service.root, "status", "--short", "--untracked-files=all").splitlines()


@pytest.fixture
def generator(request: pytest.FixtureRequest, install: Callable[..., Service]) -> Generator:
    """A service with the answers of the test's parameter."""
    service = install(**{"database": "sqlite", **request.param})
    git(service.root, "init", "--quiet")
    git(service.root, "add", "--all")
    git(service.root, "commit", "--quiet", "--message", "New")
    service.run("alembic", "upgrade", "head")
    return Generator(service)
