"""Applies each breakage of `breakages.toml` to the template, and checks that a test fails.

A breakage names the narrowest test that must fail, and a part of its output, which shows that it
fails for the right reason.

    python tests/breakages.py              all breakages, one after the other
    python tests/breakages.py NAME ...     only these
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, STDOUT, CompletedProcess, TimeoutExpired
from subprocess import run as run_process

from harness import (
    Environments,
    Service,
    add_rendered_tests,
    clean_environment,
    copier_command,
)
from releases import clone_history

PYTEST = [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", "--numprocesses=0"]
# A test that hangs catches nothing; the slowest, which build images, take a third of this.
SECONDS_TO_FAIL = 300


@dataclass(frozen=True)
class Breakage:
    """One way to break the template.

    Attributes:
        name: the fault that it causes.
        file: the file of the template that it changes.
        old: the text that it replaces.
        times: the number of occurrences of `old`.
        new: the replacement.
        renamed_to: the new name of the file, if it is renamed.
        caught_by: the command that must fail.
        service: the answers of the service in which the command runs; None for the template.
        message: a text that the output of the command must contain.
        every_change: whether the default run applies it; the nightly run applies the others.
    """

    name: str
    file: str
    caught_by: str
    message: str
    old: str = ""
    times: int = 1
    new: str = ""
    renamed_to: str = ""
    service: Mapping[str, object] | None = None
    every_change: bool = False


def read_breakages() -> list[Breakage]:
    """All breakages, in the order of the file."""
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    return [Breakage(**table) for table in tomllib.loads(text)["breakage"]]


BREAKAGES = {breakage.name: breakage for breakage in read_breakages()}


class Outdated(Exception):
    """A breakage no longer applies to the template; the message says how to fix it."""


@contextmanager
def broken(template: Path, breakage: Breakage) -> Iterator[None]:
    """Break a copy of the template while the block runs.

    Raises:
        Outdated: the file is missing, or has another number of occurrences of `old`.
    """
    path = template / breakage.file
    original = check_up_to_date(template, breakage)
    target = path.with_name(breakage.renamed_to or path.name)
    path.rename(target)
    try:
        target.write_text(
            original.replace(breakage.old, breakage.new), encoding="utf-8", newline=""
        )
        yield
    finally:
        target.rename(path)
        path.write_text(original, encoding="utf-8", newline="")


def check_up_to_date(template: Path, breakage: Breakage) -> str:
    """Return the text of the file that a breakage changes.

    Raises:
        Outdated: the file is missing, or has another number of occurrences of `old`.
    """
    entry = f"tests/breakages.toml: {breakage.name!r} changes {breakage.file}"
    try:
        text = (template / breakage.file).read_bytes().decode()
    except FileNotFoundError:
        raise Outdated(f"{entry}, which does not exist: update its path.") from None
    if breakage.old and (count := text.count(breakage.old)) != breakage.times:
        raise Outdated(
            f"{entry}, which has its `old` text {count} times, not {breakage.times}:\n{breakage.old}\n"
            "Update the text; if there is nothing left to break, remove the breakage."
        )
    return text


class Scratch:
    """A copy of the template to break, and the services rendered from it."""

    def __init__(self, folder: Path, shared: Path | None = None) -> None:
        self.folder = folder
        self.template = clone_history(folder / "template")
        add_rendered_tests(self.template)
        self._services: dict[str, Service] = {}
        self._environments = Environments(folder / "environments", shared)

    def attempt(self, breakage: Breakage) -> CompletedProcess[str]:
        """Apply a breakage, and run the command that must catch it."""
        words = shlex.split(breakage.caught_by)
        if breakage.service is None:
            with broken(self.template, breakage):
                return run(words, self.template, self.folder / "pytest")
        service = self._service(breakage.service)
        with broken(self.template, breakage):
            self._render(service)
        if words[0] == "mypy":
            with self._environments.type_cache() as cache:
                return service.attempt([*words, *cache], {}, SECONDS_TO_FAIL)
        return service.attempt(words, {}, SECONDS_TO_FAIL)

    def _service(self, answers: Mapping[str, object]) -> Service:
        """An installed service; its environment stays valid when it is rendered again."""
        key = shlex.join(data_options(answers))
        if key not in self._services:
            root = self.folder / f"service-{len(self._services)}"
            service = Service(root, answers, root)
            self._render(service)
            self._services[key] = self._environments.install(root, answers)
        return self._services[key]

    def _render(self, service: Service) -> None:
        shutil.rmtree(service.root, ignore_errors=True)
        copy = copier_command("copy", "--trust", "--defaults", "--quiet", "--vcs-ref=HEAD")
        words = [*data_options(service.answers), str(self.template), str(service.root)]
        # Copier warns that the template has uncommitted changes.
        run_process([*copy, *words], check=True, env={**os.environ, "PYTHONWARNINGS": "ignore"})


def data_options(answers: Mapping[str, object]) -> list[str]:
    """Answers as options of the command line of Copier."""
    return [f"--data={name}={answer}" for name, answer in answers.items()]


def run(words: Sequence[str], template: Path, scratch: Path) -> CompletedProcess[str]:
    """Run tests of a copy of the template, in a pytest of its own."""
    assert words[0] == "pytest", words
    return run_process(
        [*PYTEST, f"--basetemp={scratch}", *words[1:]],
        cwd=template,
        env=clean_environment(os.environ),
        stdout=PIPE,
        stderr=STDOUT,
        text=True,
        check=False,
        timeout=SECONDS_TO_FAIL,
    )


def failure_reason(breakage: Breakage, done: CompletedProcess[str]) -> str:
    """Why a breakage was not caught; empty if it was."""
    command = f"`{breakage.caught_by}`"
    if done.returncode == 0:
        return f"{command} passed"
    # Other exit codes mean that pytest found no test, or could not start.
    if done.returncode != 1:
        return f"{command} exited with {done.returncode}:\n{done.stdout}"
    if breakage.message not in done.stdout:
        return f"{command} failed without printing {breakage.message!r}:\n{done.stdout}"
    return ""


def main(arguments: list[str]) -> None:
    """Run the command line; see the docstring of the module."""
    if unknown := [name for name in arguments if name not in BREAKAGES]:
        sys.exit(f"Unknown breakage: {', '.join(unknown)}. Use one of:\n" + "\n".join(BREAKAGES))
    missed = []
    with tempfile.TemporaryDirectory(prefix="breakages-", ignore_cleanup_errors=True) as folder:
        scratch = Scratch(Path(folder))
        chosen = arguments or [*BREAKAGES]
        for number, name in enumerate(chosen, 1):
            print(f"[{number:2}/{len(chosen)}] {name} … ", end="", flush=True)
            started = time.monotonic()
            try:
                problem = failure_reason(BREAKAGES[name], scratch.attempt(BREAKAGES[name]))
            except (Outdated, TimeoutExpired) as error:
                problem = str(error)
            print("NOT CAUGHT" if problem else "caught", f"({time.monotonic() - started:.1f} s)")
            if problem:
                missed.append(name)
                print(problem)
    if missed:
        sys.exit(f"Not caught: {', '.join(missed)}")
    print(f"{len(chosen)} of {len(chosen)} caught")


if __name__ == "__main__":
    main(sys.argv[1:])
