"""Migrations on every engine: generated, run by concurrent processes, and run beside a service."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from textwrap import dedent, indent
from threading import Barrier

import copier
import pytest
from databases import (
    ITEMS,
    ON_POSTGRESQL,
    ON_SQLITE,
    TIMEOUT,
    attempt,
    open_transaction,
    query,
    run_concurrently,
    server_log,
    serving,
    start,
    wait_until,
)
from harness import Environments, Renders, Service, files_in, git

pytestmark = pytest.mark.slow
pytest_plugins = ["engines"]

# The migration of the sample resource.
SAMPLE = "1a2b3c4d5e6f"
REPLICAS = 4
SERVERS = 8
# The lock of `migrations/env.py`.
ACQUIRE_LOCK = "DO 'BEGIN PERFORM pg_advisory_xact_lock(7316501946873120); END'"
# `lock_timeout` is four seconds; the rest is for a slow machine.
LOCK_TIMEOUT = 15

MIGRATION = '''\
"""A migration of the team.

Revision: 2b3c4d5e6f7a
Follows: {head}
"""

from alembic import op
import sqlalchemy as sa

revision = "2b3c4d5e6f7a"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
{upgrade}


def downgrade() -> None:
    raise NotImplementedError
'''
CREATE_INDEX = {
    "sqlite": 'op.create_index("ix_items_created_at", "items", ["created_at"])',
    "postgresql": dedent("""\
        with op.get_context().autocommit_block():
            op.execute("CREATE INDEX CONCURRENTLY ix_items_created_at ON items (created_at)")"""),
}
FIND_INDEX = {
    "sqlite": "SELECT 1 FROM sqlite_master WHERE name = 'ix_items_created_at'",
    "postgresql": "SELECT 1 FROM pg_index "
    "WHERE indexrelid = 'ix_items_created_at'::regclass AND indisvalid AND indisready",
}
MODEL = '''\
"""A table of the team."""

from sqlalchemy.orm import Mapped

from my_service.db.base import Base, TimestampMixin, UUIDPrimaryKeyMixin


class {name}(UUIDPrimaryKeyMixin, TimestampMixin, Base):
    __tablename__ = "{table}"

    text: Mapped[str]
'''


def add_migration(service: Service, upgrade: str) -> None:
    """Write a migration that follows the sample's."""
    [first] = versions(service)
    head = first.stem.rpartition("_")[2]
    text = MIGRATION.format(head=head, upgrade=indent(upgrade, "    "))
    (first.parent / "20260102_0000_change_2b3c4d5e6f7a.py").write_text(text)


def versions(service: Service) -> set[Path]:
    return {*service.root.glob("migrations/versions/*.py")}


def autogenerate(service: Service) -> str:
    """Generate a migration, check it with ruff, and return its text."""
    before = versions(service)
    service.run("alembic", "revision", "--autogenerate", "--message", "what is new")
    [written] = versions(service) - before
    service.run("ruff", "check", "--no-cache", str(written))
    service.run("ruff", "format", "--diff", "--no-cache", str(written))
    return written.read_text()


def test_concurrent_upgrades_run_each_migration_once(service: Service) -> None:
    engine = str(service.answers["database"])
    add_migration(service, CREATE_INDEX[engine])

    runs = run_concurrently(service, REPLICAS, "alembic", "upgrade", "head")

    output = "\n".join(text for _, text in runs)
    assert [code for code, _ in runs] == [0] * REPLICAS, output
    assert output.count("Running upgrade") == len(versions(service)), output
    assert query(service, "SELECT version_num FROM alembic_version") == ["2b3c4d5e6f7a"]
    assert query(service, FIND_INDEX[engine]) == ["1"]


