"""Fixtures of this service: add yours here; the foundation's come from `tests/foundation.py`."""

from collections.abc import AsyncGenerator
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from my_service.application import create_app
from my_service.core.custom.workshop import Role
from my_service.core.settings import Settings
from my_service.db.base import Base
from my_service.db.models.user import User
from my_service.db.session import Database
from my_service.schemas.user import UserCreate
from my_service.services import passwords, tokens, users

from tests.foundation import serve

pytest_plugins = ["tests.foundation"]

PASSWORD = "correct horse battery"  # noqa: S105 - of those who exist in tests only


@pytest.fixture(scope="session")
def required_settings() -> dict[str, str]:
    """The settings that have no default."""
    return {"APP_JWT_SECRET": "for tests only, which nobody else knows"}


@pytest.fixture(scope="session")
def settings(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The foundation's, with a folder for photos that goes away."""
    return settings.model_copy(update={"photo_folder": tmp_path_factory.mktemp("photos")})


@pytest.fixture(autouse=True)
def _cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "COST", 2)


async def add_user(session: AsyncSession, role: Role, name: str = "") -> User:
    """Somebody who works here."""
    new = UserCreate(name=name or role.value, password=SecretStr(PASSWORD), role=role)
    return await users.create_user(session, new)


@pytest.fixture
async def manager(client: AsyncClient, session: AsyncSession, settings: Settings) -> AsyncClient:
    """The client of a manager, in the transaction of the test."""
    user = await add_user(session, Role.MANAGER)
    client.headers["Authorization"] = f"Bearer {tokens.sign(user.id, settings)}"
    return client


@pytest.fixture
async def running(settings: Settings, engine: AsyncEngine) -> AsyncGenerator[FastAPI]:
    """The service with connections of its own, which leaves no rows behind."""
    app = create_app(settings)
    yield app
    async with engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            await connection.execute(table.delete())


@pytest.fixture
async def workshop(running: FastAPI, settings: Settings) -> AsyncGenerator[AsyncClient]:
    """The client of a manager, who calls the service over the network."""
    async with serve(running) as client:
        database: Database = running.state.database
        async with database.session() as session:
            user = await add_user(session, Role.MANAGER)
        client.headers["Authorization"] = f"Bearer {tokens.sign(user.id, settings)}"
        yield client


async def make(client: AsyncClient, path: str, **fields: Any) -> dict[str, Any]:
    """Store something by way of the API."""
    response = await client.post(f"/api/v1/{path}", json=fields)
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made


async def make_bicycle(client: AsyncClient, **fields: Any) -> dict[str, Any]:
    """Store a bicycle and its customer."""
    email = f"{uuid4().hex}@example.com"
    customer = await make(client, "customers", name="Ada", email=email)
    return await make(
        client, "bicycles", **{"customer_id": customer["id"], "brand": "Koga", **fields}
    )


async def make_order(client: AsyncClient, **fields: Any) -> dict[str, Any]:
    """Bring a bicycle in."""
    bicycle = await make_bicycle(client)
    return await make(
        client, "orders", **{"bicycle_id": bicycle["id"], "complaint": "It squeaks.", **fields}
    )
