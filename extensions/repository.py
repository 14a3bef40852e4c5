"""Where a service lies in a repository that holds others too, and what is taken there already."""

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

# The same as an answer has to be; Copier loads each of these files for itself.
_ANSWERS = runpy.run_path(str(Path(__file__).with_name("answers.py")))
PLACE = _ANSWERS["PLACE"]
read_answers: Callable[[Path], Mapping[str, Any]] = _ANSWERS["read_answers"]
FIRST_PORT = 8000
# What only one service of a repository can have: both name its workflow, its package, its client.
NAMES = ("project_slug", "package_name")


@pass_context
def place_in_repository(context: Context) -> str:
    """The folder of the service, from the root of the git repository; empty if it is the root.

    Raises:
        UserMessageError: a path like this cannot be written into the service's files.
    """
    root = _root(context)
    if root is None or root == _folder(context):
        return ""
    place = _folder(context).relative_to(root).as_posix()
    if not PLACE.fullmatch(place):
        raise UserMessageError(
            f"service_path: {place!r} is more than letters, digits and _ . @ -; use another folder"
        )
    return place


@pass_context
def free_port(context: Context) -> str:
    """The first port from 8000 on that no other service of the repository has."""
    used = {str(each.get("port", FIRST_PORT)) for _, each in _neighbours(context)}
    ports = map(str, range(FIRST_PORT, 65536))
    return next(port for port in ports if port not in used)


@pass_context
def check_names(context: Context) -> bool:
    """Check that a service that joins a repository is called like none that is there.

    Raises:
        UserMessageError: one line that says which name is taken, and where.
    """
    for place, answers in _neighbours(context):
        own = read_answers(_answers_file(context))
        for name in NAMES:
            # One that has joined already may stay as it is called.
            has_joined = own.get("layout") == "monorepo" and own.get(name) == context[name]
            if answers.get(name) == context[name] and not has_joined:
                raise UserMessageError(
                    f"{name}: {context[name]!r} is taken by {place}; choose another"
                )
    return True


def _folder(context: Context) -> Path:
    return Path(context["_copier_conf"]["dst_path"]).resolve()


def _answers_file(context: Context) -> Path:
    return Path(_folder(context), context["_copier_conf"]["answers_file"])


def _root(context: Context) -> Path | None:
    """The repository that the service comes into; the tests ask without a copy to be made."""
    if "_copier_conf" not in context:
        return None
    folder = _folder(context)
    return next((each for each in (folder, *folder.parents) if (each / ".git").exists()), None)


def _is_copy(folder: str) -> bool:
    # What an update compares, which is in the repository too where TMPDIR is.
    return folder.startswith(("copier._main.old_copy.", "copier._main.new_copy."))


def _neighbours(context: Context) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The other services of the repository: their folders, and their answers."""
    root = _root(context)
    if root is None or any(map(_is_copy, _folder(context).parts)):
        return
    own = _answers_file(context)
    for folder, folders, files in os.walk(root):
        # Nothing of ours is in what is hidden or installed; and the order does not depend on disks.
        folders[:] = sorted(
            each
            for each in folders
            if not each.startswith(".") and each != "node_modules" and not _is_copy(each)
        )
        path = Path(folder, own.name)
        if own.name in files and path != own and "package_name" in (answers := read_answers(path)):
            yield Path(folder).relative_to(root).as_posix(), answers


class Repository(Extension):
    """Makes all of this available to `copier.yml`."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.globals.update(
            check_names=check_names, free_port=free_port, place_in_repository=place_in_repository
        )