@ON_POSTGRESQL
def test_servers_that_start_before_the_migrations_become_ready_after_them(
    service: Service,
) -> None:
    service.variables["APP_LOG_FORMAT"] = "json"

    def serve_until_ready(_: int) -> list[int]:
        with serving(service) as client:
            deadline = time.monotonic() + TIMEOUT
            statuses = [client.get("/health/ready").status_code]
            started.wait()
            while statuses[-1] != 200 and time.monotonic() < deadline:
                time.sleep(0.05)
                statuses.append(client.get("/health/ready").status_code)
            return [*statuses, client.get(ITEMS).status_code]

    started = Barrier(SERVERS + 1, timeout=TIMEOUT)
    with ThreadPoolExecutor(SERVERS) as pool:
        servers = pool.map(serve_until_ready, range(SERVERS))
        started.wait()
        service.run("alembic", "upgrade", "head")
    for first, *rest, ready, items in servers:
        assert (first, {*rest} <= {503}, ready, items) == (503, True, 200, 200)
    lines = [json.loads(line) for line in server_log(service).read_text().splitlines()]
    errors = [line for line in lines if line["level"] in {"error", "critical"}]
    assert {line["event"] for line in errors} == {"database_not_migrated"}
    assert all(line["current"] == [] and line["expected"] == [SAMPLE] for line in errors)


@ON_POSTGRESQL
def test_a_migration_logs_that_it_waits_for_another(service: Service) -> None:
    log = service.root.parent / "alembic.log"
    with open_transaction(service.variables["APP_DATABASE_URL"], ACQUIRE_LOCK):
        migration = start(service, "alembic", "upgrade", "head", log=log)
        wait_until(migration, lambda: "waiting_for_migrations" in log.read_text())
        # Several attempts.
        time.sleep(0.5)

    assert migration.wait(TIMEOUT) == 0
    assert log.read_text().count("waiting_for_migrations") == 1


@ON_POSTGRESQL
def test_a_blocked_migration_times_out(service: Service) -> None:
    service.run("alembic", "upgrade", "head")
    add_migration(service, 'op.add_column("items", sa.Column("note", sa.Text()))')
    log = service.root.parent / "alembic.log"

    address = service.variables["APP_DATABASE_URL"]
    # As a long-running query does.
    lock = "LOCK items IN ACCESS SHARE MODE"
    with serving(service) as client, open_transaction(address, lock):
        deadline = time.monotonic() + LOCK_TIMEOUT
        migration = start(service, "alembic", "upgrade", "head", log=log)
        statuses = []
        while migration.poll() is None and time.monotonic() < deadline:
            statuses.append(client.get(ITEMS).status_code)
            time.sleep(0.05)
        assert migration.poll() is not None, "the migration blocks all requests"
        assert migration.returncode != 0, log.read_text()
        assert "lock timeout" in log.read_text()
        assert set(statuses) == {200}
        assert client.get(ITEMS).status_code == 200

    # It was rolled back, so it runs once the table is free.
    service.run("alembic", "upgrade", "head")
    assert query(service, "SELECT version_num FROM alembic_version") == ["2b3c4d5e6f7a"]


# In the default run, the next test proves that only new tables are generated.
@pytest.mark.nightly
def test_autogenerate_is_empty_after_an_upgrade(service: Service) -> None:
    service.run("alembic", "upgrade", "head")

    written = autogenerate(service)

    assert written.count("    pass\n") == 2, written
    # For migrations that are written by hand.
    assert "\nimport sqlalchemy as sa\n" in written
    assert "\nfrom alembic import op\n" in written


def test_a_new_model_is_discovered(service: Service) -> None:
    service.run("alembic", "upgrade", "head")
    models = service.root / "src/my_service/db/models"
    (models / "archive/old").mkdir(parents=True)
    (models / "tag.py").write_text(MODEL.format(name="Tag", table="tags"))
    (models / "archive/old/note.py").write_text(MODEL.format(name="Note", table="notes"))

    written = autogenerate(service)

    assert written.count("op.create_table(") == 2, written
    assert '"tags"' in written
    assert '"notes"' in written
    # A migration must not depend on code that changes later.
    assert "my_service" not in written
    service.run("alembic", "upgrade", "head")
    service.run("alembic", "check")
    assert query(service, "SELECT count(*) FROM tags UNION ALL SELECT count(*) FROM notes") == [
        "0",
        "0",
    ]


@ON_SQLITE
def test_a_missing_migration_fails_the_migration_tests_only(service: Service) -> None:
    model = MODEL.format(name="Note", table="notes")
    (service.root / "src/my_service/db/models/note.py").write_text(model, encoding="utf-8")

    code, output = attempt(
        service, "pytest", "-rf", "tests/foundation/db/test_migrations.py", "tests/services"
    )

    failed = [line for line in output.splitlines() if line.startswith("FAILED ")]
    # The summary of pytest shows messages in full only in CI.
    errors = "\n".join(line for line in output.splitlines() if line.startswith("E "))
    assert code == 1, output
    assert len(failed) == 2, output
    assert all("tests/foundation/db/test_migrations.py" in line for line in failed), output
    assert errors.count("write the migration: uv run alembic revision --autogenerate") == 2, output


