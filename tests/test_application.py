"""The foundation's tests pass in a large application, on every engine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from databases import PATIENCE, log_of, psql, serving, start, wait_until
from harness import (
    SUITE,
    TEMPLATE,
    Environments,
    Renders,
    Service,
    free_of_this_process,
    summary_of,
)
from httpx2 import Client, Response
from team_changes import insert

# By day `test_team_code.py` tries on the suite whatever is special about an application.
pytestmark = [pytest.mark.slow, pytest.mark.nightly]

# A workshop for bicycles, which lies over a fresh render: written by what the README of a service
# says that a team may do, and where. No file of the foundation is among its own.
APPLICATION = TEMPLATE / "tests/application"
# Lines of the application in shared files, below a marker.
ADDED: Mapping[str, tuple[str, str]] = {
    "pyproject.toml": (
        "    # The service's own, one a line:\n",
        '    "httpx2>=2.16.2,<3",\n    "python-multipart>=0.0.20,<1",\n',
    ),
    ".env.example": (
        "# The service's own:\n",
        "# At least 32 characters that nobody else knows\n"
        "# APP_JWT_SECRET=\n"
        "# APP_TOKEN_LIFETIME=28800\n"
        "# APP_PHOTO_FOLDER=\n"
        "# APP_BRANDS=\n"
        "# APP_SUPPLIER_URL=https://parts.example.com/\n"
        "# APP_TIDY_INTERVAL=60\n"
        "# APP_MAIL__SENDER=workshop@example.com\n"
        "# APP_MAIL__COPIES=\n",
    ),
}
SECRET = {"APP_JWT_SECRET": "for tests only, which nobody else knows"}
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(
    scope="module",
    params=["sqlite", "postgresql"],
    ids="application-{}@".format,
)
def application(
    request: pytest.FixtureRequest,
    render: Renders,
    environments: Environments,
    tmp_path_factory: pytest.TempPathFactory,
) -> Service:
    """The workshop on each engine, with a database of its own."""
    answers = {"database": request.param}
    root = shutil.copytree(render(**answers), tmp_path_factory.mktemp("application") / "service")
    shutil.copytree(APPLICATION, root, dirs_exist_ok=True)
    for name, (marker, text) in ADDED.items():
        insert(root / name, marker, text)
    service = environments.install(root, answers)
    service.variables.update(SECRET)
    if request.param == "postgresql":
        address: Callable[[str], str] = request.getfixturevalue("postgresql")
        psql(address("postgres"), 'DROP DATABASE IF EXISTS "application" WITH (FORCE)')
        psql(address("postgres"), 'CREATE DATABASE "application"')
        service.variables["APP_DATABASE_URL"] = address("application")
        service.variables["TEST_DATABASE_URL"] = address("test-application")
    return service


def test_the_foundation_tests_pass(
    application: Service, record_property: Callable[[str, str], None]
) -> None:
    # A test that hangs shows where, and ends the run.
    limits = ["faulthandler_timeout=300", "faulthandler_exit_on_timeout=true"]
    options = [word for limit in limits for word in ("-o", limit)]
    record_property(SUITE, summary_of(application.run("pytest", *options)))


@pytest.mark.parametrize("command", ["ruff check --no-cache", "ruff format --check", "mypy"])
def test_poe_check_passes(application: Service, command: str) -> None:
    application.run(*command.split())


def test_the_application_runs_in_production(application: Service) -> None:
    """Migrations there and back, then a server and a worker, each a process of its own, and a day at work."""
    for words in ("upgrade head", "check", "downgrade base", "upgrade head"):
        application.run("alembic", *words.split())
    add_a_manager(application)
    with serving(application) as client:
        sign_in(client)
        bicycle = bring_in(client)
        order = take_in(client, bicycle)
        keep_a_photo(client, bicycle)
        follow(client, order)
    with start(application, "python", "-m", "my_service.worker", log=log_of(application)) as worker:
        wait_until(worker, lambda: "reminded" in log_of(application).read_text(encoding="utf-8"))
        worker.terminate()
        assert worker.wait(PATIENCE) == 0
    log = log_of(application).read_text(encoding="utf-8")
    assert "Traceback" not in log
    assert " error " not in log


def add_a_manager(application: Service) -> None:
    """Run a command of the service, which has no HTTP; it reads the password."""
    command = application.command("python", "-m", "my_service.cli", "add-user", "Ada", "manager")
    environment = {**free_of_this_process(os.environ), **application.variables}
    password = "correct horse battery\n"
    subprocess.run(
        command, cwd=application.root, env=environment, input=password, text=True, check=True
    )


def sign_in(client: Client) -> None:
    """Send a token with every request from now on."""
    assert client.get("/api/v1/users/me").status_code == 401
    who = {"name": "Ada", "password": "correct horse battery"}
    token = made(client.post("/api/v1/tokens", json=who), 200)["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"


def bring_in(client: Client) -> dict[str, Any]:
    """A customer and a bicycle, whose customer stays."""
    ada = {"name": "Ada", "email": "ada@example.com"}
    customer = made(client.post("/api/v1/customers", json=ada))
    new = {"customer_id": customer["id"], "brand": "Koga", "equipment": {"gears": [11, 13]}}
    bicycle = made(client.post("/api/v1/bicycles", json=new))
    assert client.delete(f"/api/v1/customers/{customer['id']}").status_code == 409
    return bicycle


def take_in(client: Client, bicycle: Mapping[str, Any]) -> dict[str, Any]:
    """An order that is made once, and found in each version where it was made."""
    new = {"bicycle_id": bicycle["id"], "complaint": "It squeaks."}
    headers = {"Idempotency-Key": "a-key-of-ours"}
    first, second = (client.post("/api/v1/orders", json=new, headers=headers) for _ in range(2))
    assert made(first) == made(second)
    assert made(client.get(first.headers["location"]), 200) == first.json()
    assert client.post("/api/v2/orders", json=new).json()["code"] == "bicycle_in_repair"
    amount = made(client.get(f"/api/v2/orders/{first.json()['id']}"), 200)["total"]
    assert amount == {"amount": "0", "currency": "EUR"}
    order: dict[str, Any] = first.json()
    return order


def keep_a_photo(client: Client, bicycle: Mapping[str, Any]) -> None:
    """A photo that comes back; one that is too large is refused."""
    address = f"/api/v1/bicycles/{bicycle['id']}/photo"
    made(client.put(address, files={"photo": PNG}), 200)
    assert client.get(address).content == PNG
    assert client.put(address, files={"photo": PNG + bytes(2_000_000)}).status_code == 413


def follow(client: Client, order: Mapping[str, Any]) -> None:
    """The events of an order arrive as they happen."""
    address = f"/api/v1/orders/{order['id']}"
    with client.stream("GET", f"{address}/events") as stream:
        events = (line for line in stream.iter_lines() if line.startswith("data: "))
        assert '"received"' in next(events)
        tag = client.get(address).headers["etag"]
        change = {"status": "cancelled"}
        made(client.patch(address, json=change, headers={"If-Match": tag}), 200)
        assert client.patch(address, json=change, headers={"If-Match": tag}).status_code == 412
        assert '"cancelled"' in next(events)


def made(response: Response, status: int = 201) -> dict[str, Any]:
    """The JSON of a response with this status."""
    assert response.status_code == status, response.text
    content: dict[str, Any] = response.json()
    return content
