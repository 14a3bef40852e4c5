"""Fixtures for tests of services on every engine: `pytest_plugins = ["engines"]`."""

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
    """Makes a service of one's own, whose database is empty: `install(database="sqlite")`."""

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
    """The address of an empty database of PostgreSQL."""
    name = f"test_{uuid4().hex}"
    psql(postgresql("postgres"), f"CREATE DATABASE {name}")
    return postgresql(name)
