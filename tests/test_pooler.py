"""A service behind PgBouncer, in session and transaction mode."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from databases import ITEMS, TIMEOUT, add_documented_index, attempt, psql, server_log, serving
from harness import IS_REQUIRED, Service
from httpx2 import Client

# Debian installs it in /usr/sbin, which is not on every PATH.
PROGRAM = os.environ.get("PGBOUNCER") or shutil.which(
    "pgbouncer", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin"
)
NO_PGBOUNCER = "PgBouncer is missing: apt-get install pgbouncer, or set PGBOUNCER to its path"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("service", ["postgresql"], indirect=True),
    pytest.mark.skipif(PROGRAM is None and not IS_REQUIRED, reason=NO_PGBOUNCER),
]
pytest_plugins = ["engines"]

CONFIGURATION = """\
[databases]
* = {server}

[pgbouncer]
listen_addr =
listen_port = 5432
unix_socket_dir = {folder}
auth_type = any
pool_mode = {mode}
{options}
"""
# Many guides recommend this option, which drops the parameters.
IGNORE_PARAMETERS = "ignore_startup_parameters = default_transaction_read_only, statement_timeout"
ENDPOINTS = '''\
"""Endpoints that show the limits of sessions."""

from fastapi import APIRouter
from sqlalchemy import insert, text

from my_service.api.dependencies import ReadSession, Session
from my_service.db.models.item import Item

router = APIRouter(prefix="/sessions")


@router.get("/limits")
async def limits(reads: ReadSession, session: Session) -> list[str]:
    return [await connection.scalar(text("SHOW statement_timeout")) for connection in (reads, session)]


@router.post("/reads")
async def write_through_reads(session: ReadSession) -> None:
    await session.execute(insert(Item).values(name="Pliers"))
'''


@contextmanager
def pooling(server: str, mode: str, options: str) -> Iterator[Path]:
    """Run PgBouncer in front of a server, and yield the folder of its socket."""
    assert PROGRAM is not None, NO_PGBOUNCER
    # PgBouncer refuses to run as root.
    user = socket_owner(server) if os.getuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as name:
        folder = Path(name)
        file = folder / "pgbouncer.ini"
        values = {"server": connection_string(server), "folder": folder, "mode": mode}
        file.write_text(CONFIGURATION.format(**values, options=options), encoding="utf-8")
        if user is not None:
            shutil.chown(folder, user)
        command = [PROGRAM, *(["--user", user] if user else []), str(file)]
        with (folder / "log").open("wb") as log, subprocess.Popen(command, stderr=log) as process:
            try:
                wait_for_socket(folder / ".s.PGSQL.5432", process)
                yield folder
            finally:
                process.terminate()
                process.wait(TIMEOUT)
                print((folder / "log").read_text(encoding="utf-8"))


def socket_owner(server: str) -> str:
    """The user who may open the socket of a server; "nobody" for a TCP server."""
    [folder] = parse_qs(urlsplit(server).query).get("host", [""])
    return Path(folder).owner() if folder.startswith("/") else "nobody"


def connection_string(server: str) -> str:
    """The connection string of a server for PgBouncer's configuration."""
    parts = urlsplit(server)
    query = parse_qs(parts.query)
    values = {
        "host": query.get("host", [parts.hostname or "localhost"])[0],
        "port": parts.port or 5432,
        "user": parts.username or "postgres",
        "password": parts.password,
    }
    return " ".join(f"{name}='{value}'" for name, value in values.items() if value)


