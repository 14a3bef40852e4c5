"""The tested sets of answers cover all pairs, and are computed from the questions."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from random import Random

import pytest
from harness import QUESTIONS, TEMPLATE, Answers, run
from matrix import (
    CELLS,
    CHOICES,
    COVERING,
    OFFERED,
    RENDERED,
    SAMPLES,
    SINGLES,
    TEXTS,
    VALUES,
    Option,
    answers_extension,
    feasible,
    github_matrix,
    resolve,
)

# Installing and running a cell takes a while. Raise it if a new question needs another cell.
MAX_CELLS = 11
MATRIX = [sys.executable, "tests/matrix.py"]

NEW_QUESTIONS = """
queue:
  type: str
  help: Which queue do background jobs use?
  choices: [redis, none]
  default: none
  when: "{{ database == 'postgresql' }}"

motto:
  type: str
  help: What is the motto of the service?
  default: ""
"""


def choices_in(cell: str) -> set[tuple[str, object]]:
    return {(name, answer) for name, answer in resolve(CELLS[cell]).items() if name in OFFERED}


def pairs_in(cells: Iterable[Answers]) -> set[tuple[Option, ...]]:
    """The pairs of answers in these sets, except those that only change a value."""
    return {
        pair
        for cell in cells
        for pair in combinations([item for item in cell.items() if item not in VALUES], 2)
    }


def test_cells_cover_all_pairs_of_answers() -> None:
    assert pairs_in(feasible()) - pairs_in(map(resolve, CELLS.values())) == set()


def test_feasible_sets_follow_from_the_conditions() -> None:
    sets = {frozenset(answers.items()) for answers in feasible()}
    assert len(sets) == len(feasible())
    # All of them take half a minute.
    for answers in Random(0).sample(feasible(), 2_000):
        recorded = {name for name in resolve(answers) if name in OFFERED}
        assert answers.keys() == recorded
    assert {choice for answers in sets for choice in answers} == {*CHOICES}


def test_cells_include_all_on_and_all_off() -> None:
    on, off = CELLS["all-on"], CELLS["all-off"]
    assert "none" not in on.values()
    assert False not in on.values()
    assert True not in off.values()
    optional = {name for name, offered in OFFERED.items() if "none" in offered}
    assert {off.get(name, "none") for name in optional} == {"none"}


def test_rendered_cells_include_every_single_switch() -> None:
    defaults = resolve({})
    others = {(name, value) for name, value in CHOICES if defaults.get(name, value) != value}
    assert others <= {option for answers in SINGLES.values() for option in answers.items()}


def test_cells_include_the_defaults() -> None:
    assert CELLS["defaults"] == {}


def test_every_text_question_has_samples() -> None:
    assert [name for name in QUESTIONS if name in SAMPLES] == TEXTS
    assert SAMPLES.keys() == {*TEXTS}


@pytest.mark.parametrize(("name", "text"), [(n, t) for n, texts in SAMPLES.items() for t in texts])
def test_every_sample_is_valid_and_in_a_cell(name: str, text: str) -> None:
    assert answers_extension.problem(name, text) == ""
    assert text in [resolve(cell).get(name) for cell in CELLS.values()]


def test_covering_cells_include_every_answer() -> None:
    assert {option for cell in COVERING for option in choices_in(cell)} == {*CHOICES}


@pytest.mark.skipif("MATRIX_STRENGTH" in os.environ, reason="more than pairs are covered")
def test_there_are_few_cells() -> None:
    assert len(CELLS) <= MAX_CELLS


def test_cells_are_the_same_in_every_process() -> None:
    output = run([*MATRIX, "--github"], TEMPLATE, {"PYTHONHASHSEED": "1"}).stdout
    assert json.loads(output) == github_matrix()
    lines = run(MATRIX, TEMPLATE, {"PYTHONHASHSEED": "2"}).stdout.splitlines()
    assert [json.loads(line[line.index("{") :]) for line in lines] == [*RENDERED.values()]


def test_the_workflow_matrix_has_a_job_per_cell() -> None:
    jobs = github_matrix()["include"]
    assert [job["cell"] for job in jobs] == [*CELLS]
    for job in jobs:
        assert job["python"] == resolve(CELLS[job["cell"]])["python_version"]


def test_a_cell_can_be_rendered_by_name(template: Path, tmp_path: Path) -> None:
    done = run([*MATRIX, "all-off", str(tmp_path / "service")], template)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "service/migrations").exists()


@pytest.fixture(scope="module")
def extended(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template with two more questions."""
    root = tmp_path_factory.mktemp("extended") / "template"
    shutil.copytree(template, root)
    with (root / "copier.yml").open("a", encoding="utf-8") as config:
        config.write(NEW_QUESTIONS)
    return root


def test_new_questions_are_included(extended: Path) -> None:
    lines = run([*MATRIX], extended).stdout.splitlines()
    cells = [json.loads(line[line.index("{") :]) for line in lines]
    queues = {
        cell["queue"] for cell in cells if cell.get("database") == "postgresql" if "queue" in cell
    }
    assert queues == {"redis", "none"}
    assert not any("queue" in cell for cell in cells if cell.get("database") != "postgresql")


@pytest.mark.nightly  # A question like this is added once in a long while.
def test_a_text_question_without_samples_fails(extended: Path) -> None:
    pytest_command = [sys.executable, "-m", "pytest", "-q", "-n0", "tests/test_matrix.py"]
    done = run([*pytest_command, "-k", "every_text_question_has_samples"], extended)
    assert done.returncode == 1
    assert "motto" in done.stdout
