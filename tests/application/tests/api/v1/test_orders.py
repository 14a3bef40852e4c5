import json
from asyncio import gather, timeout
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from tests.conftest import make, make_bicycle, make_order
from tests.foundation.error_format import read_error

ORDERS = "/api/v1/orders"
KEY = {"Idempotency-Key": "4f1c1a52-6e0b"}


async def change(client: AsyncClient, order: dict[str, Any], **fields: Any) -> Response:
    headers = {"If-Match": f'"{order["version"]}"'}
    return await client.patch(f"{ORDERS}/{order['id']}", json=fields, headers=headers)


async def test_a_bicycle_is_taken_in_once(manager: AsyncClient) -> None:
    bicycle = await make_bicycle(manager)
    new = {"bicycle_id": bicycle["id"], "complaint": "It squeaks.", "estimate": "10.50"}
    response = await manager.post(ORDERS, json=new)

    order = response.json()
    assert (order["status"], order["estimate"], order["total"]) == ("received", "10.50", "0")
    assert response.headers["etag"] == '"1"'
    read = await manager.get(response.headers["location"])
    assert (read.json(), read.headers["etag"]) == (order, '"1"')
    again = read_error(await manager.post(ORDERS, json=new))
    assert (again.status, again.code) == (409, "bicycle_in_repair")


async def test_version_1_says_that_it_will_be_gone(manager: AsyncClient) -> None:
    first = await manager.get(ORDERS)

    assert first.headers["deprecation"].startswith("@")
    assert first.headers["sunset"].endswith("GMT")
    assert read_error(await manager.get("/api/v0/orders")).status == 410


async def test_the_second_bringing_in_by_a_key_is_the_first(manager: AsyncClient) -> None:
    bicycle = await make_bicycle(manager)
    new = {"bicycle_id": bicycle["id"], "complaint": "It squeaks."}

    first = await manager.post(ORDERS, json=new, headers=KEY)
    second = await manager.post(ORDERS, json=new, headers=KEY)
    other = await manager.post(ORDERS, json={**new, "complaint": "Flat."}, headers=KEY)

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    assert second.headers["idempotent-replayed"] == "true"
    assert read_error(other).code == "idempotency_key_reused"


async def test_one_of_many_requests_with_a_key_is_carried_out(workshop: AsyncClient) -> None:
    bicycle = await make_bicycle(workshop)
    new = {"bicycle_id": bicycle["id"], "complaint": "It squeaks."}

    responses = await gather(*(workshop.post(ORDERS, json=new, headers=KEY) for _ in range(10)))

    made = {response.json()["id"] for response in responses if response.status_code == 201}
    assert len(made) == 1
    assert {response.status_code for response in responses} <= {201, 409}
    assert len((await workshop.get(ORDERS)).json()["items"]) == 1


async def test_a_change_names_the_version_that_was_read(workshop: AsyncClient) -> None:
    order = await make_order(workshop)
    address = f"{ORDERS}/{order['id']}"

    without = read_error(await workshop.patch(address, json={"estimate": 5}))
    changed = await workshop.patch(address, json={"estimate": 5}, headers={"If-Match": '"1"'})
    late = read_error(await change(workshop, order, estimate=6))
    odd = await workshop.patch(address, json={}, headers={"If-Match": "1"})

    assert (without.status, without.code) == (428, "version_required")
    assert (changed.json()["version"], changed.headers["etag"]) == (2, '"2"')
    assert (late.status, late.code) == (412, "order_changed")
    assert read_error(odd).fields == {"/header/if-match": "validation_error"}


async def test_of_those_who_change_a_version_at_once_one_does(workshop: AsyncClient) -> None:
    order = await make_order(workshop)

    responses = await gather(*(change(workshop, order, estimate=number) for number in range(10)))

    assert [response.status_code for response in responses].count(200) == 1
    assert {response.status_code for response in responses} <= {200, 409, 412}


async def test_a_repair_goes_its_way(workshop: AsyncClient) -> None:
    order = await make_order(workshop)

    assert read_error(await change(workshop, order, status="ready")).code == "step_not_possible"
    refused = read_error(await change(workshop, order, status="lost"))

    assert refused.fields == {"/status": "enum"}


@pytest.mark.parametrize("moment", ["2026-01-01T00:00:00", "0001-01-01T00:00:00+14:00", 1e300])
async def test_a_moment_that_is_none_is_refused(manager: AsyncClient, moment: object) -> None:
    bicycle = await make_bicycle(manager)
    new = {"bicycle_id": bicycle["id"], "complaint": "Flat.", "promised_for": moment}

    assert read_error(await manager.post(ORDERS, json=new)).status == 422


async def test_parts_leave_the_stock_and_are_paid_for(manager: AsyncClient) -> None:
    order = await make_order(manager)
    part = await make(manager, "parts", sku="CH-11", name="Chain", price="24.90", stock=3)
    lines = f"{ORDERS}/{order['id']}/lines"

    built_in = await manager.post(lines, json={"part_id": part["id"], "quantity": 3})
    again = await manager.post(lines, json={"part_id": part["id"]})

    assert built_in.json()["total"] == "74.70"
    assert built_in.headers["etag"] == '"2"'
    assert read_error(again).code == "out_of_stock"
    assert (await manager.get(f"/api/v1/parts/{part['id']}")).json()["stock"] == 0


async def test_several_work_on_a_repair(manager: AsyncClient) -> None:
    order = await make_order(manager)
    me = (await manager.get("/api/v1/users/me")).json()
    address = f"{ORDERS}/{order['id']}/mechanics/{me['id']}"

    assigned = (await manager.put(address)).json()

    assert (assigned["mechanics"], assigned["version"]) == ([me], 2)
    assert (await manager.put(address)).json() == assigned
    assert (await manager.get(f"{ORDERS}?status=received")).json()["items"] == [assigned]
    assert (await manager.get(f"{ORDERS}?status=ready")).json()["items"] == []


async def test_the_customer_is_written_to_when_it_is_ready(
    workshop: AsyncClient, running: FastAPI
) -> None:
    order = await make_order(workshop)
    order = (await change(workshop, order, status="in repair")).json()
    assert running.state.mailer.sent == []

    await change(workshop, order, status="ready")

    async with timeout(10):
        while not running.state.mailer.sent:
            await workshop.get("/health/live")
    [letter] = running.state.mailer.sent
    assert letter["To"].endswith("@example.com")


async def events_in(response: Response) -> AsyncIterator[dict[str, Any]]:
    async for line in response.aiter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


async def test_a_repair_is_followed_to_its_end(workshop: AsyncClient, running: FastAPI) -> None:
    order = await make_order(workshop)
    seen = []
    async with timeout(10), workshop.stream("GET", f"{ORDERS}/{order['id']}/events") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        async for event in events_in(response):
            seen.append(event["status"])
            if event["status"] == "received":
                await change(workshop, order, status="cancelled")

    assert seen == ["received", "cancelled"]
    assert running.state.board.watchers == 0


async def test_what_is_unknown_cannot_be_followed(workshop: AsyncClient) -> None:
    bicycle = await make_bicycle(workshop)

    response = await workshop.get(f"{ORDERS}/{bicycle['id']}/events")

    assert read_error(response).code == "order_not_found"
