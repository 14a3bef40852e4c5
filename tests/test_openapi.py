"""Schemathesis finds no request or response that contradicts the OpenAPI schema."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from accounts import EMAIL, PASSWORD, UNLIMITED, register
from databases import serving
from harness import Service
from node import NEEDS_NPM
from provider import provider_package, request_token, running_provider
from schemas import check_schema

pytest_plugins = ["engines"]
pytestmark = pytest.mark.slow

SIGNED_IN = """
[warnings]
fail-on = ["missing_auth"]
"""
# It signs in again after requests that end the session.
SESSION = f"""
[auth.dynamic.openapi.session]
path = "/api/v1/auth/sign-in"
payload = {{ email = "{EMAIL}", password = "{PASSWORD}" }}
extract_from = "cookie"
extract_selector = "__Host-session"
{SIGNED_IN}"""
ACCESS_TOKEN = f"""
[auth.openapi.access_token]
bearer = "{{token}}"
{SIGNED_IN}"""
AUDIENCE = "https://api.example.com/RS256"


@pytest.mark.nightly  # In the default run, the test below has these operations too.
@pytest.mark.parametrize("error_format", ["problem", "envelope"])
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_requests_and_responses_match_the_schema(
    install: Callable[..., Service], tmp_path: Path, database: str, error_format: str
) -> None:
    service = install(database=database, error_format=error_format)
    service.run("alembic", "upgrade", "head")

    with serving(service, "--no-access-log") as client:
        output = check_schema(client, tmp_path, 300)

    assert "7 selected / 7 total" in output


@pytest.mark.parametrize(
    ("database", "error_format", "signed_in", "examples"),
    [
        # Signed in, it reaches more code.
        ("sqlite", "problem", True, 5),
        pytest.param("sqlite", "envelope", False, 100, marks=pytest.mark.nightly),
        pytest.param("postgresql", "problem", False, 100, marks=pytest.mark.nightly),
        pytest.param("postgresql", "envelope", True, 100, marks=pytest.mark.nightly),
    ],
)
def test_requests_with_a_session_match_the_schema(
    install: Callable[..., Service],
    tmp_path: Path,
    database: str,
    error_format: str,
    signed_in: bool,
    examples: int,
) -> None:
    service = install(database=database, error_format=error_format, authentication="sessions")
    service.variables |= UNLIMITED
    service.run("alembic", "upgrade", "head")

    with serving(service, "--no-access-log") as client:
        register(service, client)
        output = check_schema(client, tmp_path, examples, SESSION if signed_in else "")

    assert "20 selected / 20 total" in output


# The endpoints are those of the services above; in the default run, services test their tokens.
@pytest.mark.nightly
@NEEDS_NPM
@pytest.mark.parametrize(
    ("database", "error_format", "signed_in"),
    [
        ("sqlite", "problem", False),
        ("sqlite", "envelope", True),
        ("postgresql", "envelope", False),
        ("postgresql", "problem", True),
    ],
)
def test_requests_with_an_access_token_match_the_schema(
    install: Callable[..., Service],
    shared: Path,
    tmp_path: Path,
    database: str,
    error_format: str,
    signed_in: bool,
) -> None:
    service = install(database=database, error_format=error_format, authentication="oidc")
    service.run("alembic", "upgrade", "head")

    with running_provider(provider_package(shared), tmp_path) as variables:
        service.variables |= {
            "SSL_CERT_FILE": variables["SSL_CERT_FILE"],
            "APP_OIDC_ISSUER": variables["ISSUER"],
            "APP_OIDC_AUDIENCE": AUDIENCE,
        }
        token = request_token(variables, AUDIENCE, "items:write")
        with serving(service, "--no-access-log") as client:
            configuration = ACCESS_TOKEN.format(token=token) if signed_in else ""
            output = check_schema(client, tmp_path, 100, configuration)

    assert "7 selected / 7 total" in output
