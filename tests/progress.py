"""Shows the progress of the tests in one line: updated in a terminal, repeated in a log.

Some tests take a hundred times as long as others, so the dots of pytest say little. With `-v` or
`-q`, the output is that of pytest.
"""

from __future__ import annotations

import time

import pytest

# Often enough to show in a log that the tests still run.
SECONDS_BETWEEN_LINES = 20


class Progress:
    """A pytest plugin for the process that writes to the terminal."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self._terminal = terminal
        self._started = self._shown = time.monotonic()
        self._done = self._failed = 0
        terminal.showfspath = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(
        self, report: pytest.TestReport | pytest.CollectReport
    ) -> tuple[str, str, str] | None:
        """Count passed and skipped tests without printing a letter."""
        if report.passed:
            return ("passed" if report.when == "call" else "", "", "")
        return ("skipped", "", "") if report.skipped else None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Report failures immediately, and update the line after each test."""
        if report.failed:
            self._failed += 1
            self._terminal.ensure_newline()
            self._terminal.write_line(f" {report.nodeid}", red=True)
        if report.when == "teardown":
            self._done += 1
            self._update()

    def _update(self) -> None:
        if self._terminal.isatty:
            self._terminal.rewrite(str(self), erase=True)
        elif time.monotonic() - self._shown > SECONDS_BETWEEN_LINES or self._done == self._count:
            self._shown = time.monotonic()
            self._terminal.write_line(str(self))
        # Output to a file is buffered.
        self._terminal.flush()

    @property
    def _count(self) -> int:
        session = self._terminal._session
        return session.testscollected if session else self._done

    def __str__(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._started), 60)
        share = 100 * self._done // max(self._count, 1)
        return (
            f"{minutes:2}:{seconds:02}  {share:3}%  {self._done} of {self._count} tests, "
            f"{self._failed} failed"
        )
