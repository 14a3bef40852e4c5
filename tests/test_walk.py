"""The first steps with a new service, with a real server process."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from databases import free_port
from harness import Answers, Environments, Renders, Service, clean_environment
from httpx2 import Client, Response, TransportError

pytestmark = pytest.mark.slow

SECONDS_TO_START = 30
SECONDS_TO_STOP = 10
ITEMS = "/api/v1/items"
PROBLEM = "application/problem+json"


@pytest.fixture
def make_service(
    render: Renders, environments: Environments, tmp_path: Path
) -> Callable[[Answers], Service]:
    """Installs a service for one test, which may write to its folder."""

    def make(answers: Answers) -> Service:
        root = shutil.copytree(render(**answers), tmp_path / "service")
        return environments.install(root, answers)

    return make


@contextmanager
def running(service: Service) -> Iterator[Client]:
    """Run the server with `fastapi run`, and yield a client; the log is shown if the test fails."""
    port = free_port()
    log = service.root.parent / "server.log"
    with log.open("a", encoding="utf-8") as output:
        server = subprocess.Popen(
            service.command("fastapi", "run", "--host", "127.0.0.1", "--port", str(port)),
            cwd=service.root,
            env={**clean_environment(os.environ), **service.variables},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            with Client(base_url=f"http://127.0.0.1:{port}") as client:
                wait_until_alive(server, client)
                yield client
        finally:
            print(log.read_text(encoding="utf-8"))
            server.send_signal(signal.SIGTERM)
            server.wait(SECONDS_TO_STOP)


def wait_until_alive(server: subprocess.Popen[bytes], client: Client) -> None:
    """Send requests until the server responds, exits or exceeds the timeout."""
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        assert server.poll() is None, f"the server exited with {server.returncode}"
        try:
            client.get("/health/live").raise_for_status()
        except TransportError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"the server did not respond within {SECONDS_TO_START} s")


def test_a_new_service_on_sqlite(make_service: Callable[[Answers], Service]) -> None:
    walk(make_service({}), PROBLEM)


def test_a_new_service_on_postgresql(
    make_service: Callable[[Answers], Service], postgresql: Callable[[str], str]
) -> None:
    service = make_service({"database": "postgresql", "error_format": "envelope"})
    # Every server has this database.
    service.variables["APP_DATABASE_URL"] = postgresql("postgres")
    walk(service, "application/json")


def test_a_new_service_without_a_database(make_service: Callable[[Answers], Service]) -> None:
    with running(make_service({"database": "none"})) as client:
        assert client.get("/health/live").json() == {"status": "ok"}
        assert client.get("/health/ready").json() == {"status": "ok"}
        assert client.get("/docs").status_code == 200
        assert client.get("/openapi.json").json()["info"]["title"] == "My Service"


def test_the_commands_of_the_readme_exist(
    make_service: Callable[[Answers], Service],
) -> None:
    service = make_service({})
    readme = (service.root / "README.md").read_text(encoding="utf-8")
    # `test_resources.py` runs the script.
    commands = {*re.findall(r"^uv run ([a-z]+(?: [a-z]+)*)(?=\s)", readme, re.MULTILINE)}
    assert "fastapi dev" in commands
    for command in commands:
        program, *task = command.split()
        # poe would pass options after the task to its steps.
        words = [program, "--help", *task] if program == "poe" else [program, *task, "--help"]
        service.run(*words)


def test_missing_migrations_are_reported_without_details(
    make_service: Callable[[Answers], Service],
) -> None:
    with running(make_service({})) as client:
        response = client.get(ITEMS)
        assert response.status_code >= 500
        assert response.headers["content-type"] == PROBLEM
        assert "no such table" not in response.text


def walk(service: Service, error_type: str) -> None:
    """Migrate; create, list, change and delete items; cause errors; restart and read again."""
    service.run("alembic", "upgrade", "head")
    with running(service) as client:
        hammer, saw, plane = (create(client, name) for name in ("Hammer", "Saw", "Plane"))
        assert pages(client) == [["Plane", "Saw"], ["Hammer"]]

        changed = client.patch(location_path(saw), json={"description": "It cuts."})
        assert (changed.status_code, changed.json()["description"]) == (200, "It cuts.")
        assert client.delete(location_path(plane)).status_code == 204

        for response, status in (
            (client.post(ITEMS, json={"name": "Hammer"}), 409),
            (client.post(ITEMS, json={"name": ""}), 422),
            (client.post(ITEMS, content="{", headers={"content-type": "application/json"}), 422),
            (client.get(location_path(plane)), 404),
            (client.put(ITEMS, json={}), 405),
        ):
            assert_refused(response, status, error_type)
        assert client.put(ITEMS, json={}).headers["allow"] == "GET, HEAD, POST"

    with running(service) as client:
        assert pages(client) == [["Saw", "Hammer"]]
        assert client.get(location_path(saw)).json()["description"] == "It cuts."
        assert client.get(location_path(hammer)).json() == hammer.json()


def create(client: Client, name: str) -> Response:
    response = client.post(ITEMS, json={"name": name})
    assert response.status_code == 201, response.text
    assert location_path(response) == f"{ITEMS}/{response.json()['id']}"
    return response


def location_path(created: Response) -> str:
    location: str = created.headers["location"]
    return location


def pages(client: Client) -> list[list[str]]:
    """The names of all items, in pages of two."""
    names: list[list[str]] = []
    cursor = None
    while cursor is not None or not names:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = client.get(ITEMS, params=query).raise_for_status().json()
        names.append([item["name"] for item in page["items"]])
        cursor = page["next_cursor"]
    return names


def assert_refused(response: Response, status: int, error_type: str) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == error_type
    error = response.json() if error_type == PROBLEM else response.json()["error"]
    assert error["status"] == status
    assert error["request_id"] == response.headers["x-request-id"]
