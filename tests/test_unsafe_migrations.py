"""A service on PostgreSQL lists unsafe statements of its new migrations, and of no others."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent, indent

import pytest
import yaml
from databases import (
    add_documented_index,
    attempt,
    psql,
    psql_command,
    start,
    wait_until,
)
from harness import Environments, Renders, Service, git

pytestmark = pytest.mark.slow
pytest_plugins = ["engines"]

ANSWERS = {"database": "postgresql"}
SCRIPT = "tests/foundation/unsafe_migrations.py"
SAMPLE = "1a2b3c4d5e6f"
MIGRATION = '''\
"""A change."""

from alembic import op
import sqlalchemy as sa

revision = "{revision}"
down_revision = {parents!r}
branch_labels = None
depends_on = {requires!r}


def upgrade() -> None:
{upgrade}


def downgrade() -> None:
    raise NotImplementedError
'''
IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_items_created_at'::regclass"
# The statement has waited for longer than the others may.
IS_WAITING = """\
SELECT 1 FROM pg_stat_activity
WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' AND wait_event_type = 'Lock'
AND now() - query_start > '500 ms'
"""
UNSAFE = {
    "require-concurrent-index-creation": 'op.create_index("ix_items_name", "items", ["name"])',
    "adding-required-field": 'op.add_column("items", sa.Column("stock", sa.Integer(), nullable=False))',
    "changing-column-type": 'op.alter_column("items", "name", type_=sa.Text())',
    "constraint-missing-not-valid": 'op.create_check_constraint("short", "items", "name < \'x\'")',
    "ban-drop-column": 'op.drop_column("items", "description")',
}
SAFE = """\
op.create_table(
    "books",
    sa.Column("id", sa.Integer(), primary_key=True),
    sa.Column("title", sa.String(200), nullable=False),
    sa.Column("item_id", sa.Uuid(), sa.ForeignKey("items.id"), nullable=False),
)
op.create_index("ix_books_title", "books", ["title"])
op.add_column("items", sa.Column("stock", sa.Integer(), server_default="0", nullable=False))
op.execute("UPDATE items SET stock = 1 WHERE name LIKE '100%'")
with op.get_context().autocommit_block():
    op.create_index("ix_items_stock", "items", ["stock"], postgresql_concurrently=True)