# Constraints and defaults that the database stores in another form than Alembic compares.
LEDGER = '''\
"""Ledgers, and a view of them."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import JSON

from my_service.db.base import Base, UUIDPrimaryKeyMixin

RULE = "number_must_not_be_negative_with_a_name_that_postgresql_truncates"


class Ledger(UUIDPrimaryKeyMixin, Base):
    __tablename__ = "ledgers"
    __table_args__ = (
        CheckConstraint("number >= 0", name=RULE),
        UniqueConstraint("number", "column_with_a_long_name_so_that_the_constraint_is_truncated"),
    )

    number: Mapped[int] = mapped_column(server_default=text("((1 + 2) * (3 + 4))"))
    data: Mapped[dict[str, Any]] = mapped_column(JSON, server_default=text("'{}'"))
    remark: Mapped[str] = mapped_column(server_default="")
    quoted: Mapped[str] = mapped_column(server_default="it's")
    token: Mapped[str] = mapped_column(server_default=text("(%(volatile)s)"))
    closed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    column_with_a_long_name_so_that_the_constraint_is_truncated: Mapped[int]
'''
VIEW = """

class LedgerNumber(Base):
    __tablename__ = "ledger_numbers"

    number: Mapped[int] = mapped_column(primary_key=True)
"""
VOLATILE = {
    "sqlite": "lower(hex(randomblob(16)))",
    "postgresql": "'t' || timezone('utc', clock_timestamp() + interval '1 day')::text",
}
INVOICE = """


class Invoice(UUIDPrimaryKeyMixin, Base):
    __tablename__ = "invoices"
    __table_args__ = {"schema": "billing"}

    number: Mapped[int] = mapped_column(index=True)
"""
# Database objects that are not tables in the metadata: a mapped view, and tables of libraries.
EXTRA_OBJECTS = [
    ("CREATE VIEW ledger_numbers AS SELECT number FROM ledgers", "DROP VIEW ledger_numbers"),
    ("CREATE TABLE jobs (id INTEGER PRIMARY KEY)", "DROP TABLE jobs"),
]
SCHEMAS = [
    ("CREATE SCHEMA billing", "DROP SCHEMA billing"),
    ("CREATE SCHEMA library", "DROP SCHEMA library"),
    ("CREATE TABLE library.shelves (id INTEGER)", "DROP TABLE library.shelves"),
]
INCLUDE_NAME = '''

def include_name(name: str | None, kind: str, parents: object) -> bool:
    """Ignore the table of a library."""
    return (kind, name) != ("table", "jobs")
'''


def add_statements(
    migration: Path, first: list[tuple[str, str]], last: list[tuple[str, str]]
) -> None:
    """Add statements before and after those of a migration, and their reverse to its downgrade."""
    written = migration.read_text()
    for function, (before, after) in {
        "upgrade": ([do for do, _ in first], [do for do, _ in last]),
        "downgrade": ([undo for _, undo in last[::-1]], [undo for _, undo in first[::-1]]),
    }.items():
        head, signature, body = written.partition(f"def {function}() -> None:\n")
        for marker, statements in {"commands auto": before, "end Alembic": after}.items():
            lines = "".join(f"    op.execute({statement!r})\n" for statement in statements)
            body = body.replace(f"    # ### {marker}", f"{lines}    # ### {marker}", 1)
        written = head + signature + body
    migration.write_text(written)


