"""Runs a program in a pseudo-terminal, sends keys, and reads the screen."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pexpect
import pytest
from pyte import Screen, Stream

LINES, COLUMNS = 24, 80
TIMEOUT = 60

DOWN, ENTER, CLEAR_LINE, INTERRUPT = "\x1b[B", "\r", "\x15", "\x03"


class Terminal:
    """A program in a terminal of 80 columns and 24 lines."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self._screen = Screen(COLUMNS, LINES)
        self._stream = Stream(self._screen)
        self._program = pexpect.spawn(
            command[0],
            command[1:],
            cwd=str(folder),
            # This terminal cannot report the position of the cursor.
            env={**os.environ, "TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1"},
            dimensions=(LINES, COLUMNS),
            encoding="utf-8",
            timeout=TIMEOUT,
        )

    @property
    def lines(self) -> list[str]:
        """The lines of the screen, without trailing spaces."""
        return [line.rstrip() for line in self._screen.display]

    def press(self, *keys: str) -> None:
        """Send keys or text."""
        self._program.send("".join(keys))

    def wait_for(self, text: str) -> None:
        """Read until a text is on the screen, which may wrap."""
        while text not in "".join(self._screen.display):
            if not self._read():
                self._fail(f"the program exited without printing {text!r}")

    def wait(self) -> int | None:
        """Wait until the program exits, and return its exit code; None if a signal ended it."""
        while self._read():
            pass
        self._program.close()
        return self._program.exitstatus

    def close(self) -> None:
        """Kill the program if it still runs."""
        self._program.close(force=True)

    def _read(self) -> bool:
        """Read the next output; false at the end."""
        output = None
        try:
            output = self._program.read_nonblocking(1024, TIMEOUT)
        except pexpect.EOF:
            return False
        except pexpect.TIMEOUT:
            pass
        if output is None:
            self._fail(f"the program printed nothing for {TIMEOUT} seconds")
        self._stream.feed(output)
        return True

    def _fail(self, reason: str) -> NoReturn:
        screen = "\n".join(self.lines)
        pytest.fail(f"{reason}; the screen:\n{screen}", pytrace=False)
