"""The prompts of Copier in a terminal."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from harness import QUESTIONS, TEMPLATE, Answers, Renders, copier_command, files_in
from matrix import CELLS, HOSTILE_NAME, OFFERED, TEXTS, resolve

if os.name == "nt":
    pytest.skip("Windows has other terminals", allow_module_level=True)

from terminal import CLEAR_LINE, COLUMNS, DOWN, ENTER, INTERRUPT, Terminal

MAX_QUESTIONS = 13
ANSWERS = resolve({**CELLS["all-on"], "project_name": HOSTILE_NAME})
# Questions with `ask: false`.
NOT_ASKED = [name for name, question in QUESTIONS.items() if question.get("ask") is False]

# An invalid answer, the message of the prompt, and the corrected answer.
CORRECTED = {
    "project_name": ("", "use at least 1", "Orders"),
    "package_name": ("class", "use 'class_service'", "class_service"),
    "project_description": ("x" * 201, "use at most 200", "It takes orders"),
    "cors_origins": (
        "https://app.example.com/",
        "use 'https://app.example.com'",
        "https://app.example.com",
    ),
}

StartCopier = Callable[..., Terminal]


@pytest.fixture
def start_copier(template: Path, tmp_path: Path) -> Iterator[StartCopier]:
    """Starts `copier copy` or `copier recopy` in a terminal, for the folder `service`."""
    targets = {"copy": [str(template), "service"], "recopy": ["service"]}
    terminals = []

    def start(command: str, *options: str) -> Terminal:
        words = copier_command(command, "--trust", *options, *targets[command])
        terminals.append(Terminal(words, tmp_path))
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.close()


def asked_questions(answers: Answers) -> list[str]:
    """The questions that Copier asks if these are the answers, in order."""
    return [name for name in resolve(answers) if name not in NOT_ASKED]


def keys_for(name: str, answers: Answers) -> list[str]:
    """The keys that answer a question."""
    answer, question = answers[name], QUESTIONS[name]
    if question["type"] == "bool":
        return ["y" if answer else "n"]
    if name in TEXTS:
        return [CLEAR_LINE, str(answer), ENTER]
    others = {other: answers[other] for other in answers if other != name}
    selected = OFFERED[name].index(resolve(others)[name])
    steps = (OFFERED[name].index(answer) - selected) % len(OFFERED[name])
    return [DOWN] * steps + [ENTER]


def answer_questions(
    terminal: Terminal, names: Iterable[str], answers: Answers | None = None
) -> None:
    """Answer questions in order; without answers, press Enter only."""
    for name in names:
        terminal.wait_for(QUESTIONS[name]["help"])
        terminal.press(*(keys_for(name, answers) if answers else [ENTER]))


def contents(service: Path) -> dict[str, bytes]:
    return {name: path.read_bytes() for name, path in files_in(service).items()}


class TestQuestions:
    def test_there_are_few_questions(self) -> None:
        assert len(asked_questions(CELLS["all-on"])) <= MAX_QUESTIONS

    def test_questions_follow_the_question_that_they_depend_on(self) -> None:
        for name, question in QUESTIONS.items():
            if "when" in question:
                before = [*QUESTIONS][: [*QUESTIONS].index(name)]
                previous = next(
                    other for other in reversed(before) if "when" not in QUESTIONS[other]
                )
                assert previous in question["when"], f"move {name} behind what it depends on"

    def test_questions_fit_in_a_line_of_a_terminal(self) -> None:
        # The 🎤 before the question takes three columns.
        width = COLUMNS - 3
        assert [name for name in QUESTIONS if len(QUESTIONS[name]["help"]) > width] == []

    def test_the_documentation_names_questions_that_are_not_asked(self) -> None:
        page = (TEMPLATE / "docs/questions.md").read_text(encoding="utf-8")
        rows = [line for line in page.splitlines() if line.startswith("| `")]
        named = [row.split("`")[1] for row in rows if "; not asked" in row]
        assert named == NOT_ASKED != []


class TestAnswering:
    @pytest.mark.slow
    def test_enter_alone_gives_the_defaults(
        self, start_copier: StartCopier, render: Renders, tmp_path: Path
    ) -> None:
        terminal = start_copier("copy")
        answer_questions(terminal, asked_questions({}))
        assert terminal.wait() == 0
        assert contents(tmp_path / "service") == contents(render())

    def test_typed_and_chosen_answers_are_rendered(
        self, start_copier: StartCopier, render: Renders, tmp_path: Path
    ) -> None:
        terminal = start_copier("copy", *(f"--data={name}={ANSWERS[name]}" for name in NOT_ASKED))
        answer_questions(terminal, asked_questions(ANSWERS), ANSWERS)
        assert terminal.wait() == 0
        assert contents(tmp_path / "service") == contents(render(**ANSWERS))

    @pytest.mark.slow
    def test_enter_alone_keeps_every_answer_on_recopy(
        self, start_copier: StartCopier, render: Renders, tmp_path: Path
    ) -> None:
        before = contents(render.render(tmp_path / "service", ANSWERS))
        terminal = start_copier("recopy", "--overwrite")
        answer_questions(terminal, asked_questions(ANSWERS))
        assert terminal.wait() == 0
        assert contents(tmp_path / "service") == before

    @pytest.mark.slow
    def test_a_refused_answer_can_be_corrected(
        self, start_copier: StartCopier, render: Renders, tmp_path: Path
    ) -> None:
        terminal = start_copier("copy")
        for name in asked_questions({}):
            if name in CORRECTED:
                refused, hint, accepted = CORRECTED[name]
                terminal.wait_for(QUESTIONS[name]["help"])
                terminal.press(CLEAR_LINE, refused, ENTER)
                terminal.wait_for(hint)
                terminal.press(CLEAR_LINE, accepted)
            answer_questions(terminal, [name])
        assert terminal.wait() == 0
        answers = {name: accepted for name, (_, _, accepted) in CORRECTED.items()}
        assert contents(tmp_path / "service") == contents(render(**answers))

    def test_every_text_that_is_asked_can_be_refused(self) -> None:
        assert [*CORRECTED] == [name for name in asked_questions({}) if name in TEXTS]

    def test_questions_that_are_not_asked_can_be_answered(self, start_copier: StartCopier) -> None:
        asked = [f"--data={name}={ANSWERS[name]}" for name in asked_questions(ANSWERS)]
        options = [f"--ask={name}" for name in NOT_ASKED]
        terminal = start_copier("copy", "--defaults", *asked, *options)
        answer_questions(terminal, NOT_ASKED, ANSWERS)
        assert terminal.wait() == 0


@pytest.mark.parametrize(
    ("number", "files"),
    [(1, {"README.md": b"Mine", "src/mine.py": b""}), (len(asked_questions({})), {})],
)
def test_an_interruption_leaves_nothing_behind(
    start_copier: StartCopier, tmp_path: Path, number: int, files: dict[str, bytes]
) -> None:
    for name, content in files.items():
        (tmp_path / "service" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "service" / name).write_bytes(content)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    terminal = start_copier("copy")
    *earlier, last = asked_questions({})[:number]
    answer_questions(terminal, earlier)
    terminal.wait_for(QUESTIONS[last]["help"])
    terminal.press(INTERRUPT)
    assert terminal.wait() == 1
    assert "Execution stopped by user" in terminal.lines
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