@pytest.mark.parametrize(
    "service", ["postgresql", pytest.param("sqlite", marks=pytest.mark.nightly)], indirect=True
)
def test_objects_of_others_are_not_compared(service: Service) -> None:
    engine = str(service.answers["database"])
    has_schemas = engine == "postgresql"
    model = service.root / "src/my_service/db/models/ledger.py"
    tables = LEDGER % {"volatile": VOLATILE[engine]} + INVOICE * has_schemas
    model.write_text(tables)
    service.run("alembic", "upgrade", "head")
    before = versions(service)
    autogenerate(service)
    [created] = versions(service) - before
    add_statements(created, SCHEMAS * has_schemas, EXTRA_OBJECTS)
    model.write_text(tables + VIEW)
    service.run("alembic", "upgrade", "head")

    code, output = attempt(service, "alembic", "check")
    assert code, output
    assert re.findall(r"Detected (.* '.*')", output) == ["removed table 'jobs'"]
    with (service.root / "src/my_service/extensions.py").open("a", encoding="utf-8") as extensions:
        extensions.write(INCLUDE_NAME)
    service.run("pytest", "tests/foundation/db/test_migrations.py")

    # Real differences are still found.
    different = tables.replace("'{}'", "'[]'").replace("it's", "its").replace("number_must", "must")
    model.write_text(different)
    code, output = attempt(service, "alembic", "check")
    assert code, output
    assert output.count("detected server default") == 2, output
    assert "added check constraint" in output, output


UNREACHABLE = {
    "sqlite": ("sqlite:////none/at.db", "unable to open database file"),
    "postgresql": ("postgresql://none:secret@127.0.0.1:1/none", "Connect call failed"),
}


def test_an_unreachable_database_is_reported_without_a_traceback(service: Service) -> None:
    address, reason = UNREACHABLE[str(service.answers["database"])]

    code, output = attempt(service, "alembic", "upgrade", "head", APP_DATABASE_URL=address)

    assert code == 1
    assert reason in output.splitlines()[0], output
    assert output.splitlines()[1:] == [output.splitlines()[-1]], output
    assert "APP_DATABASE_URL" in output
    assert "secret" not in output


@pytest.mark.nightly
@ON_POSTGRESQL
def test_an_unreadable_home_is_not_reported_as_a_stopped_server(service: Service) -> None:
    # asyncpg looks for certificates in HOME; this name is too long for any file system.
    code, output = attempt(
        service,
        *("alembic", "upgrade", "head"),
        HOME=f"/{'h' * 300}",
        APP_DATABASE_URL=UNREACHABLE["postgresql"][0],
    )

    assert code == 1
    assert "File name too long" in output
    assert "Start the server" not in output


@ON_SQLITE
def test_migrations_log_in_the_format_of_the_service(service: Service) -> None:
    extensions = service.root / "src/my_service/extensions.py"
    text = extensions.read_text(encoding="utf-8")
    processors = "LOG_PROCESSORS: Sequence[Processor] = ("
    added = f"{processors}lambda _, __, event: {{**event, 'region': 'north'}},"
    extensions.write_text(text.replace(processors, added), encoding="utf-8")

    output = service.run("alembic", "upgrade", "head", APP_ENVIRONMENT="staging")

    lines = [json.loads(line) for line in output.splitlines()]
    assert lines
    assert all(line["region"] == "north" for line in lines), output


@ON_SQLITE
def test_alembic_prints_only_results_on_standard_output(service: Service, tmp_path: Path) -> None:
    for words, expected in ((("upgrade", "head"), ""), (("current",), "1a2b3c4d5e6f (head)\n")):
        with (tmp_path / "output.txt").open("wb") as output:
            log = tmp_path / "errors.txt"
            process = start(service, "alembic", *words, log=log, output=output)
            assert process.wait(TIMEOUT) == 0
        assert (tmp_path / "output.txt").read_text() == expected
        assert "Context impl" in log.read_text()


@pytest.mark.nightly
@ON_SQLITE
def test_migration_branches_can_be_merged(service: Service) -> None:
    service.run("alembic", "upgrade", "head")
    for name in ("note", "task"):
        model = MODEL.format(name=name.title(), table=f"{name}s")
        (service.root / f"src/my_service/db/models/{name}.py").write_text(model, encoding="utf-8")
        revision = ("--autogenerate", "--message", name, "--head", SAMPLE, "--splice")
        service.run("alembic", "revision", *revision)
        service.run("alembic", "upgrade", "heads")

    code, output = attempt(service, "pytest", "tests/foundation/db/test_migrations.py")
    assert code == 1
    assert "uv run alembic merge heads" in output
    service.run("alembic", "merge", "heads", "--message", "both")
    service.run("alembic", "upgrade", "head")
    service.run("alembic", "check")
    service.run("pytest", "tests/foundation/db/test_migrations.py")


