"""The foundation's tests pass in a large application, on every engine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from databases import TIMEOUT, psql, server_log, serving, start, wait_until
from harness import (
    SUITE,
    TEMPLATE,
    Environments,
    Renders,
    Service,
    clean_environment,
    passed_summary,
)
from httpx2 import Client, Response
from team_changes import insert

# In the default run, `test_team_code.py` tests the foundation's tests with a team's code.
pytestmark = [pytest.mark.slow, pytest.mark.nightly]

# A bicycle workshop, copied over a new service: written with the README of a service alone. It
# changes no foundation file.
APPLICATION = TEMPLATE / "tests/application"
# The lines that the application adds to shared files, below a marker.
ADDED: Mapping[str, tuple[str, str]] = {
    "pyproject.toml": (
        "    # The service's own, one a line:\n",
        '    "httpx2>=2.16.2,<3",\n    "python-multipart>=0.0.20,<1",\n',
    ),
    ".env.example": (
        "# The service's own:\n",
        "# A secret of at least 32 characters\n"
        "# APP_JWT_SECRET=\n"
        "# APP_TOKEN_LIFETIME=28800\n"
        "# APP_PHOTO_FOLDER=\n"
        "# APP_BRANDS=\n"
        "# APP_SUPPLIER_URL=https://parts.example.com/\n"
        "# APP_CLEANUP_INTERVAL=60\n"
        "# APP_MAIL__SENDER=workshop@example.com\n"
        "# APP_MAIL__COPIES=\n",
    ),
}
SECRET = {"APP_JWT_SECRET": "a secret of 32 characters, for tests"}
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
    """The workshop on each engine, with its own database."""
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
    # If a test hangs, print its stack and exit.
    limits = ["faulthandler_timeout=300", "faulthandler_exit_on_timeout=true"]
    options = [word for limit in limits for word in ("-o", limit)]
    record_property(SUITE, passed_summary(application.run("pytest", *options)))


@pytest.mark.parametrize("command", ["ruff check --no-cache", "ruff format --check", "mypy"])
def test_poe_check_passes(application: Service, command: str) -> None:
    application.run(*command.split())


def test_the_application_runs_in_production(application: Service) -> None:
    """Run the migrations, then the server and the worker as processes, and use the workshop."""
    for words in ("upgrade head", "check", "downgrade base", "upgrade head"):
        application.run("alembic", *words.split())
    add_manager(application)
    with serving(application) as client:
        sign_in(client)
        bicycle = create_bicycle(client)
        order = create_order(client, bicycle)
        upload_photo(client, bicycle)
        follow_order(client, order)
    with start(
        application, "python", "-m", "my_service.worker", log=server_log(application)
    ) as worker:
        wait_until(
            worker,
            lambda: "overdue_notices_sent" in server_log(application).read_text(encoding="utf-8"),
        )
        worker.terminate()
        assert worker.wait(TIMEOUT) == 0
    log = server_log(application).read_text(encoding="utf-8")
    assert "Traceback" not in log
    assert " error " not in log


def add_manager(application: Service) -> None:
    """Add a user with the service's own CLI, which reads the password from stdin."""
    command = application.command("python", "-m", "my_service.cli", "add-user", "Ada", "manager")
    environment = {**clean_environment(os.environ), **application.variables}
    password = "correct horse battery\n"
    subprocess.run(
        command, cwd=application.root, env=environment, input=password, text=True, check=True
    )


def sign_in(client: Client) -> None:
    """Get a token, and send it with every later request."""
    assert client.get("/api/v1/users/me").status_code == 401
    credentials = {"name": "Ada", "password": "correct horse battery"}
    token = read_json(client.post("/api/v1/tokens", json=credentials), 200)["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"


def create_bicycle(client: Client) -> dict[str, Any]:
    """Create a customer with a bicycle; the customer cannot be deleted then."""
    ada = {"name": "Ada", "email": "ada@example.com"}
    customer = read_json(client.post("/api/v1/customers", json=ada))
    new = {"customer_id": customer["id"], "brand": "Koga", "equipment": {"gears": [11, 13]}}
    bicycle = read_json(client.post("/api/v1/bicycles", json=new))
    assert client.delete(f"/api/v1/customers/{customer['id']}").status_code == 409
    return bicycle


def create_order(client: Client, bicycle: Mapping[str, Any]) -> dict[str, Any]:
    """Create an order with an idempotency key, and read it in both versions of the API."""
    new = {"bicycle_id": bicycle["id"], "complaint": "It squeaks."}
    headers = {"Idempotency-Key": "key-of-order-1"}
    first, second = (client.post("/api/v1/orders", json=new, headers=headers) for _ in range(2))
    assert read_json(first) == read_json(second)
    assert read_json(client.get(first.headers["location"]), 200) == first.json()
    assert client.post("/api/v2/orders", json=new).json()["code"] == "bicycle_in_repair"
    amount = read_json(client.get(f"/api/v2/orders/{first.json()['id']}"), 200)["total"]
    assert amount == {"amount": "0", "currency": "EUR"}
    order: dict[str, Any] = first.json()
    return order


def upload_photo(client: Client, bicycle: Mapping[str, Any]) -> None:
    """Upload a photo and read it back; one that is too large is refused."""
    url = f"/api/v1/bicycles/{bicycle['id']}/photo"
    read_json(client.put(url, files={"photo": PNG}), 200)
    assert client.get(url).content == PNG
    assert client.put(url, files={"photo": PNG + bytes(2_000_000)}).status_code == 413


def follow_order(client: Client, order: Mapping[str, Any]) -> None:
    """Read the events of an order while it changes."""
    url = f"/api/v1/orders/{order['id']}"
    with client.stream("GET", f"{url}/events") as stream:
        events = (line for line in stream.iter_lines() if line.startswith("data: "))
        assert '"received"' in next(events)
        etag = client.get(url).headers["etag"]
        change = {"status": "cancelled"}
        read_json(client.patch(url, json=change, headers={"If-Match": etag}), 200)
        assert client.patch(url, json=change, headers={"If-Match": etag}).status_code == 412
        assert '"cancelled"' in next(events)


def read_json(response: Response, status: int = 201) -> dict[str, Any]:
    """Check the status of a response, and return its JSON."""
    assert response.status_code == status, response.text
    content: dict[str, Any] = response.json()
    return content
