"""Runs a program in a pseudo-terminal, sends keys, and reads the screen."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pexpect
import pytest
from pyte import Screen, Stream

LINES, COLUMNS = 24, 80
SECONDS_OF_SILENCE = 60

DOWN, ENTER, CLEAR_LINE, INTERRUPT = "\x1b[B", "\r", "\x15", "\x03"


class Terminal:
    """A program that runs in a terminal of the usual size."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self._screen = Screen(COLUMNS, LINES)
        self._stream = Stream(self._screen)
        self._program = pexpect.spawn(
            command[0],
            command[1:],
            cwd=str(folder),
            # Nothing here reports the position of the cursor.
            env={**os.environ, "TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1"},
            dimensions=(LINES, COLUMNS),
            encoding="utf-8",
            timeout=SECONDS_OF_SILENCE,
        )

    @property
    def lines(self) -> list[str]:
        """The lines of the screen that are not empty."""
        return [line.rstrip() for line in self._screen.display]

    def press(self, *keys: str) -> None:
        """Press keys, or type."""
        self._program.send("".join(keys))

    def wait_for(self, text: str) -> None:
        """Read until a text is on the screen, wherever a line of it is broken."""
        while text not in "".join(self._screen.display):
            if not self._read():
                self._fail(f"it ended before {text!r} was to be seen")

    def wait_for_the_end(self) -> int | None:
        """Read to the end of the program, and return its exit code, if it was not killed."""
        while self._read():
            pass
        self._program.close()
        return self._program.exitstatus

    def close(self) -> None:
        """End the program if it still runs."""
        self._program.close(force=True)

    def _read(self) -> bool:
        """Show what is printed next; false at the end."""
        shown = None
        try:
            shown = self._program.read_nonblocking(1024, SECONDS_OF_SILENCE)
        except pexpect.EOF:
            return False
        except pexpect.TIMEOUT:
            pass
        if shown is None:
            self._fail("nothing more happens")
        self._stream.feed(shown)
        return True

    def _fail(self, reason: str) -> NoReturn:
        shown = "\n".join(self.lines)
        pytest.fail(f"{reason}; there is:\n{shown}", pytrace=False)
