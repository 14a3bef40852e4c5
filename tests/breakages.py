"""Applies each breakage of `breakages.toml` to the template, and checks that a test fails.

A breakage names the narrowest test that must fail, and a text that it must print, so that it fails for
the right reason.

    python tests/breakages.py              break it in every way, one after the other
    python tests/breakages.py NAME ...     break it in these ways only
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
    copier_command,
    free_of_this_process,
)
from releases import take_history

PYTEST = [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", "--numprocesses=0"]
# A test that waits for ever catches nothing; the slowest of them takes a tenth of it.
SECONDS_TO_FAIL = 90


@dataclass(frozen=True)
class Breakage:
    """One way to break the template.

    Attributes:
        name: what is wrong then.
        file: the file of the template that is changed.
        old: a text that is in the file.
        times: how often it is there.
        new: its replacement.
        renamed_to: what the file is called then, if not as before.
        caught_by: the command that has to fail, on the template or in a service.
        service: the answers of the service in which the command is run; None for the template.
        message: what the command has to print, so that it fails for the right reason.
        every_change: whether every change of the template is proven to be caught if it does this;
            the others are tried at night.
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
    """Every way to break it, in the order of the list."""
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    return [Breakage(**table) for table in tomllib.loads(text)["breakage"]]


BREAKAGES = {breakage.name: breakage for breakage in read_breakages()}


class Outdated(Exception):
    """A breakage no longer fits the template; the message says how to fix it."""


@contextmanager
def broken(template: Path, breakage: Breakage) -> Iterator[None]:
    """Break a copy of the template for as long as the block runs.

    Raises:
        Outdated: the text that would be replaced is not there so often.
    """
    path = template / breakage.file
    whole = check_up_to_date(template, breakage)
    target = path.with_name(breakage.renamed_to or path.name)
    path.rename(target)
    try:
        target.write_text(whole.replace(breakage.old, breakage.new), encoding="utf-8", newline="")
        yield
    finally:
        target.rename(path)
        path.write_text(whole, encoding="utf-8", newline="")


def check_up_to_date(template: Path, breakage: Breakage) -> str:
    """The text of the file that a breakage changes.

    Raises:
        Outdated: the text that would be replaced is not there so often.
    """
    where = f"tests/breakages.toml: {breakage.name!r} changes {breakage.file}"
    try:
        whole = (template / breakage.file).read_bytes().decode()
    except FileNotFoundError:
        raise Outdated(f"{where}, which is gone: name the file as it is now.") from None
    if breakage.old and (count := whole.count(breakage.old)) != breakage.times:
        raise Outdated(
            f"{where}, which has its `old` text {count} times, not {breakage.times}:\n{breakage.old}\n"
            "Write it as it is now; if there is nothing left to break, remove the breakage."
        )
    return whole


class Scratch:
    """A copy of the template, and services that come from it, for as long as a folder is there."""

    def __init__(self, folder: Path, shared: Path | None = None) -> None:
        self.folder = folder
        self.template = take_history(folder / "template")
        add_rendered_tests(self.template)
        self._services: dict[str, Service] = {}
        self._environments = Environments(folder / "environments", shared)

    def attempt(self, breakage: Breakage) -> CompletedProcess[str]:
        """Break it, and run what has to catch that."""
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
        """A service with its environment; what is rendered into it later is installed already."""
        key = shlex.join(words_of(answers))
        if key not in self._services:
            root = self.folder / f"service-{len(self._services)}"
            service = Service(root, answers, root)
            self._render(service)
            self._services[key] = self._environments.install(root, answers)
        return self._services[key]

    def _render(self, service: Service) -> None:
        shutil.rmtree(service.root, ignore_errors=True)
        copy = copier_command("copy", "--trust", "--defaults", "--quiet", "--vcs-ref=HEAD")
        words = [*words_of(service.answers), str(self.template), str(service.root)]
        # It warns that what it copies is not committed.
        run_process([*copy, *words], check=True, env={**os.environ, "PYTHONWARNINGS": "ignore"})


def words_of(answers: Mapping[str, object]) -> list[str]:
    """The answers as Copier takes them on its command line."""
    return [f"--data={name}={answer}" for name, answer in answers.items()]


def run(words: Sequence[str], template: Path, scratch: Path) -> CompletedProcess[str]:
    """Run tests of a copy of the template; they are none of those that run already."""
    assert words[0] == "pytest", words
    return run_process(
        [*PYTEST, f"--basetemp={scratch}", *words[1:]],
        cwd=template,
        env=free_of_this_process(os.environ),
        stdout=PIPE,
        stderr=STDOUT,
        text=True,
        check=False,
        timeout=SECONDS_TO_FAIL,
    )


def complaint(breakage: Breakage, done: CompletedProcess[str]) -> str:
    """Why a breakage was not caught; nothing if it was."""
    how = f"`{breakage.caught_by}` has "
    if done.returncode == 0:
        return f"{how}passed"
    # Pytest ends with another one if it has not found the test, or could not even start.
    if done.returncode != 1:
        return f"{how}ended with {done.returncode}:\n{done.stdout}"
    if breakage.message not in done.stdout:
        return f"{how}failed, but does not say {breakage.message!r}:\n{done.stdout}"
    return ""


def main(arguments: list[str]) -> None:
    """Run the command line; see the docstring of the module."""
    if unknown := [name for name in arguments if name not in BREAKAGES]:
        sys.exit(f"There is no breakage {', '.join(unknown)}; they are:\n" + "\n".join(BREAKAGES))
    missed = []
    with tempfile.TemporaryDirectory(prefix="breakages-", ignore_cleanup_errors=True) as folder:
        scratch = Scratch(Path(folder))
        chosen = arguments or [*BREAKAGES]
        for number, name in enumerate(chosen, 1):
            print(f"[{number:2}/{len(chosen)}] {name} … ", end="", flush=True)
            started = time.monotonic()
            try:
                problem = complaint(BREAKAGES[name], scratch.attempt(BREAKAGES[name]))
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
