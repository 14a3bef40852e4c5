"""Finds modules by their path, so that a new file is all that a new resource needs."""

from importlib import import_module
from pathlib import Path
from types import ModuleType


def import_modules(package: str) -> list[ModuleType]:
    """Import every module below a package, in the order of their paths.

    It walks folders, since the import system does not list those without an `__init__.py`;
    names that begin with an underscore are left out.

    Raises:
        ImportError: a module cannot be imported; the message names its path.
    """
    root = Path(import_module(package).__path__[0])
    modules = []
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if any(part.startswith("_") for part in parts):
            continue
        try:
            modules.append(import_module(".".join([package, *parts])))
        except Exception as error:
            raise ImportError(f"{path} cannot be imported: {error!r}") from error
    return modules
