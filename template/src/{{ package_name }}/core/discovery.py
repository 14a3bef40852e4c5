"""Finds modules by their path, so that a new file is all that a new resource needs."""

from collections.abc import Iterator
from importlib import import_module
from importlib.resources import files
from importlib.resources.abc import Traversable
from inspect import getmodulename
from types import ModuleType


def import_modules(package: str) -> list[ModuleType]:
    """Import every module below a package, in the order of their paths.

    It walks folders, since the import system does not list those without an `__init__.py`;
    names that begin with an underscore are left out.

    Raises:
        ImportError: a module cannot be imported, or the modules cannot be listed; the message
            names the path.
    """
    modules = []
    for parts, path in sorted(dict(_find_modules(open_folder(package))).items()):
        try:
            modules.append(import_module(".".join([package, *parts])))
        except Exception as error:
            raise ImportError(f"{path} cannot be imported: {error!r}") from error
    return modules


def open_folder(package: str) -> Traversable:
    """The folder of a package, on the disk or in a zip file.

    Raises:
        ImportError: its modules are elsewhere, as in a program that was frozen into one file.
    """
    root, *parts = package.split(".")
    folder = files(root)
    if "__init__" not in {getmodulename(path.name) for path in folder.iterdir()}:
        raise ImportError(f"the modules of {package} cannot be listed: {folder} does not have them")
    return folder.joinpath(*parts)


def _find_modules(folder: Traversable) -> Iterator[tuple[tuple[str, ...], Traversable]]:
    for path in folder.iterdir():
        if path.name.startswith(("_", ".")):
            continue
        if path.is_dir():
            yield from (((path.name, *parts), found) for parts, found in _find_modules(path))
        # The name that it has as source, as bytecode or compiled; a file of data has none.
        elif name := getmodulename(path.name):
            yield (name,), path
