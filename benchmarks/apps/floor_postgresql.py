"""The statements of the floor, with asyncpg."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg

NameTaken = asyncpg.UniqueViolationError


class Rows:
    """The rows of the table."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool

    @classmethod
    @asynccontextmanager
    async def connect(cls, url: str) -> AsyncIterator[Rows]:
        dsn = url.replace("+asyncpg", "")
        async with asyncpg.create_pool(dsn, min_size=10, max_size=10) as pool:
            yield cls(pool)

    async def list(self, limit: int, offset: int) -> list[asyncpg.Record]:
        statement = "SELECT * FROM items ORDER BY id DESC LIMIT $1 OFFSET $2"
        return await self.pool.fetch(statement, limit, offset)

    async def get(self, item_id: UUID) -> asyncpg.Record | None:
        return await self.pool.fetchrow("SELECT * FROM items WHERE id = $1", item_id)

    async def create(self, item_id: UUID, name: str, description: str | None) -> asyncpg.Record:
        statement = "INSERT INTO items (id, name, description) VALUES ($1, $2, $3) RETURNING *"
        return await self.pool.fetchrow(statement, item_id, name, description)

    async def describe(self, item_id: UUID, description: str | None) -> asyncpg.Record | None:
        statement = (
            "UPDATE items SET description = $2, updated_at = CURRENT_TIMESTAMP"
            " WHERE id = $1 RETURNING *"
        )
        return await self.pool.fetchrow(statement, item_id, description)
