"""Team files: rendered once, then never changed by updates.

They are patterns in the `_exclude` list of `copier.yml`. An update renders the list of the new
version with the extension of the old one, so the name and the parameters of `once` never change.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, pass_context
from jinja2.ext import Extension
from jinja2.runtime import Context
from packaging.version import InvalidVersion, Version


@pass_context
def once(
    context: Context, pattern: str, when: str | None = None, since: str | None = None, **_: object
) -> str:
    """Exclude files from every render except the one that adds them.

    Later entries of the list take precedence, so narrow patterns follow broad ones.

    Args:
        context: the context of Jinja.
        pattern: the files, as in a `.gitignore`, from the root of the service: `/src/*/hooks.py`.
        when: the question that enables them; the update that enables it adds them.
        since: the first version with them; the update that reaches it adds them.
        _: for parameters of later versions.
    """
    recorded = _recorded_answers(context)
    if recorded is None:
        # A copy adds them. The two renders that an update compares do not, so an update does not
        # change them.
        return pattern if context["_copier_operation"] == "update" else ""
    if _is_switched_on(when, recorded, context["_copier_answers"]) or _is_older(recorded, since):
        # Do not overwrite existing files.
        return "\n".join([f"!{pattern}", *_existing(context, pattern)])
    return pattern


def _recorded_answers(context: Context) -> Mapping[str, Any] | None:
    conf = context["_copier_conf"]
    try:
        text = Path(conf["dst_path"], conf["answers_file"]).read_text(encoding="utf-8")
    except OSError:
        return None
    return yaml.safe_load(text) or {}


def _is_switched_on(
    question: str | None, recorded: Mapping[str, Any], answers: Mapping[str, Any]
) -> bool:
    return question is not None and not _is_on(recorded, question) and _is_on(answers, question)


def _is_on(answers: Mapping[str, Any], question: str) -> bool:
    # A question that is not asked is not recorded: there is no example without a database.
    return answers.get(question, "none") not in (False, "none")


def _is_older(recorded: Mapping[str, Any], since: str | None) -> bool:
    if since is None:
        return False
    try:
        return Version(str(recorded.get("_commit"))) < Version(since)
    except InvalidVersion:
        # A copy of an untagged commit.
        return False


def _existing(context: Context, pattern: str) -> list[str]:
    root = Path(context["_copier_conf"]["dst_path"])
    paths = (path.relative_to(root).as_posix() for path in root.glob(pattern.lstrip("/")))
    return ["/" + re.sub(r"([\\*?![\]#\s])", r"\\\1", path) for path in paths]


class Ownership(Extension):
    """Makes `once` available to `copier.yml`."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.globals["once"] = once
