"""The foundation's tests pass whatever a team adds."""

from __future__ import annotations

import re

import pytest
from databases import ON_SQLITE, attempt
from harness import Service
from team_code import ADDITIONS, SERVERS, SESSIONS, add_team_code

pytestmark = pytest.mark.slow
pytest_plugins = ["engines"]


@pytest.fixture
def team_service(service: Service, request: pytest.FixtureRequest) -> Service:
    """A service on each engine; with PostgreSQL, its tests use a running server."""
    if service.answers["database"] == "postgresql":
        service.variables["TEST_DATABASE_URL"] = request.getfixturevalue("new_database")
    return service


def test_sessions_of_a_request_share_a_transaction(team_service: Service) -> None:
    (team_service.root / "tests/test_sessions.py").write_text(SESSIONS, encoding="utf-8")
    team_service.run("pytest", "tests/test_sessions.py")


@ON_SQLITE
def test_hanging_tests_time_out(service: Service) -> None:
    (service.root / "tests/test_servers.py").write_text(SERVERS, encoding="utf-8")

    code, output = attempt(service, "pytest", "tests/test_servers.py")

    assert code == 1, output
    assert "Failed: Timeout (>3.0s) from pytest-timeout" in output
    assert "FAILED tests/test_servers.py::test_hang" in output
    assert re.search(r"\b1 failed, 5 passed in", output), output


@pytest.mark.parametrize(
    "service", [pytest.param("sqlite", marks=pytest.mark.nightly), "postgresql"], indirect=True
)
def test_the_suite_passes_whatever_a_team_adds(team_service: Service) -> None:
    add_team_code(team_service.root, ADDITIONS)
    team_service.run("pytest")


@pytest.mark.nightly
@pytest.mark.parametrize("topic", ADDITIONS)
def test_the_suite_passes_with_one_kind_of_addition(team_service: Service, topic: str) -> None:
    add_team_code(team_service.root, [topic])
    team_service.run("pytest")
