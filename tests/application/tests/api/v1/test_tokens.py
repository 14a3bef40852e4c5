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


async def test_who_signs_in_is_known_from_then_on(
    client: AsyncClient, session: AsyncSession
) -> None:
    await add_user(session, Role.APPRENTICE, "Grace")

    await sign_in(client, "gRACE")

    me = (await client.get("/api/v1/users/me")).json()
    assert (me["name"], me["role"]) == ("Grace", "apprentice")
    assert "password" not in str(me)


@pytest.mark.parametrize("authorization", [None, "Bearer x", "Bearer a.b.c", "Basic eDp5"])
async def test_who_has_no_token_is_told_to_sign_in(
    client: AsyncClient, authorization: str | None
) -> None:
    headers = {"Authorization": authorization} if authorization else {}

    response = await client.get("/api/v1/users/me", headers=headers)

    assert read_error(response).status == 401
    assert response.headers["www-authenticate"] == "Bearer"


async def test_a_token_ends(client: AsyncClient, session: AsyncSession, settings: Settings) -> None:
    user = await add_user(session, Role.APPRENTICE)
    ended = tokens.sign(user.id, settings.model_copy(update={"token_lifetime": -1}))

    response = await client.get("/api/v1/users/me", headers={"Authorization": f"Bearer {ended}"})

    assert read_error(response).code == "token_invalid"


async def test_who_has_left_is_not_let_in(manager: AsyncClient) -> None:
    me = (await manager.get("/api/v1/users/me")).json()

    changed = await manager.patch(f"/api/v1/users/{me['id']}", json={"is_active": False})

    assert changed.json()["is_active"] is False
    assert read_error(await manager.get("/api/v1/users/me")).code == "token_invalid"


async def test_wrong_passwords_close_the_door_for_everybody_of_that_name(
    client: AsyncClient, session: AsyncSession
) -> None:
    await add_user(session, Role.APPRENTICE, "Grace")
    wrong = {"name": "Grace", "password": "wrong"}
    for _ in range(ATTEMPTS):
        assert read_error(await client.post(TOKENS, json=wrong)).code == "wrong_credentials"

    response = await client.post(TOKENS, json={"name": "grace", "password": PASSWORD})

    assert read_error(response).code == "too_many_attempts"
    assert int(response.headers["retry-after"]) > 0


async def test_a_wrong_password_is_counted_although_its_request_fails(
    workshop: AsyncClient,
) -> None:
    wrong = {"name": "nobody", "password": "wrong"}

    responses = await gather(*(workshop.post(TOKENS, json=wrong) for _ in range(ATTEMPTS)))
    last = await workshop.post(TOKENS, json=wrong)

    assert {response.status_code for response in responses} == {401}
    assert last.status_code == 429


async def test_only_a_manager_lets_somebody_in(
    manager: AsyncClient, session: AsyncSession, settings: Settings
) -> None:
    new = {"name": "Alan", "password": PASSWORD, "role": "mechanic"}
    created = await manager.post("/api/v1/users", json=new)
    assert created.status_code == 201
    assert (await manager.get(created.headers["location"])).json() == created.json()
    again = read_error(await manager.post("/api/v1/users", json={**new, "name": "ALAN"}))
    assert (again.status, again.code) == (409, "user_name_taken")

    mechanic = await add_user(session, Role.MECHANIC)
    manager.headers["Authorization"] = f"Bearer {tokens.sign(mechanic.id, settings)}"

    refused = await manager.post("/api/v1/users", json={**new, "name": "Ada"})
    assert read_error(refused).status == 403
