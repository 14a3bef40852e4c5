"""The same answers render the same service on every machine."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import copier
import pytest
import yaml
from harness import (
    ANSWERS_FILE,
    QUESTIONS,
    VERSION,
    Answers,
    Renders,
    copier_command,
    files_in,
    git,
    recorded_answers,
    run,
    run_copier,
)
from matrix import CELLS, HOSTILE_NAME, OFFERED, SAMPLES, resolve
from owned import differences

# Every answer, so that no user's defaults apply.
ANSWERS: Answers = resolve({**CELLS["all-on"], "project_name": HOSTILE_NAME})

SETTINGS = """\
defaults:
  project_name: "{{ 6 * 7 }}"
  database: none
  user_name: Somebody
"""
GIT_CONFIG = """\
[user]
    name = Somebody Else
    email = else@example.com
[core]
    autocrlf = true
    quotePath = true
[init]
    defaultBranch = trunk
"""


def data_options(answers: Answers) -> list[str]:
    return [part for item in answers.items() for part in ("--data", "=".join(map(str, item)))]


def contents(service: Path) -> dict[str, bytes]:
    """The content of each file, with a prefix for its executable bit."""
    return {
        name: (b"x" if path.stat().st_mode & stat.S_IXUSR else b"-") + path.read_bytes()
        for name, path in files_in(service).items()
    }


COPY = ["copy", "--trust", "--defaults", "--quiet", f"--vcs-ref={VERSION}"]


def copy(template: Path, folder: Path, *words: str) -> Path:
    assert run_copier(*COPY, *words, str(template), str(folder)) == 0
    return folder


def copy_in_process(
    template: Path, folder: Path, *words: str, cwd: Path, **environment: str
) -> Path:
    done = run([*copier_command(*COPY), *words, str(template), str(folder)], cwd, environment)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def expected(render: Renders) -> dict[str, bytes]:
    return contents(render(**ANSWERS))


def test_the_command_line_renders_the_same_as_the_api(
    template: Path, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    service = copy(template, tmp_path / "service", *data_options(ANSWERS))
    assert differences(contents(service), expected) == []


def test_untracked_files_of_a_checkout_are_not_rendered(
    template: Path, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    checkout = shutil.copytree(template, tmp_path / "checkout", ignore=lambda *_: {".git"})
    for name in ("", "src", "src/{{ package_name }}", "tests"):
        folder = checkout / "template" / name
        for file in (".DS_Store", "__pycache__/main.pyc", ".venv/bin/python", ".ruff_cache/tag"):
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).touch()
    service = tmp_path / "service"
    copier.run_copy(str(checkout), service, data=dict(ANSWERS), unsafe=True, quiet=True)
    # It records the path of the checkout.
    assert differences(contents(service), expected) == [ANSWERS_FILE]


def test_the_order_of_the_answers_does_not_matter(
    template: Path, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    options = data_options(dict(reversed([*ANSWERS.items()])))
    service = copy(template, tmp_path / "service", *options)
    assert differences(contents(service), expected) == []


def test_render_is_independent_of_folder_time_and_user(
    template: Path, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    home, cwd = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    cwd.mkdir()
    (home / ".gitconfig").write_text(GIT_CONFIG, encoding="utf-8")
    (home / "settings.yml").write_text(SETTINGS, encoding="utf-8")
    service = copy_in_process(
        template,
        Path("../another name, with: signs"),
        *data_options(ANSWERS),
        cwd=cwd,
        HOME=str(home),
        GIT_CONFIG_GLOBAL=str(home / ".gitconfig"),
        COPIER_SETTINGS_PATH=str(home / "settings.yml"),
        TZ="Pacific/Kiritimati",
        SOURCE_DATE_EPOCH="0",
        LC_ALL="C",
        LANGUAGE="tr",
        PYTHONHASHSEED="7",
        USER="somebody",
        # Any download would fail.
        HTTPS_PROXY="http://127.0.0.1:9",
    )
    assert differences(contents(cwd / service), expected) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
def test_a_umask_changes_permissions_only(
    template: Path, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    before = os.umask(0o077)
    try:
        service = copy(template, tmp_path / "service", *data_options(ANSWERS))
    finally:
        os.umask(before)
    assert differences(contents(service), expected) == []
    paths = [service, *service.rglob("*")]
    # A restrictive umask applies to rendered files too.
    assert [path for path in paths if path.stat().st_mode & 0o077] == []
    assert {path.stat().st_mode & 0o666 for path in files_in(service).values()} == {0o600}


def test_a_recopy_changes_nothing(
    render: Renders, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    service = render.render(tmp_path / "service", ANSWERS)
    copier.run_recopy(
        service, vcs_ref=VERSION, defaults=True, unsafe=True, overwrite=True, quiet=True
    )
    assert differences(contents(service), expected) == []


def test_defaults_of_users_for_questions_that_are_not_asked_are_ignored(
    render: Renders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = CELLS["all-off"]
    defaults = {
        name: SAMPLES[name][-1] if name in SAMPLES else OFFERED[name][0]
        for name in QUESTIONS
        if name not in resolve(answers)
    }
    assert defaults.keys() & resolve(answers).keys() == set()
    expected = contents(render(**answers))
    (tmp_path / "settings.yml").write_text(yaml.safe_dump({"defaults": defaults}), "utf-8")
    monkeypatch.setenv("COPIER_SETTINGS_PATH", str(tmp_path / "settings.yml"))
    service = render.render(tmp_path / "service", answers)
    assert differences(contents(service), expected) == []


def test_a_default_of_the_user_applies_once_an_update_asks_the_question(
    render: Renders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "settings.yml").write_text("defaults: {example: false}\n", encoding="utf-8")
    monkeypatch.setenv("COPIER_SETTINGS_PATH", str(tmp_path / "settings.yml"))
    service = render.render(tmp_path / "service", {"database": "none"})
    git(service, "init", "--quiet")
    git(service, "add", "--all")
    git(service, "commit", "--quiet", "--message", "A service without a database")
    copier.run_update(
        service,
        data={"database": "sqlite"},
        vcs_ref=VERSION,
        defaults=True,
        unsafe=True,
        overwrite=True,
        quiet=True,
    )
    assert recorded_answers(service)["example"] is False


def test_defaults_are_the_same_on_every_machine(render: Renders, tmp_path: Path) -> None:
    # The name of the folder must not matter.
    service = copy(render.template, tmp_path / "orders-api")
    assert differences(contents(service), contents(render())) == []
