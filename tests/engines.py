"""A pytest plugin for tests of a service on every engine."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from databases import psql
from harness import Environments, Renders, Service


@pytest.fixture
def install(
    request: pytest.FixtureRequest, render: Renders, environments: Environments, tmp_path: Path
) -> Callable[..., Service]:
    """Installs a service with an empty database, for one test: `install(database="sqlite")`."""

    def make(**answers: object) -> Service:
        root = shutil.copytree(render(**answers), tmp_path / "service")
        service = environments.install(root, answers)
        if answers["database"] == "postgresql":
            service.variables["APP_DATABASE_URL"] = request.getfixturevalue("new_database")
        return service

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def service(request: pytest.FixtureRequest, install: Callable[..., Service]) -> Service:
    """A service on each engine."""
    return install(database=request.param)


@pytest.fixture
def new_database(postgresql: Callable[[str], str]) -> str:
    """The URL of an empty PostgreSQL database."""
    name = f"test_{uuid4().hex}"
    psql(postgresql("postgres"), f"CREATE DATABASE {name}")
    return postgresql(name)
