"""The service's own middleware, log processors and lifespan; see the README."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime

from fastapi import FastAPI
from httpx2 import AsyncClient
from starlette.middleware import Middleware
from structlog import get_logger
from structlog.typing import EventDict, Processor, WrappedLogger

from my_service.api.custom.deprecation import Deprecation
from my_service.core.settings import Settings
from my_service.db.session import Database
from my_service.services import idempotency, users
from my_service.services.board import Board
from my_service.services.mail import Mailer

logger = get_logger()

# Around every request that RequestGuard accepts; the first one is outermost. Responses to unhandled
# exceptions do not pass through it. Write pure ASGI middleware: BaseHTTPMiddleware breaks context
# variables and is slower.
MIDDLEWARE: Sequence[Middleware] = (
    Middleware(
        Deprecation,
        path="/api/v1/orders",
        since=datetime(2026, 1, 1, tzinfo=UTC),
        removed="/api/v0/",
    ),
)


def _add_shop(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {**event, "shop": "north"}


# Run on every log line before it is rendered.
LOG_PROCESSORS: Sequence[Processor] = (_add_shop,)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Open resources of the service, such as clients, on `app.state`; close them after `yield`."""
    settings: Settings = app.state.settings
    async with AsyncExitStack() as stack:
        app.state.board = Board()
        app.state.mailer = Mailer(settings.mail)
        app.state.supplier = await stack.enter_async_context(
            AsyncClient(base_url=str(settings.supplier_url), timeout=5)
        )
        cleanup = asyncio.create_task(_clean_up(app.state.database, settings.cleanup_interval))
        stack.push_async_callback(_cancel, cleanup)
        yield


async def _clean_up(database: Database, interval: float) -> None:
    while True:
        try:
            async with database.session() as session:
                await idempotency.delete_expired_keys(session)
                await users.delete_old_failures(session)
        except Exception:
            # The database may be available again at the next cleanup.
            logger.exception("cleanup_failed")
        await asyncio.sleep(interval)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
