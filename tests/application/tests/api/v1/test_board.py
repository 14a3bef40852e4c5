from asyncio import timeout

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.conftest import create_order


def websocket_url(client: AsyncClient) -> str:
    return f"ws://{client.base_url.host}:{client.base_url.port}/api/v1/board"


async def test_the_board_sends_every_change(live_manager: AsyncClient, live_app: FastAPI) -> None:
    order = await create_order(live_manager)
    token = live_manager.headers["Authorization"].removeprefix("Bearer ")
    async with timeout(10), connect(websocket_url(live_manager)) as socket:
        await socket.send(token)
        assert '"manager"' in str(await socket.recv())

        await live_manager.patch(
            f"/api/v1/orders/{order['id']}",
            json={"status": "in repair"},
            headers={"If-Match": '"1"'},
        )

        assert '"in repair"' in str(await socket.recv())


async def test_the_board_requires_a_token(live_manager: AsyncClient) -> None:
    async with timeout(10), connect(websocket_url(live_manager)) as socket:
        await socket.send("not a token")
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()

    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, "token_invalid")
