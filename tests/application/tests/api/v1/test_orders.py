import json
from asyncio import gather, timeout
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from tests.conftest import create, create_bicycle, create_order
from tests.foundation.error_format import read_error

ORDERS = "/api/v1/orders"
KEY = {"Idempotency-Key": "4f1c1a52-6e0b"}


async def change(client: AsyncClient, order: dict[str, Any], **fields: Any) -> Response:
    headers = {"If-Match": f'"{order["version"]}"'}
    return await client.patch(f"{ORDERS}/{order['id']}", json=fields, headers=headers)


async def test_a_bicycle_has_one_open_order(manager: AsyncClient) -> None:
    bicycle = await create_bicycle(manager)
    new = {"bicycle_id": bicycle["id"], "complaint": "It squeaks.", "estimate": "10.50"}
    response = await manager.post(ORDERS, json=new)

    order = response.json()
    assert (order["status"], order["estimate"], order["total"]) == ("received", "10.50", "0")
    assert response.headers["etag"] == '"1"'
    read = await manager.get(response.headers["location"])
    assert (read.json(), read.headers["etag"]) == (order, '"1"')
    again = read_error(await manager.post(ORDERS, json=new))
    assert (again.status, again.code) == (409, "bicycle_in_repair")


async def test_version_1_is_deprecated(manager: AsyncClient) -> None:
    first = await manager.get(ORDERS)

    assert first.headers["deprecation"].startswith("@")
    assert first.headers["sunset"].endswith("GMT")
    assert read_error(await manager.get("/api/v0/orders")).status == 410


async def test_a_repeated_request_with_a_key_returns_the_same_order(manager: AsyncClient) -> None:
    bicycle = await create_bicycle(manager)
    new = {"bicycle_id": bicycle["id"], "complaint": "It squeaks."}

    first = await manager.post(ORDERS, json=new, headers=KEY)
    second = await manager.post(ORDERS, json=new, headers=KEY)
    other = await manager.post(ORDERS, json={**new, "complaint": "Flat."}, headers=KEY)

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    assert second.headers["idempotent-replayed"] == "true"
    assert read_error(other).code == "idempotency_key_reused"


async def test_concurrent_requests_with_a_key_create_one_order(live_manager: AsyncClient) -> None:
    bicycle = await create_bicycle(live_manager)
    new = {"bicycle_id": bicycle["id"], "complaint": "It squeaks."}

    responses = await gather(*(live_manager.post(ORDERS, json=new, headers=KEY) for _ in range(10)))

    created = {response.json()["id"] for response in responses if response.status_code == 201}
    assert len(created) == 1
    assert {response.status_code for response in responses} <= {201, 409}
    assert len((await live_manager.get(ORDERS)).json()["items"]) == 1


async def test_a_change_requires_the_current_version(live_manager: AsyncClient) -> None:
    order = await create_order(live_manager)
    url = f"{ORDERS}/{order['id']}"

    missing = read_error(await live_manager.patch(url, json={"estimate": 5}))
    changed = await live_manager.patch(url, json={"estimate": 5}, headers={"If-Match": '"1"'})
    late = read_error(await change(live_manager, order, estimate=6))
    malformed = await live_manager.patch(url, json={}, headers={"If-Match": "1"})

    assert (missing.status, missing.code) == (428, "version_required")
    assert (changed.json()["version"], changed.headers["etag"]) == (2, '"2"')
    assert (late.status, late.code) == (412, "order_changed")
    assert read_error(malformed).fields == {"/header/if-match": "validation_error"}


async def test_one_of_several_concurrent_changes_succeeds(live_manager: AsyncClient) -> None:
    order = await create_order(live_manager)

    responses = await gather(
        *(change(live_manager, order, estimate=number) for number in range(10))
    )

    assert [response.status_code for response in responses].count(200) == 1
    assert {response.status_code for response in responses} <= {200, 409, 412}


async def test_invalid_status_changes_are_refused(live_manager: AsyncClient) -> None:
    order = await create_order(live_manager)

    assert (
        read_error(await change(live_manager, order, status="ready")).code == "invalid_transition"
    )
    refused = read_error(await change(live_manager, order, status="lost"))

    assert refused.fields == {"/status": "enum"}


@pytest.mark.parametrize("value", ["2026-01-01T00:00:00", "0001-01-01T00:00:00+14:00", 1e300])
async def test_an_invalid_time_is_refused(manager: AsyncClient, value: object) -> None:
    bicycle = await create_bicycle(manager)
    new = {"bicycle_id": bicycle["id"], "complaint": "Flat.", "promised_for": value}

    assert read_error(await manager.post(ORDERS, json=new)).status == 422


async def test_lines_take_from_the_stock_and_add_to_the_total(manager: AsyncClient) -> None:
    order = await create_order(manager)
    part = await create(manager, "parts", sku="CH-11", name="Chain", price="24.90", stock=3)
    lines = f"{ORDERS}/{order['id']}/lines"

    added = await manager.post(lines, json={"part_id": part["id"], "quantity": 3})
    again = await manager.post(lines, json={"part_id": part["id"]})

    assert added.json()["total"] == "74.70"
    assert added.headers["etag"] == '"2"'
    assert read_error(again).code == "out_of_stock"
    assert (await manager.get(f"/api/v1/parts/{part['id']}")).json()["stock"] == 0


async def test_mechanics_can_be_assigned(manager: AsyncClient) -> None:
    order = await create_order(manager)
    me = (await manager.get("/api/v1/users/me")).json()
    url = f"{ORDERS}/{order['id']}/mechanics/{me['id']}"

    assigned = (await manager.put(url)).json()

    assert (assigned["mechanics"], assigned["version"]) == ([me], 2)
    assert (await manager.put(url)).json() == assigned
    assert (await manager.get(f"{ORDERS}?status=received")).json()["items"] == [assigned]
    assert (await manager.get(f"{ORDERS}?status=ready")).json()["items"] == []


async def test_the_customer_gets_an_email_when_the_bicycle_is_ready(
    live_manager: AsyncClient, live_app: FastAPI
) -> None:
    order = await create_order(live_manager)
    order = (await change(live_manager, order, status="in repair")).json()
    assert live_app.state.mailer.sent == []

    await change(live_manager, order, status="ready")

    async with timeout(10):
        while not live_app.state.mailer.sent:
            await live_manager.get("/health/live")
    [mail] = live_app.state.mailer.sent
    assert mail["To"].endswith("@example.com")


async def read_events(response: Response) -> AsyncIterator[dict[str, Any]]:
    async for line in response.aiter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


async def test_an_order_is_streamed_until_it_is_closed(
    live_manager: AsyncClient, live_app: FastAPI
) -> None:
    order = await create_order(live_manager)
    statuses = []
    async with (
        timeout(10),
        live_manager.stream("GET", f"{ORDERS}/{order['id']}/events") as response,
    ):
        assert response.headers["content-type"].startswith("text/event-stream")
        async for event in read_events(response):
            statuses.append(event["status"])
            if event["status"] == "received":
                await change(live_manager, order, status="cancelled")

    assert statuses == ["received", "cancelled"]
    assert live_app.state.board.subscribers == 0


async def test_an_unknown_order_cannot_be_streamed(live_manager: AsyncClient) -> None:
    bicycle = await create_bicycle(live_manager)

    response = await live_manager.get(f"{ORDERS}/{bicycle['id']}/events")

    assert read_error(response).code == "order_not_found"
