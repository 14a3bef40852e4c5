"""The URL of the documentation for the release of a service."""

from __future__ import annotations

import re

from jinja2 import Environment, pass_context
from jinja2.ext import Extension
from jinja2.runtime import Context

# The supported hosts, with the path segment before the commit.
FOLDERS = {"github.com": "tree", "gitlab.com": "-/tree"}
# https://copier.readthedocs.io/en/stable/generating/
_ABBREVIATIONS = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}
# It drops the user and password, which must not be rendered.
_REPOSITORY = re.compile(
    r"(?:git\+)?(?:(?:https?|ssh|git)://)?(?:[^@/\s]+@)?(?P<host>[a-z.]+)(?::\d+)?[:/]"
    r"(?P<path>[\w.-]+(?:/[\w.-]+)+)/?"
)
# The output of `git describe` for a commit without a tag.
_AFTER_TAG = re.compile(r".+-\d+-g(?P<commit>[0-9a-f]+)")


@pass_context
def documentation_url(context: Context) -> str:
    """The URL of the documentation; empty if the template is on another host."""
    answers = context.get("_copier_answers", {})
    return make_url(str(answers.get("_src_path", "")), str(answers.get("_commit", "")))


def make_url(template: str, version: str) -> str:
    """The URL of `docs/` in a template, at a version as `git describe` writes it."""
    for short, url in _ABBREVIATIONS.items():
        template = re.sub(f"^{short}", url, template)
    found = _REPOSITORY.fullmatch(template)
    if not found or found["host"] not in FOLDERS or not version:
        return ""
    described = _AFTER_TAG.fullmatch(version)
    commit = described["commit"] if described else version
    path = found["path"].removesuffix(".git")
    return f"https://{found['host']}/{path}/{FOLDERS[found['host']]}/{commit}/docs"


class Documentation(Extension):
    """Makes `documentation_url` available to the templates."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.globals.update(documentation_url=documentation_url)
