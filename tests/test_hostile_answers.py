"""Copier either refuses an answer with a fix, or the service has it unchanged."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import copier
import pytest
import yaml
from copier.errors import UserMessageError
from harness import (
    ANSWERS_FILE,
    QUESTIONS,
    TEMPLATE,
    Answers,
    Environments,
    Renders,
    copy_release,
    load_extension,
    recorded_answers,
    run,
    run_copier,
)
from hostile import TEXTS, UNKNOWN_NAMES, WRONG_TYPES
from hypothesis import given
from hypothesis import strategies as st
from matrix import OFFERED
from matrix import TEXTS as TEXT_QUESTIONS
from owned import contents
from releases import RELEASES, UpdatedService
from texts import (
    EVERYWHERE,
    FILES,
    PACKAGE,
    READERS,
    assert_files_have,
    find_text_files,
    mentions,
    read_files,
    render_files,
)

answers_extension = load_extension(TEMPLATE, "answers")
problem: Callable[[str, object], str] = answers_extension.problem
parse_origins: Callable[[str], list[str]] = answers_extension.parse_origins

REFUSAL = re.compile(r"(.+[;:] )?(use|write|remove|escape|list|put|rename|did you mean) .+")
RUFF = [sys.executable, "-m", "ruff"]

ANYTHING = st.text(st.characters(exclude_categories=()), max_size=90)
LIKE_AN_ANSWER = st.one_of(
    ANYTHING,
    st.text("aB0 _-.#'\"\\{}%$<>&*[]~`|:/=+!\u05d0\u0301🚀", min_size=1, max_size=20),
    ANYTHING.map("https://{}".format),
    st.lists(st.sampled_from(["http://a", "https://a.example:8443"])).map(",".join),
    st.from_regex(r"https://[a-z]-?\[a-z\]\+\\.[a-z]{1,70}\\.example\\.com", fullmatch=True),
)


def accepted(text: str) -> Answers:
    """This text as the answer to every question that accepts it."""
    # A service in the root of its repository has fewer files.
    return {
        name: text
        for name in TEXT_QUESTIONS
        if not problem(name, text) and (text or name != "service_path")
    }


def refusals(answers: Answers) -> list[str]:
    """The messages for the refused answers."""
    return [f"{name}: {message}" for name in answers if (message := problem(name, answers[name]))]


def assert_names_fix(message: str) -> None:
    assert REFUSAL.fullmatch(message)
    assert message.isprintable()


def assert_clean(folder: Path) -> None:
    """Check that ruff reports nothing in a folder, with the configuration there."""
    for command in (["check"], ["format", "--diff"]):
        done = run([*RUFF, *command, "--quiet", "--no-cache"], folder)
        output = done.stdout + done.stderr
        assert output[:2000] == ""


class TestAnyText:
    @pytest.mark.parametrize("name", QUESTIONS)
    def test_a_refusal_names_the_fix(self, name: str) -> None:
        for text in TEXTS:
            if message := problem(name, text):
                assert_names_fix(message)

    @pytest.mark.parametrize("value", WRONG_TYPES)
    def test_other_types_are_refused(self, value: str) -> None:
        for name in QUESTIONS:
            assert_names_fix(problem(name, yaml.safe_load(value)))

    @pytest.mark.parametrize("name", OFFERED)
    def test_only_choices_are_accepted(self, name: str) -> None:
        words = (
            answers_extension.SWITCH_WORDS if QUESTIONS[name]["type"] == "bool" else OFFERED[name]
        )
        assert [text for text in TEXTS if not problem(name, text) and text not in words] == []

    def test_every_occurrence_of_a_text_is_read(self) -> None:
        assert {*mentions()} == {(name, pattern) for name, pattern in READERS if name != PACKAGE}

    def test_accepted_texts_round_trip(self) -> None:
        for text in TEXTS:
            assert_files_have(render_files(accepted(text)), accepted(text))

    @given(LIKE_AN_ANSWER)
    def test_any_text_is_refused_or_round_trips(self, text: str) -> None:
        for name in QUESTIONS:
            if message := problem(name, text):
                assert_names_fix(message)
        assert_files_have(render_files(accepted(text)), accepted(text))

    def test_any_text_renders_formatted_code(self, tmp_path: Path) -> None:
        sizes = range(1, 64)
        answers = [
            *map(accepted, TEXTS),
            *({"project_name": "x" * size} for size in range(1, 75)),
            *({"cors_origins": f"http://{'x' * size}"} for size in sizes),
            *({"cors_origins": f"http://{'x' * 63},http://{'x' * size}"} for size in sizes),
            *map(accepted, (rf"https://[a-z]+\.{'x' * size}\.example\.com" for size in sizes)),
        ]
        # The cells of the matrix prove that code is formatted for any length of the package name.
        files = [render_files({**texts, PACKAGE: "package"}) for texts in answers]
        # By top-level folder, since ruff has other rules for tests.
        modules = {
            (pattern.partition("/")[0], rendered[pattern])
            for rendered in files
            for pattern in rendered
            if pattern.endswith(".py")
        }
        (tmp_path / "pyproject.toml").write_text(files[0]["pyproject.toml"], encoding="utf-8")
        for number, (folder, module) in enumerate(sorted(modules)):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / f"module_{number}.py").write_text(module, encoding="utf-8")
        assert_clean(tmp_path)


# An invalid answer for every question.
REFUSED: Answers = dict.fromkeys(QUESTIONS, "\\ {{ x }}\n")
RefusedCopy = Callable[..., list[str]]


@pytest.fixture
def refused_copy(template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> RefusedCopy:
    """Copies into `service`, which must fail, and returns the lines of the error."""

    def copy(*options: str) -> list[str]:
        words = ["copy", "--trust", "--defaults", *options, str(template)]
        assert run_copier(*words, str(tmp_path / "service")) == 1
        return capsys.readouterr().err.splitlines()

    return copy


@pytest.fixture(params=[{}, {"README.md": b"Mine", "src/mine.py": b""}], ids=["absent", "used"])
def untouched(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    """Checks that the test does not change the folder `service`."""
    service = tmp_path / "service"
    for name, content in request.param.items():
        (service / name).parent.mkdir(parents=True, exist_ok=True)
        (service / name).write_bytes(content)
    yield
    assert service.exists() == bool(request.param)
    assert contents(service) == request.param


@pytest.mark.usefixtures("untouched")
class TestRefused:
    def test_on_the_command_line(self, refused_copy: RefusedCopy) -> None:
        options = [f"--data={name}={text}" for name, text in REFUSED.items()]
        assert refused_copy(*options) == refusals(REFUSED)
        assert len(refusals(REFUSED)) == len(QUESTIONS)

    def test_in_a_data_file(self, refused_copy: RefusedCopy, tmp_path: Path) -> None:
        file = tmp_path / "answers.yml"
        answers = map("{}: {}\n".format, QUESTIONS, cycle(WRONG_TYPES))
        file.write_text("".join(answers), encoding="utf-8")
        lines = refused_copy(f"--data-file={file}")
        assert lines == refusals(yaml.safe_load(file.read_text(encoding="utf-8")))
        assert len(lines) == len(QUESTIONS)

    def test_by_the_python_api(self, template: Path, tmp_path: Path) -> None:
        with pytest.raises(UserMessageError) as caught:
            copy_release(template, tmp_path / "service", REFUSED)
        assert str(caught.value).splitlines() == refusals(REFUSED)

    def test_unknown_names(self, template: Path, tmp_path: Path) -> None:
        with pytest.raises(UserMessageError) as caught:
            copy_release(template, tmp_path / "service", dict.fromkeys(UNKNOWN_NAMES, "x"))
        lines = str(caught.value).splitlines()
        assert len(lines) == len(UNKNOWN_NAMES)
        for line in lines:
            assert_names_fix(line)
            assert re.search(": unknown question; (use one of|did you mean) ", line)


# Prints the titles, descriptions and settings of services, by the names of their packages.
PRINT_METADATA = """
import json, sys
from importlib import import_module
for package in sys.argv[1:]:
    app = import_module(f"{package}.main").app
    info, settings = app.openapi()["info"], app.state.settings
    print(json.dumps({
        "project_name": [info["title"], settings.project_name],
        "project_description": [info.get("description", "")],
        "cors_origins": settings.cors_origins,
        "cors_origin_regex": [settings.cors_origin_regex or ""],
    }))
