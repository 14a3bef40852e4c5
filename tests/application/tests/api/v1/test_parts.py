from asyncio import gather

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, ConnectError, MockTransport, Request, Response

from tests.conftest import make
from tests.foundation.error_format import read_error

PARTS = "/api/v1/parts"
CHAIN = {"sku": "CH-11", "name": "Chain", "price": "24.90", "tags": ["11 gears", "28 inch"]}


async def test_a_part_is_kept_to_the_penny(manager: AsyncClient) -> None:
    part = await make(manager, "parts", **CHAIN)

    kept = (await manager.get(f"{PARTS}/{part['id']}")).json()

    assert kept == part
    assert kept["price"] == "24.90"
    assert [tag["name"] for tag in kept["tags"]] == ["11 gears", "28 inch"]


async def test_parts_share_their_tags(manager: AsyncClient) -> None:
    chain = await make(manager, "parts", **CHAIN)
    tyre = await make(manager, "parts", sku="TY-28", name="Tyre", price=30, tags=["28 inch"])

    async def tagged(tag: str) -> list[str]:
        page = (await manager.get(PARTS, params={"tag": tag})).json()
        return [part["id"] for part in page["items"]]

    assert await tagged("28 inch") == [tyre["id"], chain["id"]]
    await manager.patch(f"{PARTS}/{chain['id']}", json={"tags": ["11 gears"]})
    assert await tagged("28 inch") == [tyre["id"]]
    assert await tagged("11 gears") == [chain["id"]]


@pytest.mark.parametrize("price", ["-0.01", "0.001", "NaN", "Infinity", "123456789.00", 1e999])
async def test_a_price_that_cannot_be_is_refused(manager: AsyncClient, price: object) -> None:
    body = {**CHAIN, "price": "PRICE"}
    text = str(body).replace("'", '"').replace('"PRICE"', f'"{price}"')

    error = read_error(
        await manager.post(PARTS, content=text, headers={"Content-Type": "application/json"})
    )

    assert (error.status, [*error.fields]) == (422, ["/price"])


async def test_no_more_is_taken_than_there_is(manager: AsyncClient) -> None:
    part = await make(manager, "parts", **CHAIN, stock=2)
    stock = f"{PARTS}/{part['id']}/stock"

    assert (await manager.post(stock, json={"by": -2})).json()["stock"] == 0
    error = read_error(await manager.post(stock, json={"by": -1}))
    assert (error.status, error.code) == (409, "out_of_stock")
    assert (await manager.post(stock, json={"by": 5})).json()["stock"] == 5


async def test_many_take_from_stock_at_once(workshop: AsyncClient) -> None:
    part = await make(workshop, "parts", **CHAIN, stock=5)
    stock = f"{PARTS}/{part['id']}/stock"

    responses = await gather(*(workshop.post(stock, json={"by": -1}) for _ in range(20)))

    assert sorted(response.status_code for response in responses) == [200] * 5 + [409] * 15
    assert (await workshop.get(f"{PARTS}/{part['id']}")).json()["stock"] == 0


@pytest.fixture
def supplier(running: FastAPI, workshop: AsyncClient) -> dict[str, Response | Exception]:
    """What the supplier says of each part."""
    offers: dict[str, Response | Exception] = {}

    def respond(request: Request) -> Response:
        offer = offers[request.url.path.removeprefix("/offers/")]
        if isinstance(offer, Exception):
            raise offer
        return offer

    running.state.supplier._transport = MockTransport(respond)
    running.state.supplier._mounts = {}
    return offers


async def test_the_supplier_makes_an_offer(
    workshop: AsyncClient, supplier: dict[str, Response | Exception]
) -> None:
    part = await make(workshop, "parts", **CHAIN)
    supplier["CH-11"] = Response(200, json={"price": "12.00", "days": 3})

    response = await workshop.get(f"{PARTS}/{part['id']}/offer")

    assert response.json() == {"price": "12.00", "days": 3}


@pytest.mark.parametrize(
    "failure", [Response(500), Response(200, text="<html>"), ConnectError("no route")]
)
async def test_a_supplier_that_fails_is_not_our_fault(
    workshop: AsyncClient,
    supplier: dict[str, Response | Exception],
    failure: Response | Exception,
) -> None:
    part = await make(workshop, "parts", **CHAIN)
    supplier["CH-11"] = failure

    error = read_error(await workshop.get(f"{PARTS}/{part['id']}/offer"))

    assert (error.status, error.code) == (502, "supplier_failed")
