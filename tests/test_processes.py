"""The server stops gracefully, and commands and workers run without HTTP."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from databases import TIMEOUT, free_port, get_status, server_log, start, wait_until
from harness import TEMPLATE, Environments, Service
from httpx2 import Client

pytestmark = pytest.mark.slow
pytest_plugins = ["engines"]

STREAM_TIMEOUT = 20
# Values of APP_SHUTDOWN_DELAY, in seconds: LONG for tests that end it by a second signal; SHORT
# leaves enough time for requests.
LONG, SHORT = "3600", "10"
# The commands of the documentation.
UVICORN = ("uvicorn", "my_service.main:app")
FASTAPI = ("fastapi", "run")

# Code that the examples of the documentation omit.
STREAM_IMPORTS = """\
import asyncio
from collections.abc import AsyncIterable
from contextlib import suppress

from fastapi import APIRouter, WebSocket
from fastapi.sse import EventSourceResponse

from my_service.api.dependencies import Stopping

router = APIRouter()
"""
SQLALCHEMY = "from sqlalchemy import text\n"
# What a worker does with a database, and without.
QUERY = """\
            async with service.database.session() as session:
                get_logger().info("worked", result=await session.scalar(text("SELECT 1")))
"""
NO_QUERY = """\
            get_logger().info("worked", environment=service.settings.environment)
"""
WORKER_IMPORTS = f"""\
import asyncio
import signal
from contextlib import suppress

{SQLALCHEMY}from structlog import get_logger

from my_service.runtime import runtime
"""
RUN = """\
if __name__ == "__main__":
    asyncio.run(work())
"""
ENDLESS = """\
from asyncio import Event
from collections.abc import AsyncIterable

from fastapi import APIRouter
from fastapi.sse import EventSourceResponse

router = APIRouter(prefix="/endless")


@router.get("", response_class=EventSourceResponse)
async def stream() -> AsyncIterable[str]:
    yield "started"
    await Event().wait()
"""


def with_examples(service: Service) -> Service:
    """Add the examples of `docs/streams.md` to a service: a stream, a WebSocket and a worker."""
    page = (TEMPLATE / "docs/streams.md").read_text(encoding="utf-8")
    stream, socket_, worker = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    package = service.root / "src/my_service"
    ticks, endless = package / "api/v1/ticks.py", package / "api/v1/endless.py"
    ticks.write_text("\n\n".join([STREAM_IMPORTS, stream, socket_]), encoding="utf-8")
    endless.write_text(ENDLESS, encoding="utf-8")
    text = "\n\n".join([WORKER_IMPORTS, worker, RUN])
    if not (package / "db").exists():
        assert QUERY in text
        text = text.replace(SQLALCHEMY, "").replace(QUERY, NO_QUERY)
    (package / "worker.py").write_text(text, encoding="utf-8")
    return service


@contextmanager
def server(service: Service, *words: str) -> Iterator[tuple[subprocess.Popen[bytes], Client]]:
    """Run a server on a free port, and yield it with a client without keep-alive."""
    if (service.root / "migrations").exists():
        service.run("alembic", "upgrade", "head")
    port = free_port()
    process = start(service, *words, "--port", str(port), log=server_log(service))
    headers = {"connection": "close"}
    try:
        with Client(
            base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=TIMEOUT
        ) as client:
            wait_until(process, lambda: get_status(client, "/health/ready") == 200)
            yield process, client
    finally:
        print(server_log(service).read_text(encoding="utf-8"))
        process.kill()
        process.wait(TIMEOUT)


def read_to_the_end(stream: Iterator[str]) -> None:
    """Read a stream until it ends; a broken connection raises an error."""
    # The stream sends an event every five seconds.
    deadline = time.monotonic() + STREAM_TIMEOUT
    for event in stream:
        assert event in {"", 'data: "tick"', ": ping"}
        assert time.monotonic() < deadline, "the stream goes on"


def read_json_lines(service: Service) -> list[dict[str, object]]:
    """The JSON lines of a server's log; the parent process of workers writes other lines."""
    lines = server_log(service).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def read_warnings(service: Service) -> list[tuple[object, object]]:
    """The log lines above INFO, except those of readiness probes."""
    return [
        (line["level"], line["event"])
        for line in read_json_lines(service)
        if line["level"] in {"warning", "error", "critical"} and line["event"] != "not_ready"
    ]


@pytest.mark.parametrize(
    ("command", "second", "delay", "code"),
    [
        pytest.param(UVICORN, signal.SIGTERM, LONG, -signal.SIGTERM, id="uvicorn"),
        pytest.param(UVICORN, None, SHORT, -signal.SIGTERM, id="delay", marks=pytest.mark.nightly),
        pytest.param(UVICORN, signal.SIGINT, LONG, 0, id="SIGINT", marks=pytest.mark.nightly),
        pytest.param(
            (*UVICORN, "--workers", "2"), None, SHORT, 0, id="workers", marks=pytest.mark.nightly
        ),
        pytest.param(
            FASTAPI, signal.SIGTERM, LONG, -signal.SIGTERM, id="fastapi", marks=pytest.mark.nightly
        ),
        pytest.param(
            (*FASTAPI, "--workers", "2"),
            None,
            SHORT,
            0,
            id="fastapi-workers",
            marks=pytest.mark.nightly,
        ),
    ],
)
def test_a_stopping_server_is_not_ready_serves_requests_and_ends_streams(
    install: Callable[..., Service],
    command: tuple[str, ...],
    second: signal.Signals | None,
    delay: str,
    code: int,
) -> None:
    service = with_examples(install(database="sqlite"))
    service.variables |= {"APP_SHUTDOWN_DELAY": delay, "APP_LOG_FORMAT": "json"}
    with (
        server(service, *command) as (process, client),
        client.stream("GET", "/api/v1/ticks") as stream,
    ):
        events = stream.iter_lines()
        assert next(events) == 'data: "tick"'
        process.terminate()
        wait_until(process, lambda: get_status(client, "/health/ready") == 503)
        assert get_status(client, "/health/live") == 200
        assert get_status(client, "/openapi.json") == 200
        if second:
            process.send_signal(second)
        read_to_the_end(events)
        assert process.wait(TIMEOUT) == code
    assert read_warnings(service) == []


