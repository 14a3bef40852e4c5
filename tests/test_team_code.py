"""The tests of the foundation prove it in every service, whatever its team adds."""

from __future__ import annotations

import pytest
from harness import Service
from team_code import SESSIONS

pytestmark = pytest.mark.slow
pytest_plugins = ["engines"]


def test_the_sessions_of_a_request_share_what_they_see(
    service: Service, request: pytest.FixtureRequest
) -> None:
    (service.root / "tests/test_sessions.py").write_text(SESSIONS, encoding="utf-8")
    if service.answers["database"] == "postgresql":
        service.variables["TEST_DATABASE_URL"] = request.getfixturevalue("new_database")
    service.run("pytest", "tests/test_sessions.py")
