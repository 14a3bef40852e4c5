from asyncio import gather

import pytest
from httpx2 import AsyncClient
from sqlalchemy.ext.asyncio import AsyncSession

from my_service.core.custom.workshop import Role
from my_service.core.settings import Settings
from my_service.services import tokens
from my_service.services.users import ATTEMPTS

from tests.conftest import PASSWORD, add_user
from tests.foundation.error_format import read_error

TOKENS = "/api/v1/tokens"


async def sign_in(client: AsyncClient, name: str, password: str = PASSWORD) -> None:
    response = await client.post(TOKENS, json={"name": name, "password": password})
    assert response.status_code == 200, response.text
    client.headers["Authorization"] = f"Bearer {response.json()['access_token']}"


async def test_a_token_identifies_its_user(client: AsyncClient, session: AsyncSession) -> None:
    await add_user(session, Role.APPRENTICE, "Grace")

    await sign_in(client, "gRACE")

    me = (await client.get("/api/v1/users/me")).json()
    assert (me["name"], me["role"]) == ("Grace", "apprentice")
    assert "password" not in str(me)


@pytest.mark.parametrize("authorization", [None, "Bearer x", "Bearer a.b.c", "Basic eDp5"])
async def test_a_valid_token_is_required(client: AsyncClient, authorization: str | None) -> None:
    headers = {"Authorization": authorization} if authorization else {}

    response = await client.get("/api/v1/users/me", headers=headers)

    assert read_error(response).status == 401
    assert response.headers["www-authenticate"] == "Bearer"


async def test_an_expired_token_is_refused(
    client: AsyncClient, session: AsyncSession, settings: Settings
) -> None:
    user = await add_user(session, Role.APPRENTICE)
    expired = tokens.create_token(user.id, settings.model_copy(update={"token_lifetime": -1}))

    response = await client.get("/api/v1/users/me", headers={"Authorization": f"Bearer {expired}"})

    assert read_error(response).code == "token_invalid"


async def test_an_inactive_user_is_refused(manager: AsyncClient) -> None:
    me = (await manager.get("/api/v1/users/me")).json()

    changed = await manager.patch(f"/api/v1/users/{me['id']}", json={"is_active": False})

    assert changed.json()["is_active"] is False
    assert read_error(await manager.get("/api/v1/users/me")).code == "token_invalid"


async def test_too_many_wrong_passwords_block_the_name(
    client: AsyncClient, session: AsyncSession
) -> None:
    await add_user(session, Role.APPRENTICE, "Grace")
    wrong = {"name": "Grace", "password": "wrong"}
    for _ in range(ATTEMPTS):
        assert read_error(await client.post(TOKENS, json=wrong)).code == "wrong_credentials"

    response = await client.post(TOKENS, json={"name": "grace", "password": PASSWORD})

    assert read_error(response).code == "too_many_attempts"
    assert int(response.headers["retry-after"]) > 0


async def test_failed_requests_count_wrong_passwords(
    live_manager: AsyncClient,
) -> None:
    wrong = {"name": "nobody", "password": "wrong"}

    responses = await gather(*(live_manager.post(TOKENS, json=wrong) for _ in range(ATTEMPTS)))
    last = await live_manager.post(TOKENS, json=wrong)

    assert {response.status_code for response in responses} == {401}
    assert last.status_code == 429


async def test_only_a_manager_can_create_users(
    manager: AsyncClient, session: AsyncSession, settings: Settings
) -> None:
    new = {"name": "Alan", "password": PASSWORD, "role": "mechanic"}
    created = await manager.post("/api/v1/users", json=new)
    assert created.status_code == 201
    assert (await manager.get(created.headers["location"])).json() == created.json()
    again = read_error(await manager.post("/api/v1/users", json={**new, "name": "ALAN"}))
    assert (again.status, again.code) == (409, "user_name_taken")

    mechanic = await add_user(session, Role.MECHANIC)
    manager.headers["Authorization"] = f"Bearer {tokens.create_token(mechanic.id, settings)}"

    refused = await manager.post("/api/v1/users", json={**new, "name": "Ada"})
    assert read_error(refused).status == 403
