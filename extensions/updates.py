"""Checks the configuration of git before an update writes files."""

from __future__ import annotations

import runpy
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from copier.errors import UserMessageError
from jinja2 import Environment, pass_context
from jinja2.exceptions import UndefinedError
from jinja2.ext import Extension
from jinja2.runtime import Context

# Copier loads each extension file separately, so they cannot import each other.
_ANSWERS = runpy.run_path(str(Path(__file__).with_name("answers.py")))
read_answers: Callable[[Path], Mapping[str, Any]] = _ANSWERS["read_answers"]


@pass_context
def check_ignored_files(context: Context) -> bool:
    """Check that the user's git configuration does not ignore a file that the update merges.

    Copier compares a service with a fresh copy by `git add` in a temporary repository. A file that
    `core.excludesFile` or the template directory of `git init` ignores is missing there, so the
    update would silently delete the team's lines in it.

    Raises:
        UserMessageError: git ignores a file; the message has the pattern and the fix.
    """
    conf = context["_copier_conf"]
    service = Path(conf["dst_path"]).resolve()
    answers = Path(service, conf["answers_file"])
    if not answers.is_file():
        return True
    rendered = _rendered_paths(context, Path(conf["src_path"]), read_answers(answers))
    if ignored := _ignored(service, [path for path in rendered if (service / path).is_file()]):
        source, line, pattern, path = ignored
        raise UserMessageError(
            f"The update would overwrite your changes to {path}, because git ignores that file on"
            f" this machine (pattern {pattern!r}). {_how_to_fix(source, line)}"
        )
    return True


def _rendered_paths(context: Context, template: Path, recorded: Mapping[str, Any]) -> Iterator[str]:
    """Yield the paths that the template renders for the recorded answers."""
    root = template / "template"
    known = {**context.get_all(), **recorded}
    for file in sorted(root.rglob("*")):
        relative = file.relative_to(root).as_posix().removesuffix(".jinja")
        try:
            path = context.environment.from_string(relative).render(known)
        except UndefinedError:
            # The path depends on a new question, so the service does not have the file.
            continue
        if file.is_file() and "//" not in f"/{path}/":
            yield path


def _ignored(service: Path, paths: list[str]) -> list[str] | None:
    """Find the first path that git ignores in a repository without a `.gitignore`.

    Returns:
        The file with the pattern, the line, the pattern and the path; None without a match.
    """
    shown = _git(service, "rev-parse", "--show-prefix")
    prefix = shown.stdout.strip()
    with tempfile.TemporaryDirectory() as folder:
        _git(Path(folder), "init", "--quiet")
        names = "\0".join(f"{prefix}{path}" for path in paths)
        check = ["check-ignore", "--no-index", "--verbose", "-z", "--stdin"]
        fields = _git(Path(folder), *check, stdin=names).stdout.split("\0")
    matches = [fields[start : start + 4] for start in range(0, len(fields) - 3, 4)]
    return next((match for match in matches if not match[2].startswith("!")), None)


def _how_to_fix(source: str, line: str) -> str:
    # A relative path is in the repository: `git init` copied the file from its template directory.
    if not Path(source).is_absolute():
        return (
            f"Remove line {line} of {source.removeprefix('.git/')} in the template directory of"
            " `git init` (init.templateDir)."
        )
    return (
        f"Remove line {line} of {source}, or update without that ignore file: GIT_CONFIG_COUNT=1"
        " GIT_CONFIG_KEY_0=core.excludesFile GIT_CONFIG_VALUE_0= uvx --with"
        " copier-template-extensions copier update --trust"
    )


def _git(folder: Path, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", *words], cwd=folder, input=stdin, capture_output=True, check=False, text=True
    )


class Updates(Extension):
    """Makes `check_ignored_files` available to `copier.yml`."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.globals["check_ignored_files"] = check_ignored_files
