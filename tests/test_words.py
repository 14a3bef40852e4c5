"""Rendered files and the template use the terms of HTTP and of the libraries."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from harness import TEMPLATE, Renders, files_in, working_files
from matrix import CELLS, COVERING

# Words that are not in the documentation of the libraries or in RFCs, as regular expressions of whole
# words, each with the reason.
DIALECT = {
    "answers?|answered|answering": "HTTP has responses; an answer is what a user gives to Copier",
    "told|tells? (a|the) client": "a client gets a response",
    "mend(s|ed|ing)?": "fix",
    "place|places|has_place": "a connection slot, a path, a position",
    "has the face|has_a_face": "an error has a status, a code and a message",
    r"for each in \w.*|each for each": "a loop names its variable after the thing",
    "misspelt": "misspelled, as in the documentation of Pydantic",
    "unmoved|without_values|leave_references_alone": "the name says what the function does",
    "(methods|codes|environment|chain|digest)_of": "a function is named by a verb or a noun",
    "KeyMixin": "UUIDPrimaryKeyMixin, as in Advanced Alchemy",
    "_danger_of|_parts_in|_serves|_is_foreign|_losing_lines": "the name says what is checked",
    "normal_origin|safe_pattern": "origins are normalized, patterns are validated",
    "climb(s|ed)?": "a database is upgraded",
    "on its way": "an exception propagates",
    "into the void": "a metaphor",
    "is no (setting|origin|choice|port|DSN)": "is not a valid …",
    "leave(s)? (it|that|out)": "remove, omit",
    "spoken to": "called",
    "over the wire|as they travel": "in requests and responses",
}
# Copier's own term: an answer to a question, in the template itself.
ANSWERS = next(iter(DIALECT))
TEMPLATE_DIALECT = {words: reason for words, reason in DIALECT.items() if words != ANSWERS} | {
    "(is|are|was|be) answered (with|by)|answers with": "responses",
    "judges?|judged": "check",
    "called otherwise": "renamed",
    "lies about|lying about": "untracked",
    r"lived.in|live_in": "a service with the changes of a team",
    "(by|at|each|every) (day|night)": "the default run and the nightly run",
    "said": "an output, a message, an error",
    r"def _?\w+_of": "a function is named by a verb or a noun",
    "whoever|nobody need|asked no more|not any more": "the actor is the subject of the sentence",
    "of one's own": "a service, a server or a folder for one test",
}
# Rendered files have a test of their own, and the changelog describes past releases.
NOT_READ = ("template/", "docs/upstream/", "CHANGELOG.md", "requirements")
# Updates rewrite them.
FORMER_NAMES = re.compile(
    r"\b(KeyMixin|environment_of|without_values|normal_origin|safe_pattern)\b"
)
USES_FORMER_NAMES = {"migrations/renames.yml", "tests/test_renames.py", "tests/team_changes.py"}
# These list the words, or put one into the template.
LISTS_WORDS = {"tests/test_words.py", "tests/breakages.toml", "tests/README.md"}
# Copier's own name, and the former name of a type, which clients of older releases import.
ALLOWED = re.compile(r"^\.copier-answers\.yml:.*|\.copier-answers\.yml|type Answer\b")
# Every release has this line, so it cannot change: an update keeps the team's lines below it.
MARKER = "What is below this line is yours"


def compile_words(words: str) -> re.Pattern[str]:
    """A pattern for whole words, in any case."""
    return re.compile(rf"(?<![\w-])({words})(?![\w-])", re.IGNORECASE)


@cache
def rendered_lines(service: Path) -> list[str]:
    """The lines of a service, with their files and numbers."""
    return [
        f"{name}:{number}: {line.strip()}"
        for name, path in files_in(service).items()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if MARKER not in line
    ]


@pytest.mark.parametrize("words", DIALECT)
def test_rendered_files_use_standard_terms(render: Renders, words: str) -> None:
    pattern = compile_words(words)
    lines = {line for cell in COVERING for line in rendered_lines(render(**CELLS[cell]))}
    found = [line for line in lines if pattern.search(ALLOWED.sub("", line))]
    assert sorted(found) == [], DIALECT[words]


@cache
def template_lines() -> list[str]:
    """The lines of the template's own files, with their names and numbers."""
    lines = []
    for name in working_files():
        if not name.startswith(NOT_READ) and name not in LISTS_WORDS:
            text = (TEMPLATE / name).read_text(encoding="utf-8", errors="ignore")
            if name in USES_FORMER_NAMES:
                text = FORMER_NAMES.sub("", text)
            lines += [
                f"{name}:{number}: {line.strip()}"
                for number, line in enumerate(text.splitlines(), start=1)
                if MARKER not in line
            ]
    return lines


@pytest.mark.parametrize("words", TEMPLATE_DIALECT)
def test_the_template_uses_standard_terms(words: str) -> None:
    pattern = compile_words(words)
    assert list(filter(pattern.search, template_lines())) == [], TEMPLATE_DIALECT[words]