"""


def write(
    service: Service,
    revision: str,
    upgrade: str,
    parents: str | tuple[str, ...] | None = SAMPLE,
    requires: str | None = None,
) -> Path:
    """Add a migration."""
    path = service.root / f"migrations/versions/{revision}.py"
    body = indent(dedent(upgrade).rstrip(), "    ")
    text = MIGRATION.format(revision=revision, parents=parents, requires=requires, upgrade=body)
    path.write_text(text, encoding="utf-8")
    return path


def check(service: Service, *commit: str) -> tuple[int, str]:
    """The exit code of the script, and its output."""
    done = service.attempt(["python", SCRIPT, *commit], {})
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def committed(
    render: Renders, environments: Environments, tmp_path_factory: pytest.TempPathFactory
) -> Service:
    """A service in a repository, whose main branch has an unsafe migration."""
    root = shutil.copytree(render(**ANSWERS), tmp_path_factory.mktemp("unsafe") / "service")
    service = environments.install(root, ANSWERS)
    write(service, "old", UNSAFE["require-concurrent-index-creation"])
    git(root, "init", "--quiet", "--initial-branch", "master")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Released")
    return service


@pytest.fixture
def service(committed: Service) -> Iterator[Service]:
    yield committed
    git(committed.root, "checkout", "--quiet", "--force", "master")
    git(committed.root, "clean", "--quiet", "--force", "-d", "migrations")


def test_unsafe_statements_of_new_migrations_are_listed(service: Service) -> None:
    git(service.root, "checkout", "--quiet", "-B", "topic")
    write(service, "new", "\n".join(UNSAFE.values()), "old")
    git(service.root, "add", "--all")
    git(service.root, "commit", "--quiet", "--message", "New")
    code, output = check(service)
    assert code == 1, output
    found = re.findall(r"^migrations/versions/(\w+)\.py: ([\w-]+)$", output, re.MULTILINE)
    assert found == [("new", rule) for rule in UNSAFE]
    # The statement is quoted.
    assert "    CREATE INDEX ix_items_name ON items (name);\n" in output


def test_safe_statements_are_not_listed(service: Service) -> None:
    write(service, "new", SAFE, "old")
    write(service, "newer", 'op.create_index("ix_books_id", "books", ["id"])', "new")
    assert check(service) == (0, "New migrations without an unsafe statement: 2.\n")


def test_a_comment_in_a_migration_accepts_a_rule(service: Service) -> None:
    drop = UNSAFE["ban-drop-column"]
    write(service, "new", f"# squawk-ignore ban-drop-column: nothing reads it\n{drop}", "old")
    write(service, "newer", UNSAFE["changing-column-type"], "new")
    code, output = check(service)
    assert code == 1
    assert "newer.py: changing-column-type" in output
    assert "ban-drop-column" not in output


def test_branches_of_migrations_are_checked(service: Service) -> None:
    write(service, "left", UNSAFE["ban-drop-column"], "old")
    # From before the newest migration of the main branch, with Windows line endings.
    right = write(service, "right", UNSAFE["changing-column-type"], requires="old")
    right.write_text(right.read_text(encoding="utf-8"), encoding="utf-8", newline="\r\n")
    write(service, "merged", "pass", ("left", "right"))
    write(service, "rows", 'op.get_bind().execute(sa.text("SELECT 1")).all()', "merged")
    code, output = check(service)
    assert code == 1, output
    assert "left.py: ban-drop-column" in output
    assert "right.py: changing-column-type" in output
    assert "rows.py was not checked, since its SQL cannot be generated" in output
    assert "old.py" not in output


def test_the_base_branch_is_found(service: Service, tmp_path: Path) -> None:
    write(service, "new", UNSAFE["ban-drop-column"], "old")
    git(service.root, "checkout", "--quiet", "-B", "topic")
    git(service.root, "add", "--all")
    git(service.root, "commit", "--quiet", "--message", "New")
    # Under another name it has to be passed.
    git(service.root, "branch", "--move", "master", "trunk")
    try:
        assert check(service) == (0, "New migrations without an unsafe statement: 0.\n")
        assert check(service, "trunk")[0] == 1
        assert check(service, "HEAD^1")[0] == 1
    finally:
        git(service.root, "branch", "--move", "trunk", "master")
    assert check(service, "nowhere") == (
        1,
        "Commit 'nowhere' not found. Fetch it, or pass another such as origin/main.\n",
    )


# The same script, in repositories of other shapes.
@pytest.mark.nightly
@pytest.mark.parametrize("kind", ["worktree", "shallow clone", "submodule", "subfolder", "none"])
def test_any_repository_is_compared(service: Service, tmp_path: Path, kind: str) -> None:
    write(service, "new", UNSAFE["ban-drop-column"], "old")
    git(service.root, "checkout", "--quiet", "-B", "topic")
    git(service.root, "add", "--all")
    git(service.root, "commit", "--quiet", "--message", "New")
    copy, commit = tmp_path / "copy", ["HEAD^1"]
    local = ("-c", "protocol.file.allow=always")
    match kind:
        case "worktree":
            git(service.root, "worktree", "add", "--quiet", "--detach", str(copy), "topic")
            commit = []
        case "shallow clone":
            options = ("--quiet", "--depth", "2", "--branch", "topic")
            git(tmp_path, *local, "clone", *options, service.root.as_uri(), str(copy))
        case "submodule":
            git(tmp_path, "init", "--quiet")
            git(tmp_path, *local, "submodule", "add", "--quiet", service.root.as_uri(), "copy")
            git(copy, "checkout", "--quiet", "topic")
        case "subfolder":
            git(tmp_path, "init", "--quiet")
            for branch in ("master", "topic"):
                git(service.root, "checkout", "--quiet", branch)
                shutil.copytree(service.root, copy, ignore=lambda *_: {".git"}, dirs_exist_ok=True)
                git(tmp_path, "add", "--all")
                git(tmp_path, "commit", "--quiet", "--message", branch)
        case "none":
            shutil.copytree(service.root, copy, ignore=lambda *_: {".git"})
    done = service.attempt(["python", str(copy / SCRIPT), *commit], {})
    if kind == "none":
        message = "Migrations were not checked: git finds no repository to compare with.\n"
        assert (done.returncode, done.stdout) == (0, message)
    else:
        assert done.returncode == 1, done.stdout
        assert "new.py: ban-drop-column" in done.stdout
        assert "old.py" not in done.stdout
    git(service.root, "worktree", "prune")


def test_the_workflow_and_the_check_run_it(render: Renders) -> None:
    workflow = render(**ANSWERS) / ".github/workflows/ci.yml"
    steps = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"]["check"]["steps"]
    [step] = [step for step in steps if SCRIPT in step.get("run", "")]
    assert step == {
        "if": "github.event_name == 'pull_request'",
        "run": f"uv run python {SCRIPT} HEAD^1",
    }
    assert steps[0]["with"]["fetch-depth"] == 2
    assert f'    "python {SCRIPT}",\n' in (render(**ANSWERS) / "pyproject.toml").read_text("utf-8")
    without = (render() / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    assert "fetch-depth" not in without


class TestDocumentedIndex:
    @pytest.fixture
    def migrated(self, install: Callable[..., Service]) -> Service:
        """A service whose next migration builds an index, and gives up a lock within a moment."""
        service = install(**ANSWERS)
        environment = service.root / "migrations/env.py"
        text = environment.read_text(encoding="utf-8")
        assert "TABLE_LOCK_TIMEOUT = 4\n" in text
        text = text.replace("TABLE_LOCK_TIMEOUT = 4\n", "TABLE_LOCK_TIMEOUT = 0.1\n")
        environment.write_text(text, encoding="utf-8")
        service.run("alembic", "upgrade", "head")
        add_documented_index(service)
        return service

    def test_it_is_safe(self, migrated: Service) -> None:
        git(migrated.root, "init", "--quiet")
        assert check(migrated) == (0, "New migrations without an unsafe statement: 2.\n")

    def test_it_waits_for_a_long_transaction(self, migrated: Service, tmp_path: Path) -> None:
        url = migrated.variables["APP_DATABASE_URL"]
        with subprocess.Popen(
            psql_command(url), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as reader:
            assert reader.stdin is not None
            assert reader.stdout is not None
            reader.stdin.write(
                "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM items;\n"
            )
            reader.stdin.flush()
            assert reader.stdout.readline() == "0\n"
            log = tmp_path / "upgrade.log"
            with start(migrated, "alembic", "upgrade", "head", log=log) as upgrade:
                wait_until(upgrade, lambda: psql(url, IS_WAITING) == ["1"])
                reader.stdin.close()
                assert upgrade.wait() == 0, log.read_text(encoding="utf-8")
        assert psql(url, IS_VALID) == ["t"]

    def test_an_invalid_index_is_replaced(self, migrated: Service) -> None:
        url = migrated.variables["APP_DATABASE_URL"]
        psql(url, "CREATE INDEX ix_items_created_at ON items (created_at)")
        psql(
            url,
            IS_VALID.replace(
                "SELECT indisvalid FROM pg_index", "UPDATE pg_index SET indisvalid = false"
            ),
        )
        code, output = attempt(migrated, "alembic", "upgrade", "head")
        assert code == 0, output
        assert psql(url, IS_VALID) == ["t"]
