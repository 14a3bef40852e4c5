from typing import Any

import pytest
from httpx2 import AsyncClient

from tests.conftest import make, make_bicycle
from tests.foundation.error_format import read_error

CUSTOMERS = "/api/v1/customers"
ADA = {"name": "Ada", "email": "ada@example.com"}


async def test_a_customer_is_kept(manager: AsyncClient) -> None:
    response = await manager.post(CUSTOMERS, json=ADA)

    customer = response.json()
    assert response.status_code == 201
    assert (await manager.get(response.headers["location"])).json() == customer
    changed = await manager.patch(response.headers["location"], json={"phone": "+44 20 1234"})
    assert changed.json() == {**customer, "phone": "+44 20 1234"}


async def test_an_address_is_of_one_customer(manager: AsyncClient) -> None:
    await make(manager, "customers", **ADA)

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
async def test_a_bad_customer_is_refused(
    manager: AsyncClient, fields: dict[str, Any], pointer: str
) -> None:
    error = read_error(await manager.post(CUSTOMERS, json={**ADA, **fields}))

    assert (error.status, [*error.fields]) == (422, [pointer])


async def test_customers_are_found_by_a_part_of_their_name(manager: AsyncClient) -> None:
    for number, name in enumerate(["Ada 100%", "Adam", "Grace"]):
        await make(manager, "customers", name=name, email=f"{number}@example.com")

    async def found(search: str) -> list[str]:
        page = (await manager.get(CUSTOMERS, params={"search": search})).json()
        return [customer["name"] for customer in page["items"]]

    assert await found("ada") == ["Adam", "Ada 100%"]
    assert await found("%") == ["Ada 100%"]


async def test_a_customer_with_bicycles_stays(manager: AsyncClient) -> None:
    bicycle = await make_bicycle(manager)
    address = f"{CUSTOMERS}/{bicycle['customer']['id']}"

    assert read_error(await manager.delete(address)).status == 409
    assert (await manager.get(address)).status_code == 200


async def test_a_customer_without_bicycles_goes(manager: AsyncClient) -> None:
    customer = await make(manager, "customers", **ADA)
    address = f"{CUSTOMERS}/{customer['id']}"

    assert (await manager.delete(address)).status_code == 204
    assert read_error(await manager.get(address)).code == "customer_not_found"
