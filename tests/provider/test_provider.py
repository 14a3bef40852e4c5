"""Tests for a service with the provider of `provider.mjs`, whose issuer is `ISSUER`."""

import os

import pytest
from httpx2 import AsyncClient
from my_service.core.access_tokens import AccessTokenVerifier, InvalidToken
from my_service.core.errors import Unavailable
from my_service.core.oidc import OIDCSettings
from my_service.core.scopes import granted_scopes

ISSUER = os.environ["ISSUER"]
ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "Ed25519", "EdDSA")


def create_verifier(audience: str) -> AccessTokenVerifier:
    return AccessTokenVerifier(
        OIDCSettings(oidc_issuer=ISSUER, oidc_audience=(audience,), oidc_algorithms=ALGORITHMS)
    )


async def request_token(resource: str) -> str:
    form = {"grant_type": "client_credentials", "scope": "items:read", "resource": resource}
    async with AsyncClient(auth=("client", "secret")) as client:
        response = await client.post(f"{ISSUER}/token", data=form)
    token = response.raise_for_status().json()["access_token"]
    assert isinstance(token, str)
    return token


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_a_token_is_accepted_for_its_resource_only(algorithm: str) -> None:
    resource = f"https://api.example.com/{algorithm}"
    token = await request_token(resource)

    claims = await create_verifier(resource).verify(token)

    assert (claims["sub"], claims["client_id"], claims["aud"]) == ("client", "client", resource)
    assert granted_scopes(claims, ["scope"]) == {"items:read"}
    with pytest.raises(InvalidToken):
        await create_verifier("https://other.example.com").verify(token)


async def test_an_opaque_token_is_refused() -> None:
    resource = "https://api.example.com/opaque"

    with pytest.raises(InvalidToken):
        await create_verifier(resource).verify(await request_token(resource))


async def test_keys_are_fetched_from_a_trusted_server_only(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = "https://api.example.com/RS256"
    token = await request_token(resource)
    monkeypatch.delenv("SSL_CERT_FILE")

    with pytest.raises(Unavailable):
        await create_verifier(resource).verify(token)