def test_a_stream_that_does_not_stop_is_cancelled_with_one_warning(
    install: Callable[..., Service],
) -> None:
    service = with_examples(install(database="sqlite"))
    service.variables["APP_LOG_FORMAT"] = "json"
    with (
        server(service, *UVICORN, "--timeout-graceful-shutdown", "1") as (process, client),
        client.stream("GET", "/api/v1/endless") as stream,
    ):
        # Keep a reference: garbage collection of the iterator would close the connection.
        events = stream.iter_lines()
        assert next(events) == 'data: "started"'
        process.terminate()
        assert process.wait(TIMEOUT) == -signal.SIGTERM

    assert read_warnings(service) == [
        ("warning", "Cancel 1 running task(s), timeout graceful shutdown exceeded")
    ]
    [line] = [line for line in read_json_lines(service) if line.get("route") == "/api/v1/endless"]
    # In milliseconds; the stream was cancelled after a second.
    assert float(str(line["duration_ms"])) >= 1000


# Two models that refer to each other; the command imports only one.
AUTHOR = '''\
"""The table of authors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.orm import Mapped, relationship

from my_service.db.base import Base, UUIDPrimaryKeyMixin

if TYPE_CHECKING:
    from my_service.db.models.book import Book


class Author(UUIDPrimaryKeyMixin, Base):
    """A writer of books."""

    __tablename__ = "authors"

    books: Mapped[list[Book]] = relationship(back_populates="author", lazy="raise_on_sql")
'''
BOOK = '''\
"""The table of books."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from my_service.db.base import Base, UUIDPrimaryKeyMixin

if TYPE_CHECKING:
    from my_service.db.models.author import Author


class Book(UUIDPrimaryKeyMixin, Base):
    """Something to read."""

    __tablename__ = "books"

    author_id: Mapped[UUID] = mapped_column(ForeignKey("authors.id"))
    author: Mapped[Author] = relationship(back_populates="books", lazy="raise_on_sql")
'''
COMMAND = '''\
"""Stores an item: `uv run python -m my_service.cli NAME`."""

import argparse
import asyncio

from my_service.core.settings import Settings
from my_service.db.models.book import Book
from my_service.runtime import runtime
from my_service.schemas.item import ItemCreate
from my_service.services import items


async def add(name: str) -> None:
    async with runtime(Settings.load()) as service:
        async with service.database.session() as session:
            item = await items.create_item(session, ItemCreate(name=name))
        async with service.database.read_session() as reads:
            print((await items.get_item(reads, item.id)).name, Book().id)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    asyncio.run(add(parser.parse_args().name))


if __name__ == "__main__":
    main()
'''
COMMAND_WITHOUT_A_DATABASE = '''\
"""Prints the name of the service: `uv run python -m my_service.cli NAME`."""

import asyncio
import sys

from my_service.runtime import runtime


async def main() -> None:
    async with runtime() as service:
        print(sys.argv[1], service.settings.project_name)


if __name__ == "__main__":
    asyncio.run(main())
'''


def with_commands(service: Service) -> Service:
    """Add a command to a service, and its models."""
    package = service.root / "src/my_service"
    if (package / "db").exists():
        (package / "cli.py").write_text(COMMAND, encoding="utf-8")
        (package / "db/models/author.py").write_text(AUTHOR, encoding="utf-8")
        (package / "db/models/book.py").write_text(BOOK, encoding="utf-8")
        service.run("alembic", "upgrade", "head")
    else:
        (package / "cli.py").write_text(COMMAND_WITHOUT_A_DATABASE, encoding="utf-8")
    return service


@pytest.mark.parametrize(
    "database",
    [
        "sqlite",
        *(pytest.param(database, marks=pytest.mark.nightly) for database in ("none", "postgresql")),
    ],
)
def test_commands_and_workers_run_without_http_and_pass_poe_check(
    install: Callable[..., Service], environments: Environments, database: str
) -> None:
    service = with_commands(with_examples(install(database=database)))
    service.variables["APP_LOG_FORMAT"] = "json"

    service.run("ruff", "check", "--no-cache")
    service.run("ruff", "format", "--no-cache", "--diff")
    with environments.type_cache() as cache:
        service.run("mypy", *cache)
    service.run("lint-imports", "--no-cache")
    assert service.run("python", "-m", "my_service.cli", "lamp").startswith("lamp ")
    with start(service, "python", "-m", "my_service.worker", log=server_log(service)) as worker:
        wait_until(worker, lambda: "worked" in [line["event"] for line in read_json_lines(service)])
        worker.terminate()
        assert worker.wait(TIMEOUT) == 0
