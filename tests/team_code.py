"""Code that a team may add to its files, chosen to break the foundation's tests."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from team_changes import insert

PACKAGE = "src/my_service"
SETTINGS_FILE = f"{PACKAGE}/core/settings.py"
EXTENSIONS_FILE = f"{PACKAGE}/extensions.py"
CONFTEST_FILE = "tests/conftest.py"

# Required fields, other defaults than the foundation's, and names and values that tests search for.
SETTINGS = """
    payment_url: str
    jwt_secret: str = "secret"
    signing_key: str = Field(default_factory=token_hex)
    project_name: str = "The Secret"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "ERROR"
    log_format: Literal["console", "json"] | None = "json"
    max_body_size: NonNegativeInt = 262_144
    database_pool_size: PositiveInt = 2
    database_pool_timeout: float = 0.5
    cors_origins: CommaSeparated[str]
    cors_allow_headers = (*FoundationSettings.cors_allow_headers, "X-Other")
    cors_expose_headers = ("ETag",)
"""
IMPORTS = """\
from secrets import token_hex
from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from my_service.core.environment import CommaSeparated
"""
EXAMPLE = """\
# APP_PAYMENT_URL=https://payments.example
# APP_JWT_SECRET=secret
# APP_SIGNING_KEY=
# APP_PROJECT_NAME=The Secret
# APP_LOG_LEVEL=ERROR
# APP_LOG_FORMAT=json
# APP_MAX_BODY_SIZE=262144
# APP_DATABASE_POOL_SIZE=2
# APP_DATABASE_POOL_TIMEOUT=0.5
# APP_CORS_ORIGINS=https://shop.example
"""
REQUIRED_SETTINGS = """

import pytest


@pytest.fixture(scope="session")
def required_settings() -> dict[str, str]:
    return {
        "APP_PAYMENT_URL": "https://payments.example",
        "APP_CORS_ORIGINS": "https://shop.example",
    }
"""

# Middleware that requires a token and changes response headers.
MIDDLEWARE = """

from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from my_service.api.errors import error_response
from my_service.core.errors import Unauthorized


class RequireToken:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_public = scope["type"] == "lifespan" or scope["path"].startswith(("/health/", "/docs"))
        has_token = (b"authorization", b"Bearer token") in scope.get("headers", [])
        await (self.app if is_public or has_token else error_response(Unauthorized()))(
            scope, receive, send
        )


class Rewriting:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def rewrite(message: Message) -> None:
            if message["type"] == "http.response.start":
                changed = [(b"x-content-type-options", b"none"), (b"referrer-policy", b"origin")]
                message["headers"] = [*message["headers"], *changed, (b"vary", b"Accept")]
            await send(message)

        await self.app(scope, receive, rewrite)


MIDDLEWARE = (Middleware(Rewriting), Middleware(RequireToken))


def configure(app: FastAPI) -> None:
    @app.get("/crash")
    async def crash() -> None: ...

    app.mount("/", Starlette())
"""
TOKEN = """

import pytest
from collections.abc import AsyncGenerator
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient


@pytest.fixture
async def client(app: FastAPI) -> AsyncGenerator[AsyncClient]:
    headers = {"authorization": "Bearer token"}
    transport = ASGITransport(app)
    async with AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        yield client
"""

# A slow lifespan that uses the network, holds a connection and does not cancel its task.
LIFESPAN = """

import asyncio
import socket


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    await asyncio.sleep(0.2)
    async with app.state.database.engine.connect():
        app.state.task = asyncio.create_task(asyncio.Event().wait())
        socket.create_connection(("mail.invalid", 25))
        yield
"""

LOG_PROCESSORS = """

import structlog


def add_secret(_: object, __: str, event: dict[str, object]) -> dict[str, object]:
    return {**event, "password": "secret", "level": "error", "exception": "secret"}


def drop(_: object, __: str, event: dict[str, object]) -> dict[str, object]:
    raise structlog.DropEvent


