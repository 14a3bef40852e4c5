from asyncio import timeout

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.conftest import make_order


def address_of(client: AsyncClient) -> str:
    return f"ws://{client.base_url.host}:{client.base_url.port}/api/v1/board"


async def test_who_watches_is_told_of_every_change(workshop: AsyncClient, running: FastAPI) -> None:
    order = await make_order(workshop)
    token = workshop.headers["Authorization"].removeprefix("Bearer ")
    async with timeout(10), connect(address_of(workshop)) as socket:
        await socket.send(token)
        assert '"manager"' in str(await socket.recv())

        await workshop.patch(
            f"/api/v1/orders/{order['id']}",
            json={"status": "in repair"},
            headers={"If-Match": '"1"'},
        )

        assert '"in repair"' in str(await socket.recv())


async def test_a_stranger_is_shown_the_door(workshop: AsyncClient) -> None:
    async with timeout(10), connect(address_of(workshop)) as socket:
        await socket.send("not a token")
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()

    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, "token_invalid")
