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

from tests.conftest import create_order
from tests.foundation import serve


async def test_old_login_failures_are_deleted(live_app: FastAPI) -> None:
    database: Database = live_app.state.database
    async with database.session() as session:
        long_ago = datetime.now(UTC) - timedelta(days=2)
        session.add(LoginFailure(name=uuid4().hex, failed_at=long_ago))
    count = select(func.count(LoginFailure.id))

    async with timeout(10), serve(live_app) as client, database.read_session() as session:
        while await session.scalar(count):
            await client.get("/health/live")


async def test_customers_get_an_email_for_overdue_orders(
    live_manager: AsyncClient, live_app: FastAPI
) -> None:
    await create_order(live_manager, promised_for="2026-01-01T12:00:00+01:00")
    await create_order(live_manager)
    mailer: Mailer = live_app.state.mailer

    assert await orders.send_overdue_notices(live_app.state.database, mailer) == 1
    assert [mail["Subject"] for mail in mailer.sent] == ["Your repair takes longer"]
