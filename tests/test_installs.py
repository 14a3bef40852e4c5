"""Routers and models are discovered without source files: as bytecode and in a zip file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Service

pytestmark = pytest.mark.slow
pytest_plugins = ["engines"]

# Prints the paths and tables of a service, and the file that it was imported from.
LIST = """
import json
from my_service import main
from my_service.db.base import Base

print(json.dumps([main.__file__, [*main.app.openapi()["paths"]], [*Base.metadata.tables]]))
"""


@pytest.fixture
def service(install: Callable[..., Service]) -> Service:
    """A service with a second API version, in a namespace package."""
    service = install(database="sqlite")
    second = service.root / "src/my_service/api/v2"
    second.mkdir()
    router = 'from fastapi import APIRouter\n\nrouter = APIRouter(prefix="/pages")\n'
    route = '\n\n@router.get("")\nasync def list_pages() -> None: ...\n'
    (second / "pages.py").write_text(router + route, encoding="utf-8")
    return service


def build(service: Service, folder: Path, kind: str) -> Path:
    """Install the service without its source, and return the path for `PYTHONPATH`."""
    shutil.copytree(service.root / "src", folder, ignore=shutil.ignore_patterns("__pycache__"))
    if kind == "zip":
        return Path(shutil.make_archive(str(folder), "zip", folder))
    service.run("python", "-m", "compileall", "-bq", str(folder))
    for source in folder.rglob("*.py"):
        source.unlink()
    return folder


@pytest.mark.parametrize("kind", ["bytecode", "zip"])
def test_routers_and_models_are_found(service: Service, tmp_path: Path, kind: str) -> None:
    path = build(service, tmp_path / "build", kind)

    found = service.run("python", "-c", LIST, PYTHONPATH=str(path))

    file, paths, tables = json.loads(found.splitlines()[-1])
    assert file.startswith(str(path))
    assert {"/api/v1/items", "/api/v2/pages", "/health/live"} <= {*paths}
    assert tables == ["items"]
