"""Computes the sets of answers to test from the questions of `copier.yml`.

A question with a list of answers joins by itself; one for a text needs samples here, and a test
says so. Which question is asked after which answers is what its own `when` says, and nothing else.

    python tests/matrix.py                 the cells, a line each
    python tests/matrix.py --github        the matrix of a workflow, as JSON
    python tests/matrix.py CELL FOLDER     render one of them into a folder
"""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, reduce
from itertools import combinations, count, cycle
from operator import or_
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from _pytest.mark import ParameterSet
from harness import QUESTIONS, TEMPLATE, Answers, copy_release, load_extension
from jinja2 import Environment, StrictUndefined, Template

# How many answers are proven in every combination with one another.
STRENGTH = int(os.environ.get("MATRIX_STRENGTH", "2"))
# So many arrays are computed; the shortest is proven.
TRIES = 5

# Characters that break quoted strings, TOML, YAML or fonts.
HOSTILE_NAME = 'Bob\'s "Büro" \\ {{ project_slug }} # %s 🚀'
# Valid texts, from the shortest to the longest: imports and signatures wrap at different widths.
SAMPLES: dict[str, list[str]] = {
    "project_name": [HOSTILE_NAME, "x", "A" * 74, "*Orders* & <b>bills</b> [1], 注文"],
    "project_slug": ["x", "long-" * 11 + "order", "3d-shop"],
    "package_name": ["a_package_whose_name_is_as_long_as_it_is", "a", "z9"],
    "project_description": [HOSTILE_NAME, "", "b" * 200, '# 1. It\'s """quoted"""'],
    "service_path": ["services/orders", "apps/api", "a/@deeper_one/than.this-1"],
    "port": ["8001", "65535"],
    "cors_origins": [
        "",
        "http://localhost:3000,https://app.example.com",
        # It fits in a line of its own, and in no other.
        f"https://app.example.com,https://{'a' * 52}.example",
        "https://xn--bcher-kva.example:8443, http://[::1]:3000",
    ],
    "cors_origin_regex": [
        r"https://preview-\d+\.example\.com",
        rf"^https://app-[a-z0-9-]+-myteam\.{'a' * 38}\.example\.com$",
    ],
}

answers_extension = load_extension(TEMPLATE, "answers")
repository_extension = load_extension(TEMPLATE, "repository")
_JINJA = Environment(
    undefined=StrictUndefined,
    extensions=[answers_extension.Answers, repository_extension.Repository],
)
_compile = cache(_JINJA.from_string)
_parse = cache(yaml.safe_load)

Option = tuple[str, object]
_bits: defaultdict[tuple[Option, ...], int] = defaultdict(count().__next__)


def listed(question: Mapping[str, Any]) -> list[Any]:
    """The answers that a question offers; none if it takes any text."""
    if question["type"] == "bool":
        return [True, False]
    choices = question.get("choices", [])
    return [*(choices.values() if isinstance(choices, dict) else choices)]


OFFERED = {name: offered for name, question in QUESTIONS.items() if (offered := listed(question))}
# Every question that has a list of answers, with each of them.
CHOICES: list[Option] = [(name, answer) for name, offered in OFFERED.items() for answer in offered]
TEXTS = [name for name in QUESTIONS if name not in OFFERED]


def _value(question: Mapping[str, Any], key: str, context: Answers) -> Any:
    """Evaluate a property of a question with the answers so far."""
    raw = question.get(key, True)
    if not isinstance(raw, str):
        return raw
    template: Template = _compile(raw)
    text = template.render(context)
    is_text = key == "default" and question["type"] == "str"
    return text if is_text else _parse(text)


def resolve(answers: Answers) -> dict[str, object]:
    """All that Copier records for these answers: the defaults too, and nothing it does not ask."""
    context: dict[str, object] = {}
    recorded: dict[str, object] = {}
    for name, question in QUESTIONS.items():
        is_asked = _value(question, "when", context)
        context[name] = _value(question, "default", context)
        if is_asked:
            recorded[name] = context[name] = answers.get(name, context[name])
    return recorded


@cache
def feasible() -> list[dict[str, object]]:
    """Every set of listed answers that can be given; a question that is not asked has none."""
    # A `when` that depends on a text is evaluated with its default.
    context = {name: QUESTIONS[name]["default"] for name in TEXTS}
    found: list[dict[str, object]] = [{}]
    for name, question in QUESTIONS.items():
        if name not in TEXTS:
            found = [
                {**cell, name: answer}
                for cell in found
                for answer in _continuations(name, question, {**context, **cell})
            ]
    return [{name: cell[name] for name in cell if cell[name] is not None} for cell in found]


def _continuations(name: str, question: Mapping[str, Any], context: Answers) -> Sequence[object]:
    return OFFERED[name] if _value(question, "when", context) else [None]


