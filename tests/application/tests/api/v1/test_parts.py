from asyncio import gather

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, ConnectError, MockTransport, Request, Response

from tests.conftest import create
from tests.foundation.error_format import read_error

PARTS = "/api/v1/parts"
CHAIN = {"sku": "CH-11", "name": "Chain", "price": "24.90", "tags": ["11 gears", "28 inch"]}


async def test_a_part_is_stored_with_its_exact_price(manager: AsyncClient) -> None:
    part = await create(manager, "parts", **CHAIN)

    stored = (await manager.get(f"{PARTS}/{part['id']}")).json()

    assert stored == part
    assert stored["price"] == "24.90"
    assert [tag["name"] for tag in stored["tags"]] == ["11 gears", "28 inch"]


async def test_parts_share_their_tags(manager: AsyncClient) -> None:
    chain = await create(manager, "parts", **CHAIN)
    tyre = await create(manager, "parts", sku="TY-28", name="Tyre", price=30, tags=["28 inch"])

    async def tagged(tag: str) -> list[str]:
        page = (await manager.get(PARTS, params={"tag": tag})).json()
        return [part["id"] for part in page["items"]]

    assert await tagged("28 inch") == [tyre["id"], chain["id"]]
    await manager.patch(f"{PARTS}/{chain['id']}", json={"tags": ["11 gears"]})
    assert await tagged("28 inch") == [tyre["id"]]
    assert await tagged("11 gears") == [chain["id"]]


@pytest.mark.parametrize("price", ["-0.01", "0.001", "NaN", "Infinity", "123456789.00", 1e999])
async def test_an_invalid_price_is_refused(manager: AsyncClient, price: object) -> None:
    body = {**CHAIN, "price": "PRICE"}
    text = str(body).replace("'", '"').replace('"PRICE"', f'"{price}"')

    error = read_error(
        await manager.post(PARTS, content=text, headers={"Content-Type": "application/json"})
    )

    assert (error.status, [*error.fields]) == (422, ["/price"])


async def test_the_stock_is_never_negative(manager: AsyncClient) -> None:
    part = await create(manager, "parts", **CHAIN, stock=2)
    stock = f"{PARTS}/{part['id']}/stock"

    assert (await manager.post(stock, json={"by": -2})).json()["stock"] == 0
    error = read_error(await manager.post(stock, json={"by": -1}))
    assert (error.status, error.code) == (409, "out_of_stock")
    assert (await manager.post(stock, json={"by": 5})).json()["stock"] == 5


async def test_concurrent_requests_never_make_the_stock_negative(live_manager: AsyncClient) -> None:
    part = await create(live_manager, "parts", **CHAIN, stock=5)
    stock = f"{PARTS}/{part['id']}/stock"

    responses = await gather(*(live_manager.post(stock, json={"by": -1}) for _ in range(20)))

    assert sorted(response.status_code for response in responses) == [200] * 5 + [409] * 15
    assert (await live_manager.get(f"{PARTS}/{part['id']}")).json()["stock"] == 0


@pytest.fixture
def supplier(live_app: FastAPI, live_manager: AsyncClient) -> dict[str, Response | Exception]:
    """The supplier's responses by SKU."""
    offers: dict[str, Response | Exception] = {}

    def respond(request: Request) -> Response:
        offer = offers[request.url.path.removeprefix("/offers/")]
        if isinstance(offer, Exception):
            raise offer
        return offer

    live_app.state.supplier._transport = MockTransport(respond)
    live_app.state.supplier._mounts = {}
    return offers


async def test_the_offer_of_the_supplier_is_returned(
    live_manager: AsyncClient, supplier: dict[str, Response | Exception]
) -> None:
    part = await create(live_manager, "parts", **CHAIN)
    supplier["CH-11"] = Response(200, json={"price": "12.00", "days": 3})

    response = await live_manager.get(f"{PARTS}/{part['id']}/offer")

    assert response.json() == {"price": "12.00", "days": 3}


@pytest.mark.parametrize(
    "failure", [Response(500), Response(200, text="<html>"), ConnectError("no route")]
)
async def test_a_failure_of_the_supplier_is_a_bad_gateway(
    live_manager: AsyncClient,
    supplier: dict[str, Response | Exception],
    failure: Response | Exception,
) -> None:
    part = await create(live_manager, "parts", **CHAIN)
    supplier["CH-11"] = failure

    error = read_error(await live_manager.get(f"{PARTS}/{part['id']}/offer"))

    assert (error.status, error.code) == (502, "supplier_failed")
