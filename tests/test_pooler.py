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
from databases import ITEMS, TIMEOUT, attempt, psql, server_log, serving
from harness import IS_REQUIRED, Service
from httpx2 import Client

# Another version can be named; Debian has it where only root looks for programs.
PROGRAM = os.environ.get("PGBOUNCER") or shutil.which(
    "pgbouncer", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin"
)
NO_PGBOUNCER = "there is no PgBouncer here, so nothing ran behind it: apt-get install pgbouncer"
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
# The recipe of many guides: what is ignored is lost.
IGNORING = "ignore_startup_parameters = default_transaction_read_only, statement_timeout"
ENDPOINTS = '''\
"""Endpoints that show what sessions may do."""

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
    """Run a PgBouncer before a server; the folder of its socket, which is named as the server's."""
    assert PROGRAM is not None, NO_PGBOUNCER
    # PgBouncer refuses to run as root.
    user = owner_of(server) if os.getuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as name:
        folder = Path(name)
        file = folder / "pgbouncer.ini"
        words = {"server": connection_string(server), "folder": folder, "mode": mode}
        file.write_text(CONFIGURATION.format(**words, options=options), encoding="utf-8")
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


def owner_of(server: str) -> str:
    """Who may open the socket of a server; nobody in particular where it has none."""
    [folder] = parse_qs(urlsplit(server).query).get("host", [""])
    return Path(folder).owner() if folder.startswith("/") else "nobody"


def connection_string(server: str) -> str:
    """The address of a server as PgBouncer's configuration has it."""
    parts = urlsplit(server)
    query = parse_qs(parts.query)
    words = {
        "host": query.get("host", [parts.hostname or "localhost"])[0],
        "port": parts.port or 5432,
        "user": parts.username or "postgres",
        "password": parts.password,
    }
    return " ".join(f"{name}='{value}'" for name, value in words.items() if value)


def wait_for_socket(path: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait until somebody listens at a socket."""
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
    """Send requests, more at once than the pooler has sessions; which statuses came."""
    with ThreadPoolExecutor(12) as pool:
        responses = pool.map(
            lambda request: client.request(*request[:2], json=request[2]), requests
        )
        return {response.status_code for response in responses}


@pytest.mark.parametrize(
    ("mode", "sessions"),
    # In the second each connection of the service has a session of the server for itself.
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
            # The second waits for nothing that the first has left behind.
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
    ("options", "refused"),
    [
        ("", "unsupported startup parameter"),
        (IGNORING, "the connection for reads allows writes"),
    ],
    ids=["as it is installed", "dropping what it does not know"],
)
def test_an_undeclared_pooler_is_reported(service: Service, options: str, refused: str) -> None:
    (service.root / "src/my_service/api/v1/sessions.py").write_text(ENDPOINTS, encoding="utf-8")

    with behind_pooler(service, options=options):
        with serving(service) as client:
            assert client.get("/health/ready").status_code == 503
            assert client.post("/api/v1/sessions/reads").status_code == 503
        code, output = attempt(service, "alembic", "upgrade", "head")

    log = server_log(service).read_text(encoding="utf-8")
    assert refused in log
    assert "APP_DATABASE_POOLER=true" in log
    assert code == 1
    assert "APP_DATABASE_POOLER=true" in output
    assert "Start the server" not in output


@pytest.mark.nightly
@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_the_suite_passes_behind_a_pooler(service: Service, mode: str) -> None:
    with behind_pooler(service, mode, "default_pool_size = 50"):
        address = f"{service.variables['APP_DATABASE_URL']}&pgbouncer=true"
        output = service.run("pytest", "--quiet", "-rs", TEST_DATABASE_URL=address)

    assert "TEST_DATABASE_URL names a connection pooler" in output
