"""Requests succeed whatever a service logs, and if the log cannot be written."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest
from databases import ON_SQLITE, server_log, serving
from harness import Service

pytestmark = [pytest.mark.slow, ON_SQLITE]
pytest_plugins = ["engines"]

LOST = "Log lines are lost: "
PATHS = ("", "/late", "/wrong", "")
NOISE = '''
"""An endpoint that logs, and one that raises an exception with itself as the cause."""

import logging

import structlog
from fastapi import APIRouter

router = APIRouter(prefix="/noise")


@router.get("")
async def log() -> str:
    structlog.get_logger().info("caf\\u00e9 \\u2713 \\ud800")
    logging.getLogger("library").info("too few: %s %s", 1)
    return "logged"


@router.get("/{name}")
async def fail(name: str) -> None:
    error = TimeoutError("late") if name == "late" else ValueError("wrong")
    raise error from error
'''


@contextmanager
def full(_: Path) -> Iterator[BinaryIO]:
    """A file on a full disk."""
    with Path("/dev/full").open("wb", buffering=0) as file:
        yield file


@contextmanager
def closed(_: Path) -> Iterator[BinaryIO]:
    """A pipe whose reading end is closed."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb", buffering=0) as file:
        yield file


@contextmanager
def latin_1(folder: Path) -> Iterator[BinaryIO]:
    """A file; the test sets PYTHONIOENCODING."""
    with (folder / "output.log").open("wb") as file:
        yield file


@pytest.mark.parametrize(
    ("output", "report"),
    [
        pytest.param(full, "No space left on device", id="full"),
        pytest.param(closed, "Broken pipe", id="closed", marks=pytest.mark.nightly),
        pytest.param(latin_1, "TypeError", id="latin-1", marks=pytest.mark.nightly),
    ],
)
def test_requests_succeed_if_the_log_cannot_be_written(
    service: Service, output: Callable[[Path], AbstractContextManager[BinaryIO]], report: str
) -> None:
    (service.root / "src/my_service/api/v1/noise.py").write_text(NOISE)
    service.variables |= {"APP_LOG_FORMAT": "console", "PYTHONIOENCODING": "latin-1"}

    with output(service.root.parent) as file, serving(service, output=file) as client:
        statuses = [client.get(f"/api/v1/noise{path}").status_code for path in PATHS]

    assert statuses == [200, 503, 500, 200]
    # One line reports the lost output, if any, and one the wrong arguments of the library's call.
    lost = [line for line in server_log(service).read_text().splitlines() if line.startswith(LOST)]
    assert [report in line for line in lost].count(True) == 1, lost
