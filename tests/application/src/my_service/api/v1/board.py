"""The board in the workshop over a socket."""

from asyncio import Queue, create_task, timeout

from fastapi import APIRouter, WebSocket

from my_service.api.custom.dependencies import CurrentBoard, CurrentDatabase, CurrentSettings
from my_service.api.custom.security import user_of
from my_service.schemas.order import OrderEvent
from my_service.schemas.user import UserRead

router = APIRouter(prefix="/board", tags=["board"])


@router.websocket("")
async def watch_board(
    socket: WebSocket, database: CurrentDatabase, settings: CurrentSettings, board: CurrentBoard
) -> None:
    """Send every change to clients whose first message is a token."""
    await socket.accept()
    # Seconds; who does not say who they are is not waited for.
    async with timeout(10):
        token = await socket.receive_text()
    async with database.read_session() as session:
        user = await user_of(session, token, settings)
    with board.watch() as events:
        await socket.send_json(
            UserRead.model_validate(user, from_attributes=True).model_dump(mode="json")
        )
        sending = create_task(_pass_on(events, socket))
        # Nothing is said to us any more but that the client has left.
        async for _ in socket.iter_text():
            pass
        sending.cancel()


async def _pass_on(events: Queue[OrderEvent], socket: WebSocket) -> None:
    while True:
        await socket.send_text((await events.get()).model_dump_json())
