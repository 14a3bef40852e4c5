"""Schemathesis finds no request or response that contradicts the OpenAPI schema."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from databases import serving
from harness import Service, run

pytest_plugins = ["engines"]
pytestmark = pytest.mark.slow

# All phases, with valid and invalid requests; the seed makes failures reproducible.
OPTIONS = [
    *("--phases", "examples,coverage,fuzzing,stateful"),
    *("--mode", "all", "--checks", "all", "--seed", "1", "--no-color"),
]


@pytest.mark.parametrize(
    ("database", "error_format", "examples"),
    [
        # The example and coverage phases do not depend on the number; the nightly run generates
        # more requests.
        ("sqlite", "problem", 30),
        pytest.param("sqlite", "problem", 300, marks=pytest.mark.nightly),
        # In the default run, the cells of the matrix test the engines and error formats.
        pytest.param("sqlite", "envelope", 300, marks=pytest.mark.nightly),
        pytest.param("postgresql", "problem", 300, marks=pytest.mark.nightly),
        pytest.param("postgresql", "envelope", 300, marks=pytest.mark.nightly),
    ],
)
def test_requests_and_responses_match_the_schema(
    install: Callable[..., Service], tmp_path: Path, database: str, error_format: str, examples: int
) -> None:
    service = install(database=database, error_format=error_format)
    service.run("alembic", "upgrade", "head")

    with serving(service, "--no-access-log") as client:
        schema = str(client.base_url.join("/openapi.json"))
        program = str(Path(sys.executable).with_name("st"))
        done = run([program, "run", schema, *OPTIONS, f"--max-examples={examples}"], tmp_path)

    assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{service.root}"
    assert "7 selected / 7 total" in done.stdout