def wait_for_socket(path: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait until a process listens on a socket."""
    deadline = time.monotonic() + TIMEOUT
    with socket.socket(socket.AF_UNIX) as client:
        while client.connect_ex(str(path)):
            assert process.poll() is None, (path.parent / "log").read_text(encoding="utf-8")
            assert time.monotonic() < deadline


@contextmanager
def behind_pooler(service: Service, mode: str = "transaction", options: str = "") -> Iterator[str]:
    """Connect a service to its database through a pooler, and return the direct URL."""
    direct = service.variables["APP_DATABASE_URL"]
    with pooling(direct, mode, options) as folder:
        database = urlsplit(direct).path
        service.variables["APP_DATABASE_URL"] = f"postgresql://anybody@{database}?host={folder}"
        yield direct
    service.variables["APP_DATABASE_URL"] = direct


def send(client: Client, requests: list[tuple[str, str, object]]) -> set[int]:
    """Send more concurrent requests than the pooler has sessions, and return the statuses."""
    with ThreadPoolExecutor(12) as pool:
        responses = pool.map(
            lambda request: client.request(*request[:2], json=request[2]), requests
        )
        return {response.status_code for response in responses}


@pytest.mark.parametrize(
    ("mode", "sessions"),
    # In session mode, each connection of the service needs its own session of the server.
    [("transaction", 3), pytest.param("session", 30, marks=pytest.mark.nightly)],
)
def test_a_service_runs_behind_a_pooler(service: Service, mode: str, sessions: int) -> None:
    service.variables["APP_DATABASE_POOLER"] = "true"
    (service.root / "src/my_service/api/v1/sessions.py").write_text(ENDPOINTS, encoding="utf-8")
    creations: list[tuple[str, str, object]] = [
        ("POST", ITEMS, {"name": str(number)}) for number in range(60)
    ]
    lists: list[tuple[str, str, object]] = [("GET", ITEMS, None)] * 60

    with behind_pooler(service, mode, f"default_pool_size = {sessions}") as direct:
        for _ in range(2):
            # The first must not leave a lock that blocks the second.
            service.run("alembic", "upgrade", "head")
        assert psql(service.variables["APP_DATABASE_URL"], "SHOW lock_timeout") == ["0"]
        with serving(service) as client:
            assert send(client, creations) == {201}
            assert send(client, lists) == {200}
            psql(direct, "ALTER TABLE items ALTER name TYPE varchar(300)")
            assert send(client, lists) == {200}
            assert client.get("/api/v1/sessions/limits").json() == ["15s", "15s"]
            assert client.post("/api/v1/sessions/reads").status_code == 500

    assert psql(direct, "SELECT count(*) FROM items") == ["60"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("", "unsupported startup parameter"),
        (IGNORE_PARAMETERS, "the connection for reads allows writes"),
    ],
    ids=["default", "dropping parameters"],
)
def test_an_undeclared_pooler_is_reported(service: Service, options: str, reason: str) -> None:
    (service.root / "src/my_service/api/v1/sessions.py").write_text(ENDPOINTS, encoding="utf-8")

    with behind_pooler(service, options=options):
        with serving(service) as client:
            assert client.get("/health/ready").status_code == 503
            assert client.post("/api/v1/sessions/reads").status_code == 503
        code, output = attempt(service, "alembic", "upgrade", "head")

    log = server_log(service).read_text(encoding="utf-8")
    assert reason in log
    assert "APP_DATABASE_POOLER=true" in log
    assert code == 1
    assert "APP_DATABASE_POOLER=true" in output
    assert "Start the server" not in output


# The same migration runs without a pooler on every change.
@pytest.mark.nightly
@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_an_index_is_built_behind_a_pooler(service: Service, mode: str) -> None:
    service.variables["APP_DATABASE_POOLER"] = "true"
    add_documented_index(service)
    with behind_pooler(service, mode, "default_pool_size = 3") as direct:
        service.run("alembic", "upgrade", "head")
        assert psql(service.variables["APP_DATABASE_URL"], "SHOW lock_timeout") == ["0"]
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_items_created_at'::regclass"
    assert psql(direct, valid) == ["t"]


@pytest.mark.nightly
@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_the_suite_passes_behind_a_pooler(service: Service, mode: str) -> None:
    with behind_pooler(service, mode, "default_pool_size = 50"):
        url = f"{service.variables['APP_DATABASE_URL']}&pgbouncer=true"
        output = service.run("pytest", "--quiet", "-rs", TEST_DATABASE_URL=url)

    assert "TEST_DATABASE_URL names a connection pooler" in output
