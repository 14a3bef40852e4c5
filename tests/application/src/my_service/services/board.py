"""The board in the workshop: publishes changes of orders to its subscribers."""

from asyncio import Queue
from collections.abc import Iterator
from contextlib import contextmanager

from my_service.schemas.order import OrderEvent


class Board:
    """Publishes events to the subscribers in this process."""

    def __init__(self) -> None:
        self._queues: set[Queue[OrderEvent]] = set()

    def publish(self, event: OrderEvent) -> None:
        """Send an event to all subscribers; one whose queue is full misses it."""
        for queue in self._queues:
            if not queue.full():
                queue.put_nowait(event)

    @contextmanager
    def subscribe(self) -> Iterator[Queue[OrderEvent]]:
        """Yield a queue that receives all events from now on."""
        queue: Queue[OrderEvent] = Queue(100)
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)

    @property
    def subscribers(self) -> int:
        """The number of subscribers."""
        return len(self._queues)
