"""The changes that a team makes to a new service, in each of its files and folders."""

from __future__ import annotations

from pathlib import Path

PACKAGE = "src/my_service"

ROUTER = '''\
"""Books over HTTP."""

from fastapi import APIRouter, status

from my_service.api.dependencies import ReadSession, Session
from my_service.api.pagination import PageOf, PageQuery
from my_service.db.models.book import Book
from my_service.db.pagination import Page
from my_service.schemas.book import BookCreate, BookRead
from my_service.services import books

router = APIRouter(prefix="/books", tags=["books"])


@router.post("", status_code=status.HTTP_201_CREATED, response_model=BookRead)
async def create_book(session: Session, new: BookCreate) -> Book:
    """Put a book on the shelf."""
    return await books.create_book(session, new)


@router.get("", response_model=PageOf[BookRead])
async def list_books(session: ReadSession, page: PageQuery) -> Page[Book]:
    """Page through all books, newest first."""
    return await books.list_books(session, limit=page.limit, cursor=page.cursor)
'''

SERVICE = '''\
"""What can be done with books."""

from sqlalchemy.ext.asyncio import AsyncSession

from my_service.core.errors import Conflict, Invalid
from my_service.db.models.book import Book
from my_service.db.pagination import Page, paginate
from my_service.db.session import AsyncReadSession
from my_service.schemas.book import BookCreate


class ShelfIsFull(Conflict):
    code, message = "shelf_is_full", "The shelf is full."


async def create_book(session: AsyncSession, new: BookCreate) -> Book:
    """Put a book on the shelf.

    Raises:
        Invalid: it has no pages.
        ShelfIsFull: it has no room for another.
    """
    if not new.pages:
        raise Invalid("A book has pages.", pointer="/pages")
    if new.title == "The last one":
        raise ShelfIsFull
    book = Book(**new.model_dump())
    session.add(book)
    await session.flush()
    return book


async def list_books(session: AsyncReadSession, *, limit: int, cursor: str | None) -> Page[Book]:
    """One page of all books, newest first."""
    return await paginate(session, Book, limit=limit, cursor=cursor)
'''

SCHEMA = '''\
"""Books in requests and responses."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from my_service.core.types import Text


class BookCreate(BaseModel):
    """A new book."""

    title: Annotated[Text, Field(max_length=100)]
    pages: Annotated[int, Field(ge=0, le=10_000)]


class BookRead(BaseModel):
    """A book as it is stored."""

    id: UUID
    title: str
    pages: int
'''

MODEL = '''\
"""The table of books."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from my_service.db.base import Base, KeyMixin, TimestampMixin


class Book(KeyMixin, TimestampMixin, Base):
    """Something to read."""

    __tablename__ = "books"

    title: Mapped[str] = mapped_column(String(100))
    pages: Mapped[int]
'''

MIGRATION = '''\
"""Replace items with books.

Revision: 2b3c4d5e6f70
Follows: 1a2b3c4d5e6f
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "2b3c4d5e6f70"
down_revision: str | Sequence[str] | None = "1a2b3c4d5e6f"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

NOW = sa.text("CURRENT_TIMESTAMP")


def upgrade() -> None:
    """Change the schema."""
    op.drop_table("items")
    op.create_table(
        "books",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_books")),
    )


def downgrade() -> None:
    """Revert the change."""
    op.drop_table("books")
    op.create_table(
        "items",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_items")),
    )
'''

SETTINGS = '''\
"""The settings of this service: add yours here."""

from my_service.core.foundation_settings import FoundationSettings


class Settings(FoundationSettings):
    """Every setting of the service; a field `payment_url` is set by `APP_PAYMENT_URL`."""

    shelf: str = "north"
'''

EXTENSIONS = '''\
"""The service's own middleware, log processors and lifespan; see the README."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.typing import EventDict, Processor, WrappedLogger


class Marking:
    """Marks every request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        scope["marked"] = True
        await self.app(scope, receive, send)


def add_shelf(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Add the shelf to every line."""
    return {**event, "shelf": "north"}


MIDDLEWARE: Sequence[Middleware] = (Middleware(Marking),)

LOG_PROCESSORS: Sequence[Processor] = (add_shelf,)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Open resources on `app.state`, and close them after `yield`."""
    app.state.shelf = app.state.settings.shelf
    yield
'''

