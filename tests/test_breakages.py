"""The tests catch every breakage of `breakages.toml`, and its entries apply to the template."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from breakages import BREAKAGES, Breakage, Outdated, Scratch, broken, failure_reason, read_breakages
from guide import GUIDE, guide
from harness import TEMPLATE, Renders, run
from matrix import RENDERED

MIN_BREAKAGES = 20
EVERY_BREAKAGE = pytest.mark.parametrize(
    "breakage", [pytest.param(b, id=n) for n, b in BREAKAGES.items()]
)
DEFAULT_RUN = [breakage for breakage in BREAKAGES.values() if breakage.every_change]
NIGHTLY_RUN = [breakage for breakage in BREAKAGES.values() if not breakage.every_change]
EXAMPLE = Breakage("an example", "text.txt", "pytest", "because", old="good", new="bad")


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Scratch:
    return Scratch(tmp_path_factory.mktemp("scratch"), shared)


@pytest.mark.slow
@pytest.mark.parametrize("breakage", DEFAULT_RUN, ids=lambda breakage: breakage.name)
def test_breakages_are_caught(scratch: Scratch, breakage: Breakage) -> None:
    assert failure_reason(breakage, scratch.attempt(breakage)) == ""


@pytest.mark.nightly
@pytest.mark.slow
@pytest.mark.parametrize("breakage", NIGHTLY_RUN, ids=lambda breakage: breakage.name)
def test_other_breakages_are_caught(scratch: Scratch, breakage: Breakage) -> None:
    assert failure_reason(breakage, scratch.attempt(breakage)) == ""


def test_breakages_have_unique_names() -> None:
    assert MIN_BREAKAGES <= len(BREAKAGES) == len(read_breakages())
    assert DEFAULT_RUN


@EVERY_BREAKAGE
def test_a_breakage_applies_to_the_template(breakage: Breakage, tmp_path: Path) -> None:
    path = tmp_path / breakage.file
    path.parent.mkdir(parents=True, exist_ok=True)
    original = (TEMPLATE / breakage.file).read_bytes()
    path.write_bytes(original)
    with broken(tmp_path, breakage):
        assert not path.exists() or path.read_bytes() != original
    assert path.read_bytes() == original


@EVERY_BREAKAGE
def test_the_catching_test_exists(render_all: Renders, breakage: Breakage) -> None:
    program, *words = shlex.split(breakage.caught_by)
    if program == "pytest":
        root = TEMPLATE if breakage.service is None else render_all(**breakage.service)
        file, *names = words[0].split("::")
        text = (root / file).read_text(encoding="utf-8")
        selected = " ".join([*names, *words[1:]])
        # Text in brackets is a parameter, and so are words without an underscore.
        tests = re.findall(r"\w*_\w+", re.sub(r"\[.*\]", "", selected))
        assert [name for name in tests if name not in text] == []
        parameters = re.findall(r"\[(.*)@\]", selected)
        assert {*parameters} <= RENDERED.keys()


def test_the_guide_is_up_to_date() -> None:
    assert GUIDE.read_text(encoding="utf-8") == guide(), "run `python tests/guide.py`"


class TestScript:
    """The script fails if a breakage is not caught, is caught by accident, or is out of date."""

    @pytest.mark.parametrize(
        ("code", "output", "expected"),
        [
            (1, "failed because of it", ""),
            (0, "because", "`pytest` passed"),
            (1, "no such module", "`pytest` failed without printing 'because'"),
            (2, "because", "`pytest` exited with 2"),
            (5, "because", "`pytest` exited with 5"),
        ],
    )
    def test_only_the_expected_failure_counts_as_caught(
        self, code: int, output: str, expected: str
    ) -> None:
        reason = failure_reason(EXAMPLE, CompletedProcess([], code, output))
        assert reason.partition(":\n")[0] == expected

    @pytest.mark.parametrize("text", ["bad", "good, good"])
    def test_a_text_that_does_not_occur_once_is_reported(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "text.txt").write_text(text, encoding="utf-8")
        with (
            pytest.raises(
                Outdated, match=r"breakages\.toml: 'an example' changes text\.txt, .*old"
            ),
            broken(tmp_path, EXAMPLE),
        ):
            pytest.fail("It applied another breakage.")
        assert (tmp_path / "text.txt").read_text(encoding="utf-8") == text

    def test_a_missing_file_is_reported(self, tmp_path: Path) -> None:
        with pytest.raises(Outdated, match="which does not exist"), broken(tmp_path, EXAMPLE):
            pytest.fail("It applied another breakage.")

    def test_an_unknown_name_is_reported_with_all_names(self) -> None:
        done = run([sys.executable, "tests/breakages.py", "nonsense"], TEMPLATE)
        assert done.returncode == 1
        assert done.stderr.splitlines() == [
            "Unknown breakage: nonsense. Use one of:",
            *BREAKAGES,
        ]
