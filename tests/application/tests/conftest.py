"""Fixtures of this service: add yours here; the foundation's come from `tests/foundation`."""

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

PASSWORD = "correct horse battery"  # noqa: S105 - of users in tests


@pytest.fixture(scope="session")
def required_settings() -> dict[str, str]:
    """The settings without a default."""
    return {"APP_JWT_SECRET": "a secret of 32 characters, for tests"}


@pytest.fixture(scope="session")
def settings(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The foundation's settings, with a temporary folder for photos."""
    return settings.model_copy(update={"photo_folder": tmp_path_factory.mktemp("photos")})


@pytest.fixture(autouse=True)
def _fast_password_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "COST", 2)


async def add_user(session: AsyncSession, role: Role, name: str = "") -> User:
    """Create a user."""
    new = UserCreate(name=name or role.value, password=SecretStr(PASSWORD), role=role)
    return await users.create_user(session, new)


@pytest.fixture
async def manager(client: AsyncClient, session: AsyncSession, settings: Settings) -> AsyncClient:
    """A client with a manager's token, in the transaction of the test."""
    user = await add_user(session, Role.MANAGER)
    client.headers["Authorization"] = f"Bearer {tokens.create_token(user.id, settings)}"
    return client


@pytest.fixture
async def live_app(settings: Settings, engine: AsyncEngine) -> AsyncGenerator[FastAPI]:
    """The application with real commits; the rows are deleted after the test."""
    app = create_app(settings)
    yield app
    async with engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            await connection.execute(table.delete())


@pytest.fixture
async def live_manager(live_app: FastAPI, settings: Settings) -> AsyncGenerator[AsyncClient]:
    """A client with a manager's token, for a running server."""
    async with serve(live_app) as client:
        database: Database = live_app.state.database
        async with database.session() as session:
            user = await add_user(session, Role.MANAGER)
        client.headers["Authorization"] = f"Bearer {tokens.create_token(user.id, settings)}"
        yield client


async def create(client: AsyncClient, path: str, **fields: Any) -> dict[str, Any]:
    """Create a resource with a POST request."""
    response = await client.post(f"/api/v1/{path}", json=fields)
    assert response.status_code == 201, response.text
    created: dict[str, Any] = response.json()
    return created


async def create_bicycle(client: AsyncClient, **fields: Any) -> dict[str, Any]:
    """Create a bicycle and its customer."""
    email = f"{uuid4().hex}@example.com"
    customer = await create(client, "customers", name="Ada", email=email)
    return await create(
        client, "bicycles", **{"customer_id": customer["id"], "brand": "Koga", **fields}
    )


async def create_order(client: AsyncClient, **fields: Any) -> dict[str, Any]:
    """Create an order and its bicycle."""
    bicycle = await create_bicycle(client)
    return await create(
        client, "orders", **{"bicycle_id": bicycle["id"], "complaint": "It squeaks.", **fields}
    )
