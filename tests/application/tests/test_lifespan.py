from asyncio import timeout
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import func, select

from my_service.db.models.login_failure import LoginFailure
from my_service.db.session import Database
from my_service.services import orders
from my_service.services.mail import Mailer

from tests.conftest import make_order
from tests.foundation import serve


async def test_what_is_old_is_tidied_up_while_it_runs(running: FastAPI) -> None:
    database: Database = running.state.database
    async with database.session() as session:
        long_ago = datetime.now(UTC) - timedelta(days=2)
        session.add(LoginFailure(name=uuid4().hex, failed_at=long_ago))
    count = select(func.count(LoginFailure.id))

    async with timeout(10), serve(running) as client, database.read_session() as session:
        while await session.scalar(count):
            await client.get("/health/live")


async def test_who_waits_for_too_long_is_written_to(
    workshop: AsyncClient, running: FastAPI
) -> None:
    await make_order(workshop, promised_for="2026-01-01T12:00:00+01:00")
    await make_order(workshop)
    mailer: Mailer = running.state.mailer

    assert await orders.remind_of_overdue(running.state.database, mailer) == 1
    assert [letter["Subject"] for letter in mailer.sent] == ["It takes longer"]
