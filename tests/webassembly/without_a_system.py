"""A plugin of pytest for a Python without sockets, threads, processes and a stack of its own.

What a test would wait for in vain, or what would end the whole process, is skipped with the reason.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn

import pytest


class EventLoop(asyncio.BaseEventLoop):
    """One that nothing reaches from outside: it runs what is ready, and sleeps until more is."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = self

    def select(self, timeout: float | None) -> list[object]:
        """Wait until the next timer."""
        assert timeout is not None, "it would wait for something from outside"
        time.sleep(timeout)
        return []

    def _process_events(self, events: list[object]) -> None:
        assert not events

    def _write_to_self(self) -> None:
        """Wake up; it does not sleep while anything else runs."""


# Python warns of the public names of policies, and typeshed does not know the others.
class EventLoopPolicy(asyncio.events._BaseDefaultEventLoopPolicy):  # type: ignore[name-defined,misc]
    """What pytest-asyncio asks for a loop."""

    _loop_factory = EventLoop


def lacking(things: str) -> Callable[..., NoReturn]:
    """What is called in place of something that cannot be."""

    def skip(*_: object, **__: object) -> NoReturn:
        pytest.skip(f"WebAssembly has no {things}")

    return skip


def pytest_configure() -> None:
    """Take the place of what Pyodide does for a page."""
    asyncio.events._set_event_loop_policy(EventLoopPolicy())  # type: ignore[attr-defined]
    asyncio._set_running_loop(None)
    replacements: list[tuple[Any, str, str]] = [
        (socket, "create_server", "sockets"),
        (subprocess.Popen, "__init__", "processes"),
        (threading.Thread, "start", "threads"),
    ]
    for owner, name, things in replacements:
        setattr(owner, name, lacking(things))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out what would overflow the stack, which is that of Node.js."""
    callspec: Any = getattr(item, "callspec", None)
    case = callspec and callspec.params.get("case")
    if case and b"[[[" in case.sent.get("content", b""):
        pytest.skip("WebAssembly has no stack that Python can measure")
