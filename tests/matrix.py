"""Computes the sets of answers to test (cells) from the questions of `copier.yml`.

Questions with choices are included automatically; a text question needs `SAMPLES`, and a test
fails without them. The `when` of a question decides in which cells it is answered.

    python tests/matrix.py                 print the cells, one per line
    python tests/matrix.py --github        print the matrix of the workflow, as JSON
    python tests/matrix.py CELL FOLDER     render a cell into a folder
"""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, reduce
from itertools import combinations, compress, count, cycle
from operator import or_
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from _pytest.mark import ParameterSet
from harness import QUESTIONS, TEMPLATE, Answers, copy_release, load_extension
from jinja2 import Environment, StrictUndefined, Template

# The cells have every combination of this many answers: 2 means all pairs.
STRENGTH = int(os.environ.get("MATRIX_STRENGTH", "2"))
# The number of covering arrays to compute; the shortest with most samples is used.
TRIES = 5
# Each array is chosen from this many sets of answers; those have every pair, as a test checks.
CANDIDATES = 2_000

# Characters that break quoted strings, TOML, YAML or fonts.
HOSTILE_NAME = 'Bob\'s "Büro" \\ {{ project_slug }} # %s 🚀'
# Valid texts, short and long: imports and signatures wrap at different widths.
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
        # It fits in a line only without other code.
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
revisions_extension = load_extension(TEMPLATE, "revisions")
_JINJA = Environment(
    undefined=StrictUndefined,
    extensions=[
        answers_extension.Answers,
        repository_extension.Repository,
        revisions_extension.Revisions,
    ],
)
_compile = cache(_JINJA.from_string)
_parse = cache(yaml.safe_load)

Option = tuple[str, object]
_bits: defaultdict[tuple[Option, ...], int] = defaultdict(count().__next__)


def choices_for(question: Mapping[str, Any]) -> list[Any]:
    """The choices of a question; empty for a text question."""
    if question["type"] == "bool":
        return [True, False]
    choices = question.get("choices", [])
    return [*(choices.values() if isinstance(choices, dict) else choices)]


OFFERED = {
    name: offered for name, question in QUESTIONS.items() if (offered := choices_for(question))
}
# Every question with choices, with each choice.
CHOICES: list[Option] = [(name, answer) for name, offered in OFFERED.items() for answer in offered]
TEXTS = [name for name in QUESTIONS if name not in OFFERED]
# Answers without which a question is pointless, where the defaults differ.
REQUIRED: dict[str, Answers] = {"deploy": {"container": True, "database": "postgresql"}}


def _value(question: Mapping[str, Any], key: str, context: Answers) -> Any:
    """Evaluate a property of a question with the answers to earlier questions."""
    raw = question.get(key, True)
    if not isinstance(raw, str):
        return raw
    template: Template = _compile(raw)
    text = template.render(context)
    is_text = key == "default" and question["type"] == "str"
    return text if is_text else _parse(text)


def resolve(answers: Answers) -> dict[str, object]:
    """The answers that Copier records: these, and defaults for the others, if `when` holds."""
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
    """Every possible set of choices; it omits questions whose `when` is false."""
    # A `when` that depends on a text is evaluated with its default.
    context = {name: QUESTIONS[name]["default"] for name in TEXTS}
    cells: list[dict[str, object]] = [{}]
    for name, question in QUESTIONS.items():
        if name not in TEXTS:
            cells = [
                {**cell, name: answer}
                for cell in cells
                for answer in _possible_answers(name, question, {**context, **cell})
            ]
    return [{name: cell[name] for name in cell if cell[name] is not None} for cell in cells]


def _possible_answers(name: str, question: Mapping[str, Any], context: Answers) -> Sequence[object]:
    if not _value(question, "when", context):
        return [None]
    # A validator may depend on an earlier answer.
    return [
        answer
        for answer in OFFERED[name]
        if "validator" not in question
        or not _compile(question["validator"]).render({**context, name: answer})
    ]


# These only change a value in a file, or add files that no code reads. Each is in a cell, but pairs with
# them are not covered, unless STRENGTH is above 2; `test_pipelines.py` renders those of GitLab.
VALUES: list[Option] = [
    ("ci", "gitlab"),
    *(("python_version", value) for value in answers_extension.PYTHONS[1:-1]),
    *(("cors_credentials", value) for value in OFFERED["cors_credentials"]),
    *(("deploy", value) for value in OFFERED["deploy"]),
]


