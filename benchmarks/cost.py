"""The CPU time of each operation on several servers, which take turns."""

from __future__ import annotations

import json
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from load import Client, Request
from operations import DESCRIPTION, ITEMS, TAKEN, Operation, make_request
from servers import Server, Target, running

CONNECTIONS = 16
# Requests per second; no server is saturated at this rate.
RATE = 50
ROWS = 1000


@dataclass
class Samples:
    """The measurements of an operation on a server, one per round.

    Attributes:
        cpu: CPU time of the server process per request, in microseconds.
        throughput: requests per second.
        latencies: in milliseconds, at a fixed rate.
    """

    cpu: list[float] = field(default_factory=list)
    throughput: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)

    def speed(self, other: Samples) -> float:
        """The CPU time of another server divided by this one's; above 1, this one takes less."""
        return statistics.median(b / a for a, b in zip(self.cpu, other.cpu, strict=True))

    def summary(self) -> dict[str, float]:
        """The medians, and the percentiles of the latencies."""
        percentiles = statistics.quantiles(self.latencies, n=100) if self.latencies else []
        latencies = {"p50": percentiles[49], "p99": percentiles[98]} if percentiles else {}
        medians = {
            "cpu": statistics.median(self.cpu),
            "throughput": statistics.median(self.throughput),
        }
        return {name: round(value, 2) for name, value in (medians | latencies).items()}


@contextmanager
def all_running(targets: Sequence[Target]) -> Iterator[list[Server]]:
    """Start several servers."""
    with ExitStack() as stack:
        yield [stack.enter_context(running(target)) for target in targets]


def add_rows(server: Server) -> list[str]:
    """Create rows, one of them with the name for conflicts, and return their IDs."""
    client = Client(server.address, 1)
    ids = []
    for number in range(ROWS):
        body = {"name": f"row {number}" if number else TAKEN, "description": DESCRIPTION}
        response = client.send(make_request("POST", ITEMS, 201, body))
        ids.append(json.loads(response.partition(b"\r\n\r\n")[2])["id"])
    client.close()
    return ids


def measure(
    operation: Operation,
    servers: Sequence[Server],
    ids: Sequence[str],
    rounds: int,
    seconds: float,
    *,
    paced: bool = False,
) -> dict[str, Samples]:
    """Measure an operation on each server in each round, in an order that changes.

    Args:
        operation: the operation.
        servers: the servers.
        ids: the IDs of existing rows.
        rounds: the number of rounds, after one to warm up.
        seconds: the duration of the load on each server in a round.
        paced: whether to also measure latencies at a fixed rate.
    """
    samples = {server.target.name: Samples() for server in servers}
    requests = {
        server.target.name: map(server.target.with_header, operation.requests(ids))
        for server in servers
    }
    for number in range(rounds + 1):
        for server in random.sample(servers, len(servers)):
            name = server.target.name
            target = Samples() if number == 0 else samples[name]
            _saturate(server, requests[name], seconds, target)
            if paced and number:
                client = Client(server.address, CONNECTIONS)
                latencies = client.pace(requests[name], RATE, 2 * seconds)
                client.close()
                target.latencies += [1000 * latency for latency in latencies]
    return samples


def _saturate(
    server: Server, requests: Iterator[Request], seconds: float, samples: Samples
) -> None:
    client = Client(server.address, CONNECTIONS)
    started, cpu = time.perf_counter(), server.cpu_seconds()
    count = client.saturate(requests, seconds)
    samples.cpu.append((server.cpu_seconds() - cpu) / count * 1e6)
    samples.throughput.append(count / (time.perf_counter() - started))
    client.close()
