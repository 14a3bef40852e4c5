"""The statements of the floor, with aiosqlite on one connection."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from uuid import UUID

import aiosqlite

NameTaken = sqlite3.IntegrityError


class Rows:
    """The rows of the table; keys are hexadecimal."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self.connection = connection

    @classmethod
    @asynccontextmanager
    async def connect(cls, url: str) -> AsyncIterator[Rows]:
        file = url.partition(":///")[2]
        # Each statement is a transaction.
        async with aiosqlite.connect(file, isolation_level=None) as connection:
            connection.row_factory = sqlite3.Row
            yield cls(connection)

    async def list(self, limit: int, offset: int) -> Iterable[sqlite3.Row]:
        statement = "SELECT * FROM items ORDER BY id DESC LIMIT ? OFFSET ?"
        return await self.connection.execute_fetchall(statement, (limit, offset))

    async def get(self, item_id: UUID) -> sqlite3.Row | None:
        return await self._fetch("SELECT * FROM items WHERE id = ?", item_id.hex)

    async def create(self, item_id: UUID, name: str, description: str | None) -> sqlite3.Row | None:
        statement = "INSERT INTO items (id, name, description) VALUES (?, ?, ?) RETURNING *"
        return await self._fetch(statement, item_id.hex, name, description)

    async def describe(self, item_id: UUID, description: str | None) -> sqlite3.Row | None:
        statement = (
            "UPDATE items SET description = ?, updated_at = CURRENT_TIMESTAMP"
            " WHERE id = ? RETURNING *"
        )
        return await self._fetch(statement, description, item_id.hex)

    async def _fetch(self, statement: str, *values: str | None) -> sqlite3.Row | None:
        rows = await self.connection.execute_fetchall(statement, values)
        return next(iter(rows), None)
