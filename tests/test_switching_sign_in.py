"""Sign-in is switched on and off in a service with the code of a team."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest
from harness import TEMPLATE, VERSION, Environments, Service, recorded_answers
from owned import owned_files
from releases import UpdatedService
from team_changes import MIGRATION, apply_current_changes, lost_lines, replace

pytestmark = pytest.mark.slow
pytest_plugins = ["engines"]

TESTS = "tests/api/v1/test_books.py"
ROUTER = "src/my_service/api/v1/books.py"
# All tests of the team that request one of its routes.
REFUSED = {
    "test_a_book_is_stored",
    "test_a_full_shelf_says_so",
    "test_a_book_has_pages",
    "test_what_the_service_adds_runs",
}
ALLOW = "from my_service.api.authentication import allow_anonymous\n"
OPEN = "dependencies=[Depends(allow_anonymous)]"
# The team opens two routes, and signs in where it writes.
CHANGES = [
    (ROUTER, "import APIRouter, status\n", "import APIRouter, Depends, status\n"),
    (ROUTER, "from my_service.api.dependencies", f"{ALLOW}from my_service.api.dependencies"),
    (ROUTER, "PageOf[BookRead])", f"PageOf[BookRead], {OPEN})"),
    (TESTS, "import Request\n", "import Depends, Request\n"),
    (TESTS, "from my_service.application", f"{ALLOW}from my_service.application"),
    (TESTS, '@app.get("/marked")', f'@app.get("/marked", {OPEN})'),
    (
        TESTS,
        'BOOKS = "/api/v1/books"\n',
        '''\
BOOKS = "/api/v1/books"


@pytest.fixture
def client(signed_in_client: AsyncClient) -> AsyncClient:
    """A client that has signed in."""
    return signed_in_client
''',
    ),
]


@dataclass
class Switched:
    """A service with the changes of a team."""

    updated: UpdatedService
    environments: Environments
    variables: Mapping[str, str]

    def switch(self, authentication: str) -> Service:
        """Switch sign-in on or off, and install the service."""
        answers = {"authentication": authentication}
        self.updated.update_cleanly(answers)
        service = self.environments.install(self.updated.root, answers)
        service.variables |= self.variables
        return service


def migrate(service: Service) -> None:
    """Run the migrations, which have one head and create the tables of all models."""
    service.run("alembic", "upgrade", "head")
    service.run("alembic", "check")
    assert len(service.run("alembic", "heads").splitlines()) == 1


def failed_tests(service: Service) -> dict[str | None, str | None]:
    """Run the tests of a service: those that fail, and why."""
    service.attempt(["pytest", "-vv", "--junitxml", "report.xml"], {})
    report = service.root / "report.xml"
    cases = ElementTree.parse(report).iter("testcase")
    report.unlink()
    return {
        case.get("name"): failure.text
        for case in cases
        for failure in [*case.iter("failure"), *case.iter("error")]
    }


def start(service: Service) -> str:
    """Start a service and stop it: its output, which has the error if it does not start."""
    return service.attempt(["python", "-c", "import my_service.main"], {}).stdout


def documented_files(service: Path) -> list[Path]:
    """The files that `docs/authentication.md` says to remove when sign-in is switched off."""
    page = (TEMPLATE / "docs/authentication.md").read_text(encoding="utf-8")
    [sentence] = re.findall(r"^- Remove (.+), which `sessions` had added", page, re.MULTILINE)
    return [service / "src/my_service" / name for name in re.findall(r"`(\S+\.py)`", sentence)]


def add_opposite_migration(service: Service) -> None:
    """Add a migration that has the two functions of the one that creates users, exchanged."""
    service.run("alembic", "revision", "-m", "drop users")
    versions = service.root / "migrations/versions"
    [created], [dropped] = versions.glob("*_create_users_*.py"), versions.glob("*_drop_users_*.py")
    head, start, _ = dropped.read_text(encoding="utf-8").partition("def upgrade")
    _, _, functions = created.read_text(encoding="utf-8").partition(start)
    downgrade, _, upgrade = functions.partition("def downgrade")
    text = f"{head}def upgrade{upgrade}\n\ndef downgrade{downgrade.rstrip()}\n"
    dropped.write_text(text, encoding="utf-8")


@pytest.fixture
def switched(
    request: pytest.FixtureRequest,
    template: Path,
    environments: Environments,
    tmp_path: Path,
    database: str,
) -> Switched:
    updated = UpdatedService(template, tmp_path / "service", VERSION, {"database": database})
    variables = {}
    if database == "postgresql":
        url: Callable[[str], str] = request.getfixturevalue("postgresql")
        variables["TEST_DATABASE_URL"] = url("test")
        variables["APP_DATABASE_URL"] = request.getfixturevalue("new_database")
    return Switched(updated, environments, variables)


# In the default run, `test_updates.py` switches sign-in in services without code of a team.
@pytest.mark.nightly
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_sign_in_is_switched_on_and_off(switched: Switched) -> None:
    updated, root = switched.updated, switched.updated.root
    added = apply_current_changes(root)
    updated.commit("Changes of the team")

    service = switched.switch("sessions")
    assert lost_lines(root, added) == []
    migrate(service)
    failed = failed_tests(service)
    assert failed.keys() == REFUSED
    assert [name for name, reason in failed.items() if "401" not in str(reason)] == []

    for name, old, new in CHANGES:
        replace(root / name, old, new)
    updated.commit("Sign in")
    service.run("pytest", "tests/api")
    service.run("ruff", "check")

    team = owned_files(root)
    service = switched.switch("none")
    assert owned_files(root) == team
    assert "db/models/user.py cannot be imported" in start(service)
    for file in documented_files(root):
        file.unlink()
    assert "api/v1/books.py cannot be imported" in start(service)
    for name, old, new in reversed(CHANGES):
        replace(root / name, new, old)
    assert start(service) == ""
    add_opposite_migration(service)
    migrate(service)
    assert failed_tests(service) == {}
    assert lost_lines(root, added) == []


def create_branch(service: UpdatedService) -> None:
    """Add a migration that begins a branch."""
    name = "20260202_0000_keep_books_2b3c4d5e6f70.py"
    (service.root / "migrations/versions" / name).write_text(MIGRATION, encoding="utf-8")
    service.commit("Branch")


def test_a_service_with_several_heads_cannot_switch_sign_in_on(
    template: Path, tmp_path: Path
) -> None:
    updated = UpdatedService(template, tmp_path / "service", VERSION, {"authentication": "oidc"})
    create_branch(updated)
    other = updated.root / "migrations/versions/20260203_0000_keep_shelves_3c4d5e6f7081.py"
    other.write_text(MIGRATION.replace("2b3c4d5e6f70", "3c4d5e6f7081"), encoding="utf-8")
    updated.commit("Another branch")

    expected = "`uv run alembic merge heads`; .* has several heads: 2b3c4d5e6f70, 3c4d5e6f7081"
    with pytest.raises(ValueError, match=expected):
        updated.update({"authentication": "sessions"})
    assert not updated.has_uncommitted_changes()


def test_several_heads_do_not_switch_sign_in_off(template: Path, tmp_path: Path) -> None:
    answers = {"authentication": "sessions"}
    updated = UpdatedService(template, tmp_path / "service", VERSION, answers)
    create_branch(updated)
    updated.update_cleanly()
    assert recorded_answers(updated.root)["authentication"] == "sessions"