def test_migrations_can_be_printed_as_sql(service: Service) -> None:
    engine = str(service.answers["database"])
    url, _ = UNREACHABLE[engine]
    # Offline mode must not connect.
    script = service.run("alembic", "upgrade", "head", "--sql", APP_DATABASE_URL=url)

    assert "CREATE TABLE items" in script
    assert "CONSTRAINT uq_items_name UNIQUE (name)" in script
    assert "INSERT INTO alembic_version" in script


def change_team_files(service: Service) -> dict[str, bytes]:
    """Change team files of every kind, add a column, and return the content of the files."""
    names = [
        "src/my_service/extensions.py",
        "src/my_service/core/settings.py",
        "src/my_service/api/v1/items.py",
        "src/my_service/services/items.py",
        "src/my_service/schemas/item.py",
        "tests/conftest.py",
        "tests/api/v1/test_items.py",
        "tests/services/test_items.py",
    ]
    for name in names:
        with (service.root / name).open("a", encoding="utf-8") as file:
            file.write("\n# Ours.\n")
    model = "src/my_service/db/models/item.py"
    with (service.root / model).open("a", encoding="utf-8") as file:
        file.write("    colour: Mapped[str | None] = mapped_column(String(20), index=True)\n")
    service.run("alembic", "upgrade", "head")
    # A batch migration for SQLite must run on PostgreSQL later.
    assert "batch_alter_table" in autogenerate(service)
    migrations = [path.relative_to(service.root).as_posix() for path in versions(service)]
    return {name: (service.root / name).read_bytes() for name in [*names, model, *migrations]}


def contents(root: Path) -> dict[str, bytes]:
    """The files of a service, except the answers file and the lock file."""
    names = {*files_in(root)} - {".copier-answers.yml", "uv.lock"}
    return {name: (root / name).read_bytes() for name in names if not name.startswith(".git/")}


@pytest.mark.nightly
def test_a_service_moves_from_sqlite_to_postgresql(
    render: Renders, environments: Environments, tmp_path: Path, new_database: str
) -> None:
    root = render.render(tmp_path / "service", {"database": "sqlite"})
    service = environments.install(root, {"database": "sqlite"})
    team_files = change_team_files(service)
    # Keep only what a clone has, without the database file.
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "On SQLite")
    git(root, "clean", "-dfxq")

    copier.run_update(
        root,
        data={"database": "postgresql"},
        defaults=True,
        unsafe=True,
        overwrite=True,
        quiet=True,
    )

    assert git(root, "diff", "--name-only", "--diff-filter=U") == ""
    assert not [*root.rglob("*.rej")]
    expected = contents(render.render(tmp_path / "fresh", {"database": "postgresql"}))
    expected |= team_files
    found = contents(root)
    assert found.keys() == expected.keys()
    assert [name for name in found if found[name] != expected[name]] == []

    moved = environments.install(root, {"database": "postgresql"})
    moved.variables["APP_DATABASE_URL"] = new_database
    moved.run("alembic", "upgrade", "head")
    moved.run("alembic", "check")
    moved.run("pytest", "--quiet", TEST_DATABASE_URL=new_database)


SHELVES = '''\
"""Shelves, and the books on them."""

from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from my_service.db.base import Base, UUIDPrimaryKeyMixin


class Shelf(UUIDPrimaryKeyMixin, Base):
    __tablename__ = "shelves"

    width: Mapped[int]


class Book(UUIDPrimaryKeyMixin, Base):
    __tablename__ = "books"

    shelf_id: Mapped[UUID] = mapped_column(ForeignKey("shelves.id", ondelete="CASCADE"))
'''


@ON_SQLITE
def test_batch_migrations_keep_referencing_rows(service: Service) -> None:
    module = service.root / "src/my_service/db/models/shelf.py"
    module.write_text(SHELVES)
    service.run("alembic", "upgrade", "head")
    autogenerate(service)
    service.run("alembic", "upgrade", "head")
    [file] = service.root.glob("*.db")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("INSERT INTO shelves (id, width) VALUES ('a', 1)")
        connection.execute("INSERT INTO books (id, shelf_id) VALUES ('b', 'a')")

    module.write_text(SHELVES.replace("width: Mapped[int]", "width: Mapped[int | None]"))
    assert "batch_alter_table" in autogenerate(service)
    service.run("alembic", "upgrade", "head")

    assert query(service, "SELECT count(*) FROM books") == ["1"]
    assert query(service, "PRAGMA foreign_key_check") == []