# These change a value in a file, and bring no piece. So each is in a cell; what it meets there matters
# only where more than two answers meet.
VALUES: list[Option] = [
    *(("python_version", value) for value in answers_extension.PYTHONS[1:-1]),
    *(("cors_credentials", value) for value in OFFERED["cors_credentials"]),
]


@cache
def _mask(options: tuple[Option, ...], strength: int) -> int:
    # A bit for each set of answers: many can be counted at once.
    meeting = [option for option in options if strength > 2 or option not in VALUES]
    sets = [*combinations(meeting, strength), *combinations(options, 1)]
    return sum(1 << _bits[pair] for pair in sets)


def cover(
    candidates: Sequence[Answers], strength: int, chosen: Sequence[Answers] = ()
) -> list[Answers]:
    """Choose cells in which all answers meet that meet in any candidate, most at a time first."""
    met = [(cell, _mask((*cell.items(),), strength)) for cell in candidates]
    missing = reduce(or_, (mask for _, mask in met))
    cells = [*chosen]
    for cell in chosen:
        missing &= ~_mask((*cell.items(),), strength)
    while missing:
        best, mask = max(met, key=lambda candidate: (candidate[1] & missing).bit_count())
        missing &= ~mask
        cells.append(best)
    return cells


def _extremes(cells: Sequence[Answers]) -> list[Answers]:
    """All on, and all off: the cells that have the fewest other answers."""
    nothing = ("none", False)
    on = {
        (name, [value for value in offered if value not in nothing][-1])
        for name, offered in OFFERED.items()
    }
    off = {
        (name, next((value for value in nothing if value in offered), offered[0]))
        for name, offered in OFFERED.items()
    }
    return [min(cells, key=lambda cell: len(cell.items() - ideal)) for ideal in (on, off)]


def _covering_array(seed: int) -> list[Answers]:
    """All on, all off, and what is left to prove; which comes out is a matter of order."""
    cells = Random(seed).sample(feasible(), len(feasible()))
    oldest = OFFERED["python_version"][0]
    extremes = _extremes([cell for cell in cells if cell["python_version"] == oldest])
    # The defaults cover their pairs, on any Python.
    defaults = {
        name: answer
        for name, answer in resolve({}).items()
        if name in OFFERED and name != "python_version"
    }
    return cover(cells, STRENGTH, [defaults, *extremes])[1:]


def _with_texts(cells: Sequence[Answers]) -> list[Answers]:
    """Give every text question its samples and its default in turn."""
    spread = [dict(cell) for cell in cells]
    for number, name in enumerate(TEXTS):
        texts = cycle([None, *SAMPLES.get(name, [])])
        # Starting at another sample, texts are combined differently in every cell.
        for _ in range(number):
            next(texts)
        for cell in spread:
            if name in resolve(cell) and (text := next(texts)) is not None:
                cell[name] = text
    return [*spread]


def _name_cells() -> dict[str, Answers]:
    on, off, *others = _with_texts(min(map(_covering_array, range(TRIES)), key=len))
    numbered = {f"cell-{number:02}": cell for number, cell in enumerate(others, 1)}
    return {"defaults": {}, "all-on": on, "all-off": off, **numbered}


# The cells that are installed and run.
CELLS = _name_cells()
# The defaults with one answer that is another; these are read only.
SINGLES: dict[str, Answers] = {
    f"{name}={answer}": {name: answer}
    for name, answer in CHOICES
    if resolve({}).get(name, answer) != answer or name == "python_version"
}
RENDERED = CELLS | SINGLES


def each_cell(cells: Iterable[str]) -> list[ParameterSet]:
    """Parameters for tests of these cells: one process runs all tests of the same cell."""
    return [pytest.param(name, id=f"{name}@") for name in cells]


def _covering() -> list[str]:
    missing = {*CHOICES}
    names = []
    while missing:
        name = max(CELLS, key=lambda name: len(missing & resolve(CELLS[name]).items()))
        missing -= resolve(CELLS[name]).items()
        names.append(name)
    return names


# The cells that have every answer between them.
COVERING = _covering()


def github_matrix() -> dict[str, list[dict[str, str]]]:
    """A job for each cell, with the Python that it needs."""
    pythons = {name: resolve(cell)["python_version"] for name, cell in CELLS.items()}
    return {"include": [{"cell": name, "python": str(pythons[name])} for name in CELLS]}


def main(arguments: list[str]) -> None:
    """Run the command line; see the docstring of the module."""
    if arguments == ["--github"]:
        print(json.dumps(github_matrix()))
    elif arguments:
        name, folder = arguments
        copy_release(TEMPLATE, Path(folder), RENDERED[name], "HEAD")
    else:
        for name, cell in RENDERED.items():
            print(f"{name:24}", json.dumps(cell, ensure_ascii=False))


if __name__ == "__main__":
    main(sys.argv[1:])
