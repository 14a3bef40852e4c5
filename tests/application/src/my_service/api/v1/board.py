"""A WebSocket for the board in the workshop."""

from asyncio import Queue, create_task, timeout

from fastapi import APIRouter, WebSocket

from my_service.api.custom.dependencies import CurrentBoard, CurrentDatabase, CurrentSettings
from my_service.api.custom.security import authenticate_token
from my_service.schemas.order import OrderEvent
from my_service.schemas.user import UserRead

router = APIRouter(prefix="/board", tags=["board"])


@router.websocket("")
async def watch_board(
    socket: WebSocket, database: CurrentDatabase, settings: CurrentSettings, board: CurrentBoard
) -> None:
    """Send every change of an order; the first message of the client is its token."""
    await socket.accept()
    # In seconds.
    async with timeout(10):
        token = await socket.receive_text()
    async with database.read_session() as session:
        user = await authenticate_token(session, token, settings)
    with board.subscribe() as events:
        await socket.send_json(
            UserRead.model_validate(user, from_attributes=True).model_dump(mode="json")
        )
        sending = create_task(_send_events(events, socket))
        # Ignore messages until the client disconnects.
        async for _ in socket.iter_text():
            pass
        sending.cancel()


async def _send_events(events: Queue[OrderEvent], socket: WebSocket) -> None:
    while True:
        await socket.send_text((await events.get()).model_dump_json())
