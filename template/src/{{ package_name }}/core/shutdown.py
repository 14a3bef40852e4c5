"""Graceful shutdown: readiness fails first, then streams end, then the server stops."""

from asyncio import get_running_loop
from collections.abc import Iterator
from contextlib import contextmanager
from signal import SIGINT, SIGTERM, getsignal, signal
from threading import current_thread, main_thread
from typing import Any

from starlette.datastructures import State


@contextmanager
def graceful_shutdown(state: State, delay: int) -> Iterator[None]:
    """Shut an application down gracefully.

    On SIGTERM, `draining` is set, and the service is no longer ready. After the delay, `stopping`
    is set, and streams and WebSockets that watch it end. Then the signal handler of the server
    runs, which closes the listening sockets and waits for open connections.

    Args:
        state: the state of the application, with `draining`, a bool, and `stopping`, an Event.
        delay: in seconds. SIGINT (Ctrl+C) and a second signal skip it.
    """
    loop = get_running_loop()

    def stop(number: int) -> None:
        state.stopping.set()
        handlers[number](number, None)

    def drain(number: int, _: object) -> None:
        seconds = 0 if state.draining or number == SIGINT else delay
        state.draining = True
        loop.call_soon_threadsafe(loop.call_later, seconds, stop, number)

    # Signals can be handled in the main thread only; test clients run applications in others.
    # Signals that no server handles keep their default effect.
    numbers = [SIGINT, SIGTERM] if current_thread() is main_thread() else []
    numbers = [number for number in numbers if callable(getsignal(number))]
    handlers: Any = {number: signal(number, drain) for number in numbers}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal(number, handler)
        state.draining = True
        state.stopping.set()
