"""The path of a service in a monorepo, and the names and ports of its other services."""

from __future__ import annotations

import os
import runpy
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from copier.errors import UserMessageError
from jinja2 import Environment, pass_context
from jinja2.ext import Extension
from jinja2.runtime import Context

# Copier loads each extension file separately, so they cannot import each other.
_ANSWERS = runpy.run_path(str(Path(__file__).with_name("answers.py")))
SERVICE_PATH, UNSUPPORTED_PATH = _ANSWERS["SERVICE_PATH"], _ANSWERS["UNSUPPORTED_PATH"]
read_answers: Callable[[Path], Mapping[str, Any]] = _ANSWERS["read_answers"]
FIRST_PORT = 8000
# These must be unique in a repository, since workflows, packages and clients are named by them.
NAMES = ("project_slug", "package_name")


@pass_context
def path_in_repository(context: Context) -> str:
    """The path of the service in the git repository; empty for the root.

    Raises:
        UserMessageError: the path is not supported.
    """
    root = _root(context)
    if root is None or root == _folder(context):
        return ""
    path = _folder(context).relative_to(root).as_posix()
    if not SERVICE_PATH.fullmatch(path):
        raise UserMessageError(f"service_path: {UNSUPPORTED_PATH.format(path)}")
    return path


@pass_context
def free_port(context: Context) -> str:
    """The first port from 8000 that no other service in the repository uses."""
    used = {str(answers.get("port", FIRST_PORT)) for _, answers in _other_services(context)}
    ports = map(str, range(FIRST_PORT, 65536))
    return next(port for port in ports if port not in used)


@pass_context
def check_names(context: Context) -> bool:
    """Check that the names of a new service are unique in the repository.

    Raises:
        UserMessageError: another service uses a name.
    """
    for path, answers in _other_services(context):
        user = "the service at the root of the repository" if path == "." else path
        own = read_answers(_answers_file(context))
        for name in NAMES:
            # An existing service of the repository may keep its name.
            is_existing = own.get("layout") == "monorepo" and own.get(name) == context[name]
            if answers.get(name) == context[name] and not is_existing:
                raise UserMessageError(
                    f"{name}: {context[name]!r} is used by {user}; set another with --data {name}=…"
                )
    return True


def _folder(context: Context) -> Path:
    return Path(context["_copier_conf"]["dst_path"]).resolve()


def _answers_file(context: Context) -> Path:
    return Path(_folder(context), context["_copier_conf"]["answers_file"])


def _root(context: Context) -> Path | None:
    """The root of the git repository; None outside of one, and in tests without a copy."""
    if "_copier_conf" not in context:
        return None
    folder = _folder(context)
    return next((path for path in (folder, *folder.parents) if (path / ".git").exists()), None)


def _is_temporary(folder: str) -> bool:
    # The renders of an update are in the repository if TMPDIR is.
    return folder.startswith(("copier._main.old_copy.", "copier._main.new_copy."))


def _other_services(context: Context) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the paths of the other services in the repository, and their answers."""
    root = _root(context)
    if root is None or any(map(_is_temporary, _folder(context).parts)):
        return
    own = _answers_file(context)
    for folder, folders, files in os.walk(root):
        # Skip hidden folders and packages; sort, since the order depends on the file system.
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and name != "node_modules" and not _is_temporary(name)
        )
        path = Path(folder, own.name)
        if own.name in files and path != own and "package_name" in (answers := read_answers(path)):
            yield Path(folder).relative_to(root).as_posix(), answers


class Repository(Extension):
    """Makes these functions available to `copier.yml`."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.globals.update(
            check_names=check_names, free_port=free_port, path_in_repository=path_in_repository
        )
