"""Copies the template, renders services from it, and runs commands in them."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import copier
import pytest
import yaml
from copier._cli import CopierApp
from filelock import FileLock
from uv import find_uv_bin

TEMPLATE = Path(__file__).parents[1]
CONFIG: Mapping[str, Any] = yaml.safe_load((TEMPLATE / "copier.yml").read_text(encoding="utf-8"))
QUESTIONS = {name: value for name, value in CONFIG.items() if not name.startswith("_")}
ANSWERS_FILE = ".copier-answers.yml"
VERSION = "v1000.0.0"

# Tests whose program is missing are skipped, but fail in CI.
IS_REQUIRED = bool(os.environ.get("CI"))

NO_PYTHON = (
    "Python {0} is missing, so this service was only read, not run; on Debian, "
    "`tests/get_python.sh {0}` installs it (as root)"
)
# The pytest property with the result of a rendered service's own test suite.
SUITE = "rendered suite"
# The property of a test with the size of a container image, which the terminal shows.
IMAGE = "container image"
# The pyproject.toml of a uv workspace with the services of a monorepo.
WORKSPACE = """\
[project]
name = "shop"
version = "0"
requires-python = ">=3.11"

[tool.uv]
package = false

[tool.uv.workspace]
members = ["services/*"]
"""

Answers = Mapping[str, object]


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder, with a fixed identity."""
    identity = ["-c", "user.name=Tester", "-c", "user.email=tester@example.com"]
    command = ["git", *identity, "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def files_in(folder: Path) -> dict[str, Path]:
    """The files in a folder by their relative names, sorted, without `.git`."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    names = {path.relative_to(folder).as_posix(): path for path in paths}
    return {name: path for name, path in names.items() if not name.startswith(".git/")}


def working_files() -> list[str]:
    """The files of the template that git tracks or does not ignore."""
    listed = git(TEMPLATE, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return sorted({name for name in listed.split("\0") if (TEMPLATE / name).is_file()})


def take_snapshot(folder: Path) -> Path:
    """Commit the working tree of the template to a new repository, as one release."""
    for name in working_files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TEMPLATE / name, folder / name)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "The working tree")
    git(folder, "tag", VERSION)
    return folder


def add_rendered_tests(template: Path) -> None:
    """Add the tests of `tests/rendered/` to a copy of the template; see `test_rendered.py`."""
    folder = "tests/rendered"
    shutil.copytree(TEMPLATE / folder, template / "template" / folder, dirs_exist_ok=True)
    # They check keys with another UUID library than the service's.
    project = template / "template/pyproject.toml.jinja"
    text = project.read_text(encoding="utf-8")
    marker = '    "pytest>=9'
    assert marker in text
    project.write_text(text.replace(marker, f'    "uuid6>=2025.0.1,<2027",\n{marker}', 1))


def load_extension(template: Path, name: str) -> ModuleType:
    """Import a module of the template's Jinja extensions, as Copier does."""
    path = template / "extensions" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Data classes look their module up there.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def copier_command(*arguments: str) -> list[str]:
    """The command line that runs Copier in this environment."""
    return [sys.executable, "-m", "copier", *arguments]


def run_copier(*words: str) -> int:
    """Run Copier's command line in this process, five times as fast as in a new one."""
    _, code = CopierApp.run(["copier", *words], exit=False)
    return code


def run(
    command: list[str], folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command, whatever its exit code."""
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )


def tool(name: str) -> str:
    """A program of the environment of the tests."""
    program = shutil.which(name, path=str(Path(sys.executable).parent))
    assert program, f"{name} is missing: install requirements.txt"
    return program


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Remove the variables that a service, its tests or uv would read."""
    removed = (
        *("APP_", "DATABASE_URL", "TEST_DATABASE_URL", "PYTEST_", "VIRTUAL_ENV", "PYTHONPATH"),
        # Without bytecode, compiling the imports takes longer than the command.
        "PYTHONDONTWRITEBYTECODE",
    )
    return {name: value for name, value in environment.items() if not name.startswith(removed)}


def copy_release(template: Path, folder: Path, answers: Answers, tag: str = VERSION) -> Path:
    """Render a service from a release of the template."""
    copier.run_copy(
        str(template),
        folder,
        data=dict(answers),
        vcs_ref=tag,
        defaults=True,
        unsafe=True,
        quiet=True,
    )
    return folder


def make_once(folder: Path, make: Callable[[Path], object]) -> Path:
    """Make a folder once for all processes: the first one calls `make`, the others wait."""
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if not folder.exists():
            new = folder.with_name(f"{folder.name}.{os.getpid()}")
            new.mkdir()
            make(new)
            new.rename(folder)
    return folder


def short_hash(*parts: object) -> str:
    """A short hash of JSON values, the same in every process."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


class Renders:
    """Services rendered from a snapshot of the template, one folder for each set of answers.

    Args:
        template: the snapshot.
        folder: the parent of the rendered services.
        resolve: adds the default answers, so that equal sets share a folder.
    """

    def __init__(self, template: Path, folder: Path, resolve: Callable[[Answers], Answers]) -> None:
        self.template = template
        self._folder = folder
        self._resolve = resolve

    def __call__(self, **answers: object) -> Path:
        """The folder of a service with these answers, which other tests share."""
        folder = self._folder / f"service-{short_hash(self._resolve(answers))}"
        return make_once(folder, lambda new: self.render(new, answers))

    def render(self, folder: Path, answers: Answers) -> Path:
        """Render into a new folder."""
        return copy_release(self.template, folder, answers)


def recorded_answers(service: Path) -> dict[str, Any]:
    """The recorded answers of a rendered service."""
    recorded = yaml.safe_load((service / ANSWERS_FILE).read_text(encoding="utf-8"))
    assert isinstance(recorded, dict)
    return recorded


def modules_in(folder: Path) -> list[str]:
    """The modules below a folder of `sys.path`, by their dotted names."""
    return [
        ".".join(file.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")
        for file in sorted(folder.rglob("*.py"))
    ]


def passed_summary(output: str) -> str:
    """The summary line of a pytest run; every test must have passed, and none been skipped."""
    summary = output.rstrip().rpartition("\n")[2].strip("= ")
    assert re.fullmatch(r"\d+ passed in [\d.]+s.*", summary), output
    return summary


def find_python(version: str) -> str | None:
    """An installed interpreter that runs, or None."""
    if version == "{}.{}".format(*sys.version_info):
        return sys.executable
    # The shims of pyenv exist for every version, but only the selected one runs.
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    installed = [str(path) for path in pyenv.glob(f"versions/{version}.*/bin/python{version}")]
    # Where get_python.sh installs it.
    unpacked = f"/opt/python{version}/bin/python{version}"
    for python in filter(None, [*installed, *map(shutil.which, (f"python{version}", unpacked))]):
        if subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0:
            return python
    return None


@dataclass
class Service:
    """A rendered service with its virtual environment."""

    root: Path
    answers: Answers
    environment: Path
    variables: dict[str, str] = field(default_factory=dict)

    def command(self, *words: str) -> list[str]:
        """The command line of a program in its environment, like `uv run`."""
        programs = self.environment / ("Scripts" if os.name == "nt" else "bin")
        return [str(programs / words[0]), *words[1:]]

    def run(self, *words: str, **variables: str) -> str:
        """Run a command in it and return the output; a failure shows how to repeat it."""
        done = self.attempt(words, variables)
        if done.returncode:
            pytest.fail(f"{done.stdout}\n{self.reproduction(*words)}", pytrace=False)
        return done.stdout

    def attempt(
        self, words: Sequence[str], variables: Mapping[str, str], timeout: float | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in it that may fail; `timeout` is in seconds."""
        return subprocess.run(
            self.command(*words),
            cwd=self.root,
            env={**clean_environment(os.environ), **self.variables, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=timeout,
        )

    def reproduction(self, *words: str) -> str:
        """How to repeat a failure by hand."""
        answers = shlex.join(
            part for item in self.answers.items() for part in ("-d", "=".join(map(str, item)))
        )
        # The default is the newest release.
        options = f"--trust --defaults --vcs-ref HEAD {answers}"
        copy = f"copier copy {options} {shlex.quote(str(TEMPLATE))} service"
        return (
            f"The service is in {self.root}\n"
            f"To repeat it without pytest: {copy} && cd service && uv run {shlex.join(words)}"
        )


class Environments:
    """One virtual environment for each set of dependencies; it has one service at a time."""

    def __init__(self, folder: Path, shared: Path | None = None) -> None:
        self._folder = folder
        # The dependencies, and so these caches, are the same in every cell.
        self._types = (shared or folder) / "types"
        self._bytecode = (shared or folder) / "bytecode"

    def install(self, root: Path, answers: Answers) -> Service:
        """Run `uv sync` for a rendered service."""
        version = str(recorded_answers(root)["python_version"])
        python = find_python(version)
        if python is None:
            pytest.skip(NO_PYTHON.format(version))
        service = Service(root, answers, self._folder / self._key(root, python))
        lock, cached_lock = root / "uv.lock", service.environment.with_suffix(".lock")
        if cached_lock.exists() and not lock.exists():
            shutil.copy(cached_lock, lock)
        sync = ["sync", "--quiet", "--python", python, "--no-python-downloads"]
        self._uv(service, *sync)
        # A workspace has it in its root.
        if lock.exists():
            shutil.copy(lock, cached_lock)
        self._share_bytecode(service)
        return service

    def install_for_type_checks(self, root: Path, answers: Answers) -> Service:
        """Like `install`, but if its Python is missing, install the dependencies for this one."""
        if find_python(str(recorded_answers(root)["python_version"])):
            return self.install(root, answers)
        service = Service(root, answers, self._folder / self._key(root, sys.executable))
        service.variables["PYTHONPATH"] = str(root / "src")
        self._uv(
            service,
            "venv",
            "--quiet",
            "--clear",
            "--python",
            sys.executable,
            str(service.environment),
        )
        install = ["pip", "install", "--quiet", "--requirement", "pyproject.toml", "--group", "dev"]
        self._uv(service, *install, "--python", str(service.environment))
        return service

    def _share_bytecode(self, service: Service) -> None:
        # Python looks bytecode up there by the path of the source.
        service.variables["PYTHONPYCACHEPREFIX"] = str(self._bytecode)
        for packages in service.environment.glob("lib/python*/site-packages"):
            link = self._bytecode / packages.relative_to(packages.anchor)
            if not link.is_symlink():
                target = self._bytecode / packages.parent.name
                target.mkdir(parents=True, exist_ok=True)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(target)

    @contextmanager
    def type_cache(self) -> Iterator[list[str]]:
        """The mypy options for a shared cache; one process at a time may use it."""
        with FileLock(self._types.with_name(f"{self._types.name}.lock")):
            yield ["--cache-dir", str(self._types)]

    def add(self, service: Service, roots: Iterable[Path]) -> None:
        """Install other services into the environment of one with the same dependencies."""
        editable = [word for root in roots for word in ("--editable", str(root))]
        python = service.command("python")[0]
        self._uv(service, "pip", "install", "--quiet", "--no-deps", "--python", python, *editable)

    def _uv(self, service: Service, *words: str) -> None:
        environment = {"UV_PROJECT_ENVIRONMENT": str(service.environment)}
        done = subprocess.run(
            [find_uv_bin(), *words],
            cwd=service.root,
            env=clean_environment(os.environ) | environment,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.fail(f"{done.stderr}\n{service.reproduction('true')}", pytrace=False)

    def _key(self, root: Path, python: str) -> str:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
        return short_hash(project["project"]["dependencies"], project["dependency-groups"], python)
