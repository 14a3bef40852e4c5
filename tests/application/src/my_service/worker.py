"""Sends emails for overdue orders: `uv run python -m my_service.worker`."""

import asyncio
import signal
from contextlib import suppress

from structlog import get_logger

from my_service.runtime import runtime
from my_service.services import orders
from my_service.services.mail import Mailer

logger = get_logger()


async def work(interval: float = 3600) -> None:
    """Send the emails every `interval` seconds, until SIGTERM."""
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    async with runtime() as service:
        mailer = Mailer(service.settings.mail)
        while not stopping.is_set():
            count = await orders.send_overdue_notices(service.database, mailer)
            logger.info("overdue_notices_sent", count=count)
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), interval)


if __name__ == "__main__":
    asyncio.run(work())
