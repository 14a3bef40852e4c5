from typing import Any

import pytest
from httpx2 import AsyncClient

from tests.conftest import create, create_bicycle
from tests.foundation.error_format import read_error

CUSTOMERS = "/api/v1/customers"
ADA = {"name": "Ada", "email": "ada@example.com"}


async def test_a_customer_is_stored(manager: AsyncClient) -> None:
    response = await manager.post(CUSTOMERS, json=ADA)

    customer = response.json()
    assert response.status_code == 201
    assert (await manager.get(response.headers["location"])).json() == customer
    changed = await manager.patch(response.headers["location"], json={"phone": "+44 20 1234"})
    assert changed.json() == {**customer, "phone": "+44 20 1234"}


async def test_email_addresses_are_unique(manager: AsyncClient) -> None:
    await create(manager, "customers", **ADA)

    error = read_error(await manager.post(CUSTOMERS, json={**ADA, "name": "Grace"}))

    assert (error.status, error.code) == (409, "email_taken")


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"email": "nowhere"}, "/email"),
        ({"email": "a@b\x00"}, "/email"),
        ({"phone": "call me"}, "/phone"),
    ],
)
async def test_an_invalid_customer_is_refused(
    manager: AsyncClient, fields: dict[str, Any], pointer: str
) -> None:
    error = read_error(await manager.post(CUSTOMERS, json={**ADA, **fields}))

    assert (error.status, [*error.fields]) == (422, [pointer])


async def test_search_finds_a_part_of_the_name(manager: AsyncClient) -> None:
    for number, name in enumerate(["Ada 100%", "Adam", "Grace"]):
        await create(manager, "customers", name=name, email=f"{number}@example.com")

    async def find(search: str) -> list[str]:
        page = (await manager.get(CUSTOMERS, params={"search": search})).json()
        return [customer["name"] for customer in page["items"]]

    assert await find("ada") == ["Adam", "Ada 100%"]
    assert await find("%") == ["Ada 100%"]


async def test_a_customer_with_bicycles_cannot_be_deleted(manager: AsyncClient) -> None:
    bicycle = await create_bicycle(manager)
    url = f"{CUSTOMERS}/{bicycle['customer']['id']}"

    assert read_error(await manager.delete(url)).status == 409
    assert (await manager.get(url)).status_code == 200


async def test_a_customer_without_bicycles_can_be_deleted(manager: AsyncClient) -> None:
    customer = await create(manager, "customers", **ADA)
    url = f"{CUSTOMERS}/{customer['id']}"

    assert (await manager.delete(url)).status_code == 204
    assert read_error(await manager.get(url)).code == "customer_not_found"
