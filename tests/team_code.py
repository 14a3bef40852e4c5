"""What a team may write in each of the places that a service gives it, at its most inconvenient."""

from __future__ import annotations

# Tests of a team, whose endpoints use several sessions in one request.
SESSIONS = '''\
"""Endpoints whose sessions meet in the one transaction of a test."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI, Request
from httpx2 import AsyncClient
from sqlalchemy import literal_column, select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from my_service.api.dependencies import ReadSession, Session
from my_service.db.models.item import Item
from my_service.db.session import Database

NAMES = select(Item.name).order_by(Item.name)


async def find_user(reads: ReadSession) -> AsyncGenerator[str]:
    await reads.scalar(NAMES)
    yield "user"
    await reads.scalar(NAMES)


User = Annotated[str, Depends(find_user, scope="function")]


async def read_then_write(reads: ReadSession, session: Session) -> list[str]:
    assert await reads.scalar(NAMES) is None
    session.add(Item(name="a"))
    await session.flush()
    return [*await reads.scalars(NAMES)]


async def write_then_read(session: Session, reads: ReadSession) -> list[str]:
    return await read_then_write(reads, session)


async def read_around_a_write(user: User, session: Session) -> list[str]:
    session.add(Item(name=user))
    return [user]


async def read_at_once(request: Request, session: Session, reads: ReadSession) -> list[str]:
    session.add(Item(name="a"))
    await session.flush()
    async with database_of(request).read_session() as other:
        one, two = await asyncio.gather(reads.scalars(NAMES), other.scalars(NAMES))
        assert [*one] == [*two]
    session.add(Item(name="b"))
    return ["a", "b"]


async def fail_to_read(session: Session, reads: ReadSession) -> list[str]:
    session.add(Item(name="a"))
    await session.flush()
    with suppress(DBAPIError):
        await reads.scalars(select(literal_column("nothing")))
    session.add(Item(name="b"))
    return ["a", "b"]


async def write_apart(request: Request, reads: ReadSession, session: Session) -> list[str]:
    await reads.scalar(NAMES)
    async with database_of(request).session() as own:
        own.add(Item(name="own"))
        await own.flush()
        session.add(Item(name="a"))
        await session.flush()
    async with database_of(request).session() as own:
        own.add(Item(name="own, too"))
    return ["a", "own", "own, too"]


def database_of(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


@pytest.mark.parametrize(
    "endpoint",
    [
        read_then_write,
        write_then_read,
        read_around_a_write,
        read_at_once,
        fail_to_read,
        write_apart,
    ],
)
async def test_what_a_request_writes_is_stored(
    app: FastAPI, client: AsyncClient, session: AsyncSession, endpoint: Callable[..., object]
) -> None:
    app.post("/it")(endpoint)

    response = await client.post("/it")

    assert response.status_code == 200
    assert [*await session.scalars(NAMES)] == response.json()


async def take(reads: ReadSession, session: Session, name: str) -> None:
    await reads.scalar(NAMES)
    session.add(Item(name=name))


async def test_requests_at_once_are_as_good_as_one_after_the_other(
    app: FastAPI, client: AsyncClient, session: AsyncSession
) -> None:
    app.post("/{name}")(take)

    responses = await asyncio.gather(*(client.post(f"/{number % 5}") for number in range(20)))

    statuses = [response.status_code for response in responses]
    assert (statuses.count(200), statuses.count(409)) == (5, 15)
    assert [*await session.scalars(NAMES)] == ["0", "1", "2", "3", "4"]


async def test_a_write_that_fails_takes_nothing_else_with_it(
    app: FastAPI, client: AsyncClient, session: AsyncSession
) -> None:
    app.post("/{name}")(take)
    session.add(Item(name="a"))
    await session.commit()

    assert (await client.post("/a")).status_code == 409
    assert (await client.post("/b")).status_code == 200
    session.add(Item(name="b"))
    with pytest.raises(IntegrityError):
        await session.flush()
    await session.rollback()
    assert [*await session.scalars(NAMES)] == ["a", "b"]


async def test_the_next_test_begins_with_nothing(session: AsyncSession) -> None:
    assert [*await session.scalars(NAMES)] == []
'''
