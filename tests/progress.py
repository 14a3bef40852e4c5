"""Shows the progress of the tests in one line, which a terminal updates and a log repeats.

The dots of pytest say little where one test takes a hundred times as long as another. With `-v` or
`-q`, the output is that of pytest.
"""

from __future__ import annotations

import time

import pytest

# Often enough to see in a log that something still goes on.
SECONDS_BETWEEN_LINES = 20


class Progress:
    """A plugin of pytest for the process that writes to the terminal."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self._terminal = terminal
        self._started = self._shown = time.monotonic()
        self._done = self._failed = 0
        terminal.showfspath = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(
        self, report: pytest.TestReport | pytest.CollectReport
    ) -> tuple[str, str, str] | None:
        """Count what passed and was skipped without a letter of its own."""
        if report.passed:
            return ("passed" if report.when == "call" else "", "", "")
        return ("skipped", "", "") if report.skipped else None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Name what failed at once, and renew the line after each test."""
        if report.failed:
            self._failed += 1
            self._terminal.ensure_newline()
            self._terminal.write_line(f" {report.nodeid}", red=True)
        if report.when == "teardown":
            self._done += 1
            self._renew()

    def _renew(self) -> None:
        if self._terminal.isatty:
            self._terminal.rewrite(str(self), erase=True)
        elif time.monotonic() - self._shown > SECONDS_BETWEEN_LINES or self._done == self._count:
            self._shown = time.monotonic()
            self._terminal.write_line(str(self))
        # What is written to a file would wait for more.
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