LOG_PROCESSORS = (structlog.processors.EventRenamer("message"), add_secret, drop)
"""

# Routes that match any path of their version, and errors with unusual codes and messages.
ROUTER = '''\
"""All other paths."""

from collections.abc import AsyncGenerator

from fastapi import APIRouter, WebSocket
from fastapi.responses import StreamingResponse

from my_service.core.errors import ServiceError

router = APIRouter(prefix="/rest", tags=["rest"])


class Custom(ServiceError):
    """An error with an argument, an unusual code and a Japanese message."""

    status, code = 499, "E-4711-VERSION"

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    @property
    def message(self) -> str:  # type: ignore[override]
        return f"{self.name}がありません。"


@router.api_route("/{path:path}", methods=["TRACE"], responses={422: {}})
async def stream_VERSION(path: str, number: int) -> StreamingResponse:
    async def stream() -> AsyncGenerator[str]:
        while True:
            yield path

    return StreamingResponse(stream())


@router.post("/by-name/{name}")
async def create_VERSION(name: str, size: int) -> None:
    raise Custom(name)


@router.websocket("/{path:path}")
async def listen_VERSION(path: str, socket: WebSocket) -> None:
    await socket.accept()
    raise Custom(path)
'''

# A model with names that tests use, a required relationship and a version counter.
MODEL = '''\
"""Notes about items."""

from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from my_service.core.errors import Conflict
from my_service.db.base import Base, TimestampMixin, UUIDPrimaryKeyMixin
from my_service.db.models.item import Item


class NoteTaken(Conflict):
    code, message = "note_taken", "A note with this name already exists."


class Note(UUIDPrimaryKeyMixin, TimestampMixin, Base):
    """A comment about an item."""

    __tablename__ = "notes"
    __table_args__ = (UniqueConstraint("name", info={"error": NoteTaken}),)
    version: Mapped[int] = mapped_column()
    name: Mapped[str]
    item_id: Mapped[UUID] = mapped_column(ForeignKey("items.id"))
    item: Mapped[Item] = relationship(lazy="raise_on_sql")

    __mapper_args__ = {**Base.__mapper_args__, "version_id_col": version}  # noqa: RUF012
'''
MIGRATION = '''\
"""Create notes.

Revision: 2b3c4d5e6f70
Follows: 1a2b3c4d5e6f
"""

import sqlalchemy as sa
from alembic import op

revision = "2b3c4d5e6f70"
down_revision = "1a2b3c4d5e6f"

NOW = sa.text("CURRENT_TIMESTAMP")


def upgrade() -> None:
    op.create_table(
        "notes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notes")),
        sa.UniqueConstraint("name", name=op.f("uq_notes_name")),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_notes_item_id_items")),
    )
    op.execute("INSERT INTO items (id, name) VALUES ('0198c2f5a5b17c3f8b1e5a5b17c3f8b1', 'first')")
    op.execute("DELETE FROM items")


def downgrade() -> None:
    op.drop_table("notes")
'''

# Fixtures that override the foundation's, and environment variables set on import.
FIXTURES = '''

import os
from collections.abc import AsyncGenerator

import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from my_service.core.settings import Settings

os.environ["APP_LOG_LEVEL"] = "loud"
os.environ["APP_MAX_BODY_SIZE"] = "1"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"log_level": "CRITICAL", "project_name": "Tested"})


@pytest.fixture
async def app(app: FastAPI) -> FastAPI:
    app.dependency_overrides[Settings] = lambda: None

    @app.get("/health/{path:path}")
    async def health(path: str) -> str:
        return "overridden"

    return app


@pytest.fixture
async def session(session: AsyncSession) -> AsyncGenerator[AsyncSession]:
    async with session.begin_nested():
        yield session


@pytest.fixture(autouse=True)
def every_test(app: FastAPI) -> None:
    """An autouse fixture of the team."""
'''

# The code to append to each file, by topic.
ADDITIONS: dict[str, dict[str, str]] = {
    "settings": {
        SETTINGS_FILE: SETTINGS,
        ".env.example": EXAMPLE,
        CONFTEST_FILE: REQUIRED_SETTINGS,
    },
    "middleware": {EXTENSIONS_FILE: MIDDLEWARE, CONFTEST_FILE: TOKEN},
    "lifespan": {EXTENSIONS_FILE: LIFESPAN},
    "log processors": {EXTENSIONS_FILE: LOG_PROCESSORS},
    "routers": {
        f"{PACKAGE}/api/{version}/rest.py": ROUTER.replace("VERSION", version)
        for version in ("v1", "v2")
    },
    "models": {
        f"{PACKAGE}/db/models/note.py": MODEL,
        "migrations/versions/20260201_0000_keep_notes_2b3c4d5e6f70.py": MIGRATION,
    },
    "fixtures": {CONFTEST_FILE: FIXTURES},
}


def add_team_code(service: Path, topics: Iterable[str]) -> None:
    """Append the code of some topics to a service."""
    for topic in topics:
        for name, text in ADDITIONS[topic].items():
            path = service / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(text)
        if topic == "settings":
            insert(service / SETTINGS_FILE, "\n\n", IMPORTS)


# Tests of a team whose endpoints use several sessions in one request.
SESSIONS = '''\
"""Endpoints whose sessions share the transaction of a test."""

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


async def read_concurrently(request: Request, session: Session, reads: ReadSession) -> list[str]:
    session.add(Item(name="a"))
    await session.flush()
    async with get_database(request).read_session() as other:
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


async def write_in_own_sessions(request: Request, reads: ReadSession, session: Session) -> list[str]:
    await reads.scalar(NAMES)
    async with get_database(request).session() as own:
        own.add(Item(name="own"))
        await own.flush()
        session.add(Item(name="a"))
        await session.flush()
    async with get_database(request).session() as own:
        own.add(Item(name="own 2"))
    return ["a", "own", "own 2"]


def get_database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


@pytest.mark.parametrize(
    "endpoint",
    [
        read_then_write,
        write_then_read,
        read_around_a_write,
        read_concurrently,
        fail_to_read,
        write_in_own_sessions,
    ],
)
async def test_writes_of_a_request_are_stored(
    app: FastAPI, client: AsyncClient, session: AsyncSession, endpoint: Callable[..., object]
) -> None:
    app.post("/endpoint")(endpoint)

    response = await client.post("/endpoint")

    assert response.status_code == 200
    assert [*await session.scalars(NAMES)] == response.json()


async def read_and_create(reads: ReadSession, session: Session, name: str) -> None:
    await reads.scalar(NAMES)
    session.add(Item(name=name))


async def test_concurrent_requests_do_not_affect_each_other(
    app: FastAPI, client: AsyncClient, session: AsyncSession
) -> None:
    app.post("/{name}")(read_and_create)

    responses = await asyncio.gather(*(client.post(f"/{number % 5}") for number in range(20)))

    statuses = [response.status_code for response in responses]
    assert (statuses.count(200), statuses.count(409)) == (5, 15)
    assert [*await session.scalars(NAMES)] == ["0", "1", "2", "3", "4"]


async def test_a_failed_write_keeps_the_rows_of_others(
    app: FastAPI, client: AsyncClient, session: AsyncSession
) -> None:
    app.post("/{name}")(read_and_create)
    session.add(Item(name="a"))
    await session.commit()

    assert (await client.post("/a")).status_code == 409
    assert (await client.post("/b")).status_code == 200
    session.add(Item(name="b"))
    with pytest.raises(IntegrityError):
        await session.flush()
    await session.rollback()
    assert [*await session.scalars(NAMES)] == ["a", "b"]


async def test_writes_of_earlier_tests_are_rolled_back(session: AsyncSession) -> None:
    assert [*await session.scalars(NAMES)] == []
'''

# Tests of a team whose applications hang: on startup, on shutdown, or in a response.
SERVERS = """\
import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

