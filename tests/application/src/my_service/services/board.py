"""The board in the workshop: publishes every change to its subscribers."""

from asyncio import Queue
from collections.abc import Iterator
from contextlib import contextmanager

from my_service.schemas.order import OrderEvent


class Board:
    """Passes what happens in this process on to those who watch."""

    def __init__(self) -> None:
        self._watchers: set[Queue[OrderEvent]] = set()

    def publish(self, event: OrderEvent) -> None:
        """Tell everybody; who is too slow to read a hundred of them misses the next."""
        for watcher in self._watchers:
            if not watcher.full():
                watcher.put_nowait(event)

    @contextmanager
    def watch(self) -> Iterator[Queue[OrderEvent]]:
        """What happens from now on."""
        watcher: Queue[OrderEvent] = Queue(100)
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    @property
    def watchers(self) -> int:
        """How many watch."""
        return len(self._watchers)
