"""Creates services in which users sign in, and an account."""

from __future__ import annotations

import shutil
from pathlib import Path

from databases import server_log
from harness import TEMPLATE, Answers, Environments, Renders, Service
from httpx2 import Client
from sites import wait_for_line

# Routes of a team, for all users and for those with a scope that no user has.
ROUTER = TEMPLATE / "tests/sign_in/reports.py"
EMAIL, PASSWORD = "ada@example.com", "correct horse battery staple"
# For tests that sign in often: their requests come from one network, and are about few accounts.
UNLIMITED = {
    "APP_SIGN_IN_ATTEMPTS_PER_ACCOUNT": "1000000",
    "APP_SIGN_IN_ATTEMPTS_PER_NETWORK": "1000000",
}


def create_service(
    render: Renders, environments: Environments, folder: Path, answers: Answers
) -> Service:
    """Create a service and its database."""
    root = shutil.copytree(render(**answers), folder)
    shutil.copy(ROUTER, root / "src/my_service/api/v1")
    service = environments.install(root, answers)
    service.run("alembic", "upgrade", "head")
    return service


def register(service: Service, client: Client) -> None:
    """Create the account of a member, by the link in the e-mail."""
    client.post("/api/v1/auth/register", json={"email": EMAIL}).raise_for_status()
    line = wait_for_line(server_log(service), "#token=")
    body = {"token": line.partition("#token=")[2], "password": PASSWORD}
    client.post("/api/v1/auth/register/confirm", json=body).raise_for_status()