CONFTEST = '''\
"""Fixtures of this service: add yours here; the foundation's come from `tests/foundation.py`."""

import pytest

pytest_plugins = ["tests.foundation"]


@pytest.fixture
def book() -> dict[str, object]:
    """A book that the shelf takes."""
    return {"title": "Walden", "pages": 320}
'''

TESTS = """\
import json

import pytest
from fastapi import Request
from fastapi.testclient import TestClient
from httpx2 import AsyncClient

from my_service.core.settings import Settings
from my_service.main import create_app

from tests.error_format import read_error

BOOKS = "/api/v1/books"


async def test_a_book_is_stored(client: AsyncClient, book: dict[str, object]) -> None:
    created = (await client.post(BOOKS, json=book)).json()

    assert (await client.get(BOOKS)).json() == {"items": [created], "next_cursor": None}


async def test_a_full_shelf_says_so(client: AsyncClient, book: dict[str, object]) -> None:
    error = read_error(await client.post(BOOKS, json={**book, "title": "The last one"}))

    assert (error.status, error.code) == (409, "shelf_is_full")


async def test_a_book_has_pages(client: AsyncClient, book: dict[str, object]) -> None:
    error = read_error(await client.post(BOOKS, json={**book, "pages": 0}))

    assert (error.status, error.fields) == (422, {"/pages": "validation_error"})


def test_what_the_service_adds_runs(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    app = create_app(settings.model_copy(update={"log_format": "json"}))

    @app.get("/marked")
    async def marked(request: Request) -> list[object]:
        return [request.scope.get("marked"), app.state.shelf]

    with TestClient(app) as client:
        assert client.get("/marked").json() == [True, "north"]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["shelf"] for line in lines} == {"north"}
"""

# Every kind of use of a renamed name, before and after an update.
OLD_NAMES = '''\
"""All uses are the same class: KeyMixin."""

import my_service.db.base
from my_service.db import base
from my_service.db.base import Base, KeyMixin, TimestampMixin
from my_service.db.base import KeyMixin as Key
from my_service.main import app, create_app


def test_a_key_is_a_key() -> None:
    assert {KeyMixin, base.KeyMixin} == {Key, my_service.db.base.KeyMixin}
    assert not {Base, TimestampMixin} & {KeyMixin}  # KeyMixin


def test_an_application_is_built() -> None:
    assert type(create_app()) is type(app)
'''
NEW_NAMES = '''\
"""All uses are the same class: KeyMixin."""

import my_service.db.base
from my_service.application import create_app
from my_service.db import base
from my_service.db.base import Base, TimestampMixin, UUIDPrimaryKeyMixin
from my_service.db.base import UUIDPrimaryKeyMixin as Key
from my_service.main import app


def test_a_key_is_a_key() -> None:
    assert {UUIDPrimaryKeyMixin, base.UUIDPrimaryKeyMixin} == {Key, my_service.db.base.UUIDPrimaryKeyMixin}
    assert not {Base, TimestampMixin} & {UUIDPrimaryKeyMixin}  # KeyMixin


def test_an_application_is_built() -> None:
    assert type(create_app()) is type(app)
'''
OLD_SHADOWS = """\
from my_service.db.base import Base, KeyMixin


def test_another_name_is_none() -> None:
    def name(KeyMixin: str) -> str:
        return KeyMixin

    assert name("KeyMixin") != KeyMixin.__name__ != Base.__name__
"""
NEW_SHADOWS = OLD_SHADOWS.replace(
    "import Base, KeyMixin\n",
    "import Base\nfrom my_service.db.base import UUIDPrimaryKeyMixin as KeyMixin\n",
)

