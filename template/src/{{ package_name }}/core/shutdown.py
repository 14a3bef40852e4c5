"""The steps in which the service stops: not ready, then no more streams, then no more requests."""

from asyncio import get_running_loop
from collections.abc import Iterator
from contextlib import contextmanager
from signal import SIGINT, SIGTERM, getsignal, signal
from threading import current_thread, main_thread
from typing import Any

from starlette.datastructures import State


@contextmanager
def graceful_shutdown(state: State, delay: int) -> Iterator[None]:
    """Announce on the state of an application that its server stops.

    SIGTERM sets `draining`, at which the service is no longer ready, and after the delay `stopping`,
    at which streams and sockets end. Only then does the server's own handler of the signal run: it
    closes the listening sockets and waits for the connections.

    Args:
        state: has `draining`, a bool, and `stopping`, an `asyncio.Event`.
        delay: seconds; a second signal and SIGINT, which is Ctrl+C, do not wait for them.
    """
    loop = get_running_loop()

    def stop(number: int) -> None:
        state.stopping.set()
        handlers[number](number, None)

    def drain(number: int, _: object) -> None:
        seconds = 0 if state.draining or number == SIGINT else delay
        state.draining = True
        loop.call_soon_threadsafe(loop.call_later, seconds, stop, number)

    # Python allows this in the main thread only, and test clients run applications in another.
    # Where no server handles a signal, it keeps its effect.
    signals = [SIGINT, SIGTERM] if current_thread() is main_thread() else []
    handlers: Any = {each: signal(each, drain) for each in signals if callable(getsignal(each))}
    try:
        yield
    finally:
        for each, handler in handlers.items():
            signal(each, handler)
        state.draining = True
        state.stopping.set()