@cache
def _mask(options: tuple[Option, ...], strength: int) -> int:
    # A bit for each combination, so that they can be counted fast.
    combined = [option for option in options if strength > 2 or option not in VALUES]
    sets = [*combinations(combined, strength), *combinations(options, 1)]
    return sum(1 << _bits[pair] for pair in sets)


def cover(
    candidates: Sequence[Answers], strength: int, chosen: Sequence[Answers] = ()
) -> list[Answers]:
    """Choose cells that cover every combination of the candidates, greedily."""
    masks = [(cell, _mask((*cell.items(),), strength)) for cell in candidates]
    missing = reduce(or_, (mask for _, mask in masks))
    cells = [*chosen]
    for cell in chosen:
        missing &= ~_mask((*cell.items(),), strength)
    while missing:
        best, mask = max(masks, key=lambda candidate: (candidate[1] & missing).bit_count())
        missing &= ~mask
        cells.append(best)
    return cells


def _extremes(cells: Sequence[Answers], covered: int) -> list[Answers]:
    """The cells that are nearest to all features on, and to all off.

    Among equally near ones, it chooses those with most combinations that are not covered yet.
    """
    nothing = ("none", False)
    on = {option for option in CHOICES if option[1] not in nothing}
    off = {
        (name, next((value for value in nothing if value in offered), offered[0]))
        for name, offered in OFFERED.items()
    }

    def uncovered(cell: Answers) -> int:
        return (_mask((*cell.items(),), STRENGTH) & ~covered).bit_count()

    def nearest(ideal: set[Option]) -> list[Answers]:
        distances = [len(cell.items() ^ ideal) for cell in cells]
        least = min(distances)
        return [*compress(cells, (distance == least for distance in distances))]

    return [max(nearest(ideal), key=uncovered) for ideal in (on, off)]


def _covering_array(seed: int) -> list[Answers]:
    """All on, all off, and cells that cover the rest; the seed chooses the candidates."""
    size = CANDIDATES if STRENGTH == 2 else len(feasible())
    cells = Random(seed).sample(feasible(), size)
    # The cell of the defaults covers their pairs, on any Python.
    defaults = {
        name: answer
        for name, answer in resolve({}).items()
        if name in OFFERED and name != "python_version"
    }
    covered = _mask((*defaults.items(),), STRENGTH)
    oldest = OFFERED["python_version"][0]
    extremes = _extremes([cell for cell in feasible() if cell["python_version"] == oldest], covered)
    return cover(cells, STRENGTH, [defaults, *extremes])[1:]


def _with_texts(cells: Sequence[Answers]) -> list[Answers]:
    """Distribute the samples and the default of every text question over the cells."""
    filled = [dict(cell) for cell in cells]
    for number, name in enumerate(TEXTS):
        texts = cycle([None, *SAMPLES.get(name, [])])
        # Start at different samples, so that the combinations of texts vary.
        for _ in range(number):
            next(texts)
        for cell in filled:
            if name in resolve(cell) and (text := next(texts)) is not None:
                cell[name] = text
    return [*filled]


def _samples_in(cells: Sequence[Answers]) -> set[tuple[str, object]]:
    return {(name, cell[name]) for cell in cells for name in SAMPLES.keys() & cell.keys()}


def _name_cells() -> dict[str, Answers]:
    arrays = map(_with_texts, map(_covering_array, range(TRIES)))
    on, off, *others = min(arrays, key=lambda cells: (len(cells), -len(_samples_in(cells))))
    numbered = {f"cell-{number:02}": cell for number, cell in enumerate(others, 1)}
    return {"defaults": {}, "all-on": on, "all-off": off, **numbered}


# Tests install and run these cells.
CELLS = _name_cells()
# The defaults with one other answer, and those that it needs; tests only read their files.
SINGLES: dict[str, Answers] = {
    f"{name}={answer}": {**REQUIRED.get(name, {}), name: answer}
    for name, answer in CHOICES
    if resolve(REQUIRED.get(name, {})).get(name, answer) != answer or name == "python_version"
}
RENDERED = CELLS | SINGLES


def cell_params(cells: Iterable[str]) -> list[ParameterSet]:
    """The parameters for tests of cells: all tests of a cell run in one process."""
    return [pytest.param(name, id=f"{name}@") for name in cells]


def _covering() -> list[str]:
    missing = {*CHOICES}
    names = []
    while missing:
        name = max(CELLS, key=lambda name: len(missing & resolve(CELLS[name]).items()))
        missing -= resolve(CELLS[name]).items()
        names.append(name)
    return names


# A few cells that together have every choice.
COVERING = _covering()


def github_matrix() -> dict[str, list[dict[str, str]]]:
    """A job for each cell, with its Python version."""
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
