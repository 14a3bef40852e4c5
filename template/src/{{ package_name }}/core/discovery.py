"""Discovers modules by path, so that a new resource needs no registration."""

from collections.abc import Iterator
from importlib import import_module
from importlib.resources import files
from importlib.resources.abc import Traversable
from inspect import getmodulename
from types import ModuleType


def import_modules(package: str) -> list[ModuleType]:
    """Import every module in a package and its subpackages, in the order of their paths.

    Folders need no `__init__.py`. Names with a leading underscore are skipped.

    Raises:
        ImportError: a module cannot be imported, or the modules cannot be listed; the message
            has the path.
    """
    modules = []
    for parts, path in sorted(dict(_find_modules(open_folder(package))).items()):
        try:
            modules.append(import_module(".".join([package, *parts])))
        except Exception as error:
            raise ImportError(f"{path} cannot be imported: {error!r}") from error
    return modules


def open_folder(package: str) -> Traversable:
    """The folder of a package, on disk or in a zip file.

    Raises:
        ImportError: there are no modules in it, as in a frozen executable.
    """
    root, *parts = package.split(".")
    folder = files(root)
    if "__init__" not in {getmodulename(path.name) for path in folder.iterdir()}:
        raise ImportError(f"the modules of {package} cannot be listed: no modules in {folder}")
    return folder.joinpath(*parts)


def _find_modules(folder: Traversable) -> Iterator[tuple[tuple[str, ...], Traversable]]:
    for path in folder.iterdir():
        if path.name.startswith(("_", ".")):
            continue
        if path.is_dir():
            yield from (((path.name, *parts), found) for parts, found in _find_modules(path))
        # For source, bytecode and extension modules; other files have no module name.
        elif name := getmodulename(path.name):
            yield (name,), path
