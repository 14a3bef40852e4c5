"""Sends requests over a few persistent connections, and checks the status of each response.

It uses sockets directly, since a client library takes more CPU time per request than the server.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

# In seconds.
TIMEOUT = 30.0


@dataclass(frozen=True)
class Request:
    """A request, and the expected status of the response."""

    content: bytes
    status: int


@dataclass
class Connection:
    """A connection that reconnects if the server closes it."""

    address: tuple[str, int]
    selector: selectors.BaseSelector
    request: Request = Request(b"", 0)
    due: float = 0.0
    is_waiting: bool = False
    received: bytearray = field(default_factory=bytearray)
    socket: socket.socket | None = None

    def send(self, request: Request, due: float = 0.0) -> None:
        """Send a request; `due` is the time at which it should have been sent."""
        if self.socket is None:
            self.socket = socket.create_connection(self.address, TIMEOUT)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
            self.selector.register(self.socket, selectors.EVENT_READ, self)
        self.request, self.due, self.is_waiting = request, due, True
        self.received.clear()
        try:
            self.socket.sendall(request.content)
        except ConnectionError:
            self.close()
            self.send(request, due)

    def receive(self) -> bool:
        """Read available data, and return whether the response is complete."""
        assert self.socket is not None
        try:
            data = self.socket.recv(262_144)
        except ConnectionResetError:
            data = b""
        if not data:
            # After a 500, some servers close the connection without `Connection: close`.
            self.close()
            if self.is_waiting:
                self.send(self.request, self.due)
            return False
        self.received += data
        end = self.received.find(b"\r\n\r\n")
        if end < 0:
            return False
        # uvicorn writes the names of headers in lower case.
        head = bytes(self.received[:end])
        length = int(head.partition(b"content-length: ")[2].partition(b"\r")[0])
        if len(self.received) < end + 4 + length:
            return False
        self.is_waiting = False
        if int(head[9:12]) != self.request.status:
            raise ValueError(f"expected {self.request.status}, got {bytes(self.received)!r}")
        if b"connection: close" in head:
            self.close()
        return True

    def close(self) -> None:
        """Close the connection; the next request reconnects."""
        if self.socket is not None:
            self.selector.unregister(self.socket)
            self.socket.close()
            self.socket = None


class Client:
    """Connections to a server, each with one request at a time."""

    def __init__(self, address: tuple[str, int], connections: int) -> None:
        self.selector = selectors.DefaultSelector()
        self.connections = [Connection(address, self.selector) for _ in range(connections)]

    def close(self) -> None:
        """Close all connections."""
        for connection in self.connections:
            connection.close()
        self.selector.close()

    def saturate(self, requests: Iterator[Request], seconds: float) -> int:
        """Keep all connections busy for a time, and return the number of responses."""
        until = time.perf_counter() + seconds
        return self._send_while(lambda _: time.perf_counter() < until, requests)

    def repeat(self, requests: Iterator[Request], count: int) -> None:
        """Keep all connections busy for about this number of requests."""
        self._send_while(lambda responses: responses < count, requests)

    def pace(self, requests: Iterator[Request], rate: float, seconds: float) -> list[float]:
        """Send requests at a fixed rate, and return the latencies in seconds.

        They are measured from the time at which the request was due, so they include the wait for a
        free connection. https://www.scylladb.com/2021/04/22/on-coordinated-omission/
        """
        started, latencies = time.perf_counter(), list[float]()
        due = deque(started + number / rate for number in range(int(rate * seconds)))
        count, free = len(due), deque(self.connections)
        while len(latencies) < count:
            now = time.perf_counter()
            while due and free and due[0] <= now:
                free.popleft().send(next(requests), due.popleft())
            is_waiting = due and free
            for connection in self._completed(max(0, due[0] - now) if is_waiting else TIMEOUT):
                latencies.append(time.perf_counter() - connection.due)
                free.append(connection)
        return latencies

    def send(self, request: Request) -> bytes:
        """Send one request, and return the response."""
        [connection, *_] = self.connections
        connection.send(request)
        while connection not in self._completed(TIMEOUT):
            pass
        return bytes(connection.received)

    def _send_while(self, condition: Callable[[int], bool], requests: Iterator[Request]) -> int:
        responses, pending = 0, len(self.connections)
        for connection in self.connections:
            connection.send(next(requests))
        while pending:
            for connection in self._completed(TIMEOUT):
                responses += 1
                if condition(responses):
                    connection.send(next(requests))
                else:
                    pending -= 1
        return responses

    def _completed(self, timeout: float) -> list[Connection]:
        events = self.selector.select(timeout)
        if not events and timeout >= TIMEOUT:
            raise TimeoutError("the server does not respond")
        connections: Sequence[Connection] = [key.data for key, _ in events]
        return [connection for connection in connections if connection.receive()]
