"""Finds the migration after which a new one of the template runs."""

from __future__ import annotations

import ast
from pathlib import Path

from copier.errors import UserMessageError
from jinja2 import Environment, pass_context
from jinja2.ext import Extension
from jinja2.runtime import Context


@pass_context
def migration_head(context: Context, own: str, default: str | None) -> str | None:
    """The last migration of a service, which a migration that an update adds has to follow.

    Args:
        context: the context of Jinja.
        own: the ID of the new migration.
        default: the last migration of a new service.

    Raises:
        UserMessageError: the service has several last migrations.
    """
    conf = context.get("_copier_conf", {})
    # Tests render templates without copying.
    versions = Path(conf["dst_path"], "migrations/versions") if "dst_path" in conf else Path()
    revisions = {
        found["revision"]: found.get("down_revision")
        for found in map(_assignments, sorted(versions.glob("*.py")))
        if found.get("revision") not in {None, own}
    }
    parents = {parent for down in revisions.values() for parent in _parents(down)}
    heads = revisions.keys() - parents
    if len(heads) > 1:
        raise UserMessageError(
            f"migrations/versions has several heads: {', '.join(sorted(map(str, heads)))}. Run"
            " `uv run alembic merge heads`, then update again."
        )
    return str(heads.pop()) if heads else default


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
    """Makes `migration_head` available to the templates."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.globals["migration_head"] = migration_head