"""
# A small service, which renders faster.
SMALL: Answers = {**EVERYWHERE, "database": "none"}
PARTS = 2


@dataclass
class Service:
    """A service with its answers."""

    root: Path
    answers: Answers


def hostile_answers() -> Iterator[Answers]:
    """Sets of answers that together have every accepted text."""
    texts = {name: [text for text in TEXTS if name in accepted(text)] for name in TEXT_QUESTIONS}
    texts["project_name"] = texts["project_name"][::2]
    texts["project_description"] = texts["project_description"][1::2]
    for number in range(max(map(len, texts.values()))):
        # They are installed into one environment.
        names = {"project_slug": f"service-{number:03}", "package_name": f"service_{number:03}"}
        hostile = {name: values[number] for name, values in texts.items() if number < len(values)}
        yield {**SMALL, **names, **hostile}


def make(template: Path, root: Path, answers: Answers, number: int) -> Service:
    """Render a service, passing the answers in one of three ways: options, a file or Python."""
    file = root.with_suffix(".yml")
    file.write_text(yaml.safe_dump(dict(answers), allow_unicode=True), encoding="utf-8")
    data = [f"--data={name}={answer}" for name, answer in answers.items()]
    if options := [data, [f"--data-file={file}"], []][number % 3]:
        words = ["copy", "--trust", "--defaults", "--quiet", *options]
        assert run_copier(*words, str(template), str(root)) == 0
    else:
        copy_release(template, root, answers)
    return Service(root, answers)


@pytest.fixture(
    scope="module",
    params=[pytest.param(part, id=f"texts-{part}@") for part in range(PARTS)],
)
def services(
    request: pytest.FixtureRequest, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[Service]:
    """A part of the services for all texts."""
    folder = tmp_path_factory.mktemp("services")
    return [
        make(template, folder / str(number), answers, number)
        for number, answers in enumerate(hostile_answers())
        if number % PARTS == request.param
    ]


# In the default run, the quick tests above prove the same without installing services.
@pytest.mark.nightly
@pytest.mark.slow
class TestServices:
    def test_every_text_round_trips(self, services: list[Service]) -> None:
        for service in services:
            files = read_files(service.root)
            # They have no database, and one pipeline.
            assert files.keys() == {*FILES} - {"tools/resource.py", ".gitlab-ci.yml"}
            assert_files_have(files, service.answers)

    def test_a_text_changes_no_other_lines(self, services: list[Service], render: Renders) -> None:
        default = render(**SMALL)
        others = contents(default).keys() - {*find_text_files(default)}
        for service in services:
            package = str(service.answers[PACKAGE])
            # Manifests have quotes around a name such as `no`.
            name_of_pods = package.replace("_", "-").strip("-")
            for name in others:
                path = service.root / name.replace("my_service", package)
                expected = (
                    (default / name).read_text(encoding="utf-8").replace("my_service", package)
                )
                text = path.read_text(encoding="utf-8")
                if name.startswith("deploy/"):
                    expected = expected.replace("my-service", name_of_pods)
                    text = text.replace(f'"{name_of_pods}"', name_of_pods)
                assert text == expected

    def test_ruff_finds_nothing(self, services: list[Service]) -> None:
        assert_clean(services[0].root.parent)

    def test_a_recopy_keeps_the_answers(self, services: list[Service]) -> None:
        # A few prove that Copier reads the answers file as `recorded_answers` does.
        for service in services[::5]:
            before = recorded_answers(service.root)
            # Only write the answers file.
            exclude = ["*", f"!{ANSWERS_FILE}"]
            copier.run_recopy(
                service.root,
                exclude=exclude,
                defaults=True,
                unsafe=True,
                overwrite=True,
                quiet=True,
            )
            assert recorded_answers(service.root) == before

    def test_the_running_service_returns_the_texts(
        self, services: list[Service], environments: Environments
    ) -> None:
        first, *others = services
        installed = environments.install(first.root, first.answers)
        environments.add(installed, [service.root for service in others])
        packages = [str(service.answers[PACKAGE]) for service in services]
        lines = installed.run("python", "-c", PRINT_METADATA, *packages).splitlines()
        for service, line in zip(services, lines, strict=True):
            metadata = json.loads(line)
            for name in metadata.keys() & service.answers.keys():
                answer = str(service.answers[name])
                expected = parse_origins(answer) if name == "cors_origins" else [answer]
                assert {*metadata[name]} == {*expected}, name


@pytest.mark.slow
def test_an_update_keeps_the_answers(history: Path, tmp_path: Path) -> None:
    answers = {
        "project_name": "<b>it's</b> \\ {{ x }} #",
        "project_description": "__a__: [1e3] & -",
    }
    service = UpdatedService(history, tmp_path / "service", RELEASES[-1].tag, answers)
    service.update_cleanly()
    assert_files_have(read_files(service.root), answers)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cors", "package_name", "databse"])
def test_a_refused_update_changes_nothing(history: Path, tmp_path: Path, name: str) -> None:
    service = UpdatedService(history, tmp_path / "service", RELEASES[0].tag, {})
    with pytest.raises(UserMessageError, match=rf"^{name}: .+"):
        service.update({name: "my-service"})
    assert not service.has_uncommitted_changes()