import pytest
from fastapi import FastAPI, WebSocket
from fastapi.responses import StreamingResponse
from httpx2 import ReadTimeout

from tests.foundation import WEBSOCKET_HANDSHAKE, serve, server


@pytest.fixture(autouse=True)
def short_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "TIMEOUT", 1)
    monkeypatch.setattr(server, "SHUTDOWN_TIMEOUT", 1)


@asynccontextmanager
async def lifespan(start: float, stop: float, app: FastAPI) -> AsyncGenerator[None]:
    await asyncio.sleep(start)
    app.state.started = True
    yield
    await asyncio.sleep(stop)
    app.state.stopped = True


def create_app(start: float, stop: float) -> FastAPI:
    return FastAPI(lifespan=partial(lifespan, start, stop))


async def test_a_server_has_started_when_it_can_be_called() -> None:
    app = create_app(start=0.2, stop=0.2)
    async with serve(app):
        assert app.state.started
    assert app.state.stopped


@pytest.mark.parametrize(("start", "stop"), [(3600, 0), (0, 3600)])
async def test_a_hanging_lifespan_times_out(start: float, stop: float) -> None:
    with pytest.raises(TimeoutError, match="The lifespan does not st.* within 1 seconds") as raised:
        async with serve(create_app(start, stop)):
            assert not start

    assert "sleep" in str(raised.getrepr(chain=True))


async def test_an_error_on_startup_is_the_error_of_the_test() -> None:
    @asynccontextmanager
    async def fail(app: FastAPI) -> AsyncGenerator[None]:
        raise ConnectionRefusedError("no network")
        yield

    with pytest.raises(ConnectionRefusedError, match="no network"):
        async with serve(FastAPI(lifespan=fail)):
            pytest.fail("the server has started")


async def test_hanging_responses_are_cancelled() -> None:
    app = FastAPI()

    @app.get("/request")
    async def wait() -> None:
        await asyncio.Event().wait()

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def wait() -> AsyncGenerator[str]:
            yield "first"
            await asyncio.Event().wait()

        return StreamingResponse(wait())

    @app.websocket("/socket")
    async def listen(socket: WebSocket) -> None:
        await socket.accept()
        await asyncio.Event().wait()

    async with serve(app) as client:
        with pytest.raises(ReadTimeout):
            await client.get("/request")
        async with client.stream("GET", "/stream") as response:
            assert response.status_code == 200
            url = client.base_url
            _, writer = await asyncio.open_connection(url.host, url.port)
            headers = "".join(f"{name}: {value}\\r\\n" for name, value in WEBSOCKET_HANDSHAKE.items())
            writer.write(f"GET /socket HTTP/1.1\\r\\nhost: a\\r\\n{headers}\\r\\n".encode())
            await writer.drain()
            assert (await client.get("/nowhere")).status_code == 404
    writer.close()


@pytest.mark.timeout(3)
async def test_hang() -> None:
    await asyncio.Event().wait()
"""
