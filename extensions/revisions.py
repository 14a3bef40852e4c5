"""Finds the migration after which a new one of the template runs."""

from __future__ import annotations

import ast
from pathlib import Path

import yaml
from jinja2 import Environment, pass_context
from jinja2.ext import Extension
from jinja2.runtime import Context


@pass_context
def check_heads(context: Context, authentication: str) -> str:
    """Require one last migration where an update adds one; "" if the service has it.

    A recorded answer is not checked, since Copier would drop it, and open all routes.
    """
    conf = context.get("_copier_conf", {})
    if authentication != "sessions" or "dst_path" not in conf:
        # Tests render templates without copying.
        return ""
    folder = Path(conf["dst_path"])
    heads = _find_heads(folder)
    if len(heads) < 2 or _is_recorded(folder / conf["answers_file"], authentication):
        return ""
    names = ", ".join(sorted(heads))
    return f"migrations/versions has several heads: {names}; run `uv run alembic merge heads`"


@pass_context
def migration_head(context: Context, own: str, default: str | None) -> str | None:
    """The last migration of a service, which a migration that an update adds has to follow.

    Args:
        context: the context of Jinja.
        own: the ID of the new migration.
        default: the last migration of a new service.
    """
    conf = context.get("_copier_conf", {})
    # Tests render templates without copying.
    heads = _find_heads(Path(conf["dst_path"]), own) if "dst_path" in conf else set()
    return heads.pop() if heads else default


def _find_heads(service: Path, own: str | None = None) -> set[str]:
    revisions = {
        found["revision"]: found.get("down_revision")
        for found in map(_assignments, sorted(service.glob("migrations/versions/*.py")))
        if found.get("revision") not in {None, own}
    }
    parents = {parent for down in revisions.values() for parent in _parents(down)}
    return {str(revision) for revision in revisions.keys() - parents}


def _is_recorded(path: Path, authentication: str) -> bool:
    try:
        recorded = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError:
        return False
    return isinstance(recorded, dict) and recorded.get("authentication") == authentication


def _assignments(path: Path) -> dict[str, object]:
    """The constants that a module assigns at its top; empty if it cannot be read."""
    try:
        body = ast.parse(path.read_text(encoding="utf-8")).body
    except (OSError, SyntaxError, UnicodeDecodeError):
        return {}
    found: dict[str, object] = {}
    for statement in body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), value=value):
                pass
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                pass
            case _:
                continue
        if name in {"revision", "down_revision"}:
            found[name] = ast.literal_eval(value or ast.Constant(None))
    return found


def _parents(down_revision: object) -> tuple[object, ...]:
    # A merge has several.
    return tuple(down_revision) if isinstance(down_revision, (tuple, list)) else (down_revision,)


class Revisions(Extension):
    """Makes these functions available to the templates."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.globals.update(check_heads=check_heads, migration_head=migration_head)
