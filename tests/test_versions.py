"""A second version of the API does not change the first."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from harness import Answers, Environments, Renders, Service

pytestmark = pytest.mark.slow

OPERATION_IDS = """\
import json
from my_service.application import create_app

paths = create_app().openapi()["paths"]
names = {path: sorted(operation["operationId"] for operation in paths[path].values()) for path in paths}
print(json.dumps(names))
"""


def install_with_two_versions(
    render: Renders, environments: Environments, folder: Path, answers: Answers
) -> Service:
    """A service with a copy of the first API version and its tests."""
    root = shutil.copytree(render(**answers), folder / "service")
    for api in (root / "src/my_service/api", root / "tests/api"):
        shutil.copytree(api / "v1", api / "v2")
    tests = root / "tests/api/v2/test_items.py"
    text = tests.read_text(encoding="utf-8")
    assert "/api/v1/" in text
    tests.write_text(text.replace("/api/v1/", "/api/v2/"), encoding="utf-8")
    return environments.install(root, answers)


def test_operation_ids_of_v1_are_kept(
    render: Renders, environments: Environments, tmp_path: Path
) -> None:
    service = install_with_two_versions(render, environments, tmp_path, {})

    names = json.loads(service.run("python", "-c", OPERATION_IDS).splitlines()[-1])

    assert names["/health/live"] == ["live"]
    assert names["/api/v1/items"] == ["create_item", "list_items"]
    assert names["/api/v2/items"] == ["create_item_v2", "list_items_v2"]
    # Including the test of the Location header.
    service.run("pytest", "-q", "tests/api/v2", "tests/foundation/api/test_openapi.py")


@pytest.mark.nightly
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_poe_check_passes_with_two_versions(
    render: Renders, environments: Environments, tmp_path: Path, database: str
) -> None:
    answers = {"database": database}
    service = install_with_two_versions(render, environments, tmp_path, answers)

    service.run("mypy")
    service.run("ruff", "check", "--no-cache")
    service.run("pytest", "-q")