# New files, and team files that are rewritten.
FILES = {
    f"{PACKAGE}/api/v1/books.py": ROUTER,
    f"{PACKAGE}/services/books.py": SERVICE,
    f"{PACKAGE}/schemas/book.py": SCHEMA,
    f"{PACKAGE}/db/models/book.py": MODEL,
    f"{PACKAGE}/core/settings.py": SETTINGS,
    f"{PACKAGE}/extensions.py": EXTENSIONS,
    "migrations/versions/20260201_0000_keep_books_2b3c4d5e6f70.py": MIGRATION,
    "tests/conftest.py": CONFTEST,
    "tests/api/v1/test_books.py": TESTS,
    "tests/test_names.py": OLD_NAMES,
    "tests/test_shadows.py": OLD_SHADOWS,
    "docs/shelves.md": "# Shelves\n\nThere is one, in the north.\n",
}
# The files of the sample resource, except its migration.
DELETED = [
    f"{PACKAGE}/api/v1/items.py",
    f"{PACKAGE}/services/items.py",
    f"{PACKAGE}/schemas/item.py",
    f"{PACKAGE}/db/models/item.py",
    "tests/api/v1/test_items.py",
    "tests/services/test_items.py",
]
# Lines to add below a marker in a shared file.
ADDED = {
    "pyproject.toml": [
        ("    # The service's own, one a line:\n", '    "python-slugify>=8,<9",\n'),
        (
            "# The service's own settings of tools, which updates leave alone:\n",
            '\n[tool.coverage.run]\nsource = ["src"]\n',
        ),
    ],
    "README.md": [
        (
            "<!-- What is below this line is yours: updates leave it alone. -->\n",
            "\n## Shelves\n\nThere is one, in the north.\n",
        )
    ],
    ".env.example": [("# The service's own:\n", "# APP_SHELF=north\n")],
    ".gitignore": [("# The service's own:\n", "shelves/\n")],
    ".github/workflows/ci.yml": [
        ("      # The service's own steps:\n", "      - run: uv run python -m my_service.shelves\n")
    ],
    ".github/dependabot.yml": [
        ("  # The service's own:\n", "  - package-ecosystem: pub\n    directory: /shelves\n")
    ],
}
# A foundation file that the team has edited.
EDITED = f"{PACKAGE}/api/health.py"
EDIT = ("timeout(2)", "timeout(3)")
# The files that an update rewrites with new names.
UPDATED = {
    f"{PACKAGE}/db/models/book.py": MODEL.replace(
        "Base, KeyMixin, TimestampMixin", "Base, TimestampMixin, UUIDPrimaryKeyMixin"
    ).replace("Book(KeyMixin,", "Book(UUIDPrimaryKeyMixin,"),
    "tests/api/v1/test_books.py": TESTS.replace(
        """\
from my_service.core.settings import Settings
from my_service.main import create_app
""",
        """\
from my_service.application import create_app
from my_service.core.settings import Settings
""",
    ).replace("from tests.error_format", "from tests.foundation.error_format"),
    "tests/test_names.py": NEW_NAMES,
    "tests/test_shadows.py": NEW_SHADOWS,
}
# Files that git ignores.
LOCAL = {".env": "APP_LOG_LEVEL=DEBUG\n", ".env.local": "APP_SHELF=south\n"}


def apply_team_changes(service: Path) -> list[tuple[str, str]]:
    """Apply the changes, and return the lines that were added to shared files, by file."""
    for name, text in {**FILES, **LOCAL}.items():
        (service / name).parent.mkdir(parents=True, exist_ok=True)
        (service / name).write_text(text, encoding="utf-8")
    for name in DELETED:
        (service / name).unlink()
    added = [
        (name, marker, text)
        for name, insertions in ADDED.items()
        # Not every release has a workflow.
        if (service / name).exists()
        for marker, text in insertions
    ]
    for name, marker, text in added:
        insert(service / name, marker, text)
    return [(name, text) for name, _, text in added]


def apply_current_changes(service: Path) -> list[tuple[str, str]]:
    """Apply the changes to a service of the working tree, which has the new names."""
    added = apply_team_changes(service)
    for name, text in UPDATED.items():
        (service / name).write_text(text, encoding="utf-8")
    return added


def insert(path: Path, marker: str, text: str) -> None:
    """Insert a text below the first occurrence of a marker."""
    replace(path, marker, marker + text)


def replace(path: Path, old: str, new: str) -> None:
    """Replace the first occurrence of a text."""
    before = path.read_text(encoding="utf-8")
    assert old in before, f"{path.name} has no text {old!r}"
    path.write_text(before.replace(old, new, 1), encoding="utf-8")


def edit_foundation_file(service: Path) -> None:
    """Edit a foundation file."""
    replace(service / EDITED, *EDIT)


def lost_lines(service: Path, added: list[tuple[str, str]]) -> list[str]:
    """The changes that are lost."""
    lost = [
        name
        for name, text in {**FILES, **LOCAL}.items()
        if read(service / name) not in {text, UPDATED.get(name, text)}
    ]
    lost += [name for name in DELETED if (service / name).exists()]
    return lost + [f"{name}: {text}" for name, text in added if text not in read(service / name)]


def read(path: Path) -> str:
    """The text of a file; empty if it does not exist."""
    return path.read_text(encoding="utf-8") if path.exists() else ""
