"""An application that follows the documentation of FastAPI and SQLAlchemy.

It serves the table of the rendered service, with keys and times of the same kind, but without the
additions of the template. Two choices are in its favour: sessions do not expire on commit, so it
reads no row twice, and its pool is as large as that of the service, so it opens no connection under
load. https://fastapi.tiangolo.com/tutorial/sql-databases/,
https://docs.sqlalchemy.org/en/21/orm/extensions/asyncio.html
"""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, HTTPException, Query
from fastapi.middleware.cors import CORSMiddleware
from keys import uuid7
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import DateTime, String, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

engine = create_async_engine(os.environ["BENCHMARK_DATABASE_URL"], pool_size=10, max_overflow=0)
new_session = async_sessionmaker(engine, expire_on_commit=False)

app = FastAPI()
if origin := os.environ.get("BENCHMARK_CORS_ORIGIN"):
    app.add_middleware(
        CORSMiddleware, allow_origins=[origin], allow_methods=["*"], allow_headers=["*"]
    )


def now() -> datetime:
    return datetime.now(UTC)


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "items"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    description: Mapped[str | None] = mapped_column(String(2000))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now, onupdate=now)


class ItemCreate(BaseModel):
    name: str = Field(min_length=1, max_length=200)
    description: str | None = Field(default=None, max_length=2000)


class ItemUpdate(BaseModel):
    name: str | None = Field(default=None, min_length=1, max_length=200)
    description: str | None = Field(default=None, max_length=2000)


class ItemRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    description: str | None
    created_at: datetime
    updated_at: datetime


async def get_session() -> AsyncIterator[AsyncSession]:
    async with new_session() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]


@app.get("/api/v1/ping")
async def ping() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/api/v1/broken")
async def broken() -> dict[str, str]:
    raise RuntimeError("broken")


@app.post("/api/v1/items", status_code=201, response_model=ItemRead)
async def create_item(new: ItemCreate, session: Session) -> Item:
    item = Item(**new.model_dump())
    session.add(item)
    try:
        await session.commit()
    except IntegrityError:
        raise HTTPException(409, "An item with this name already exists") from None
    return item


@app.get("/api/v1/items", response_model=list[ItemRead])
async def list_items(
    session: Session, offset: int = 0, limit: Annotated[int, Query(le=100)] = 20
) -> list[Item]:
    newest_first = select(Item).order_by(Item.id.desc()).offset(offset).limit(limit)
    return list(await session.scalars(newest_first))


@app.get("/api/v1/items/{item_id}", response_model=ItemRead)
async def get_item(item_id: UUID, session: Session) -> Item:
    item = await session.get(Item, item_id)
    if item is None:
        raise HTTPException(404, "Item not found")
    return item


@app.patch("/api/v1/items/{item_id}", response_model=ItemRead)
async def update_item(item_id: UUID, changes: ItemUpdate, session: Session) -> Item:
    item = await get_item(item_id, session)
    for field, value in changes.model_dump(exclude_unset=True).items():
        setattr(item, field, value)
    await session.commit()
    return item
