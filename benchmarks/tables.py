"""Measures latency in growing tables, and the effect of the order of keys in PostgreSQL."""

from __future__ import annotations

import json
import random
import statistics
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from databases import psql
from load import Client, Request
from operations import DESCRIPTION, ITEMS, make_request
from servers import Server

if TYPE_CHECKING:
    from sections import Bench

PAGE = 20
DEEP = 1000
REQUESTS = 20

# UUIDv7: 48 bits of time in milliseconds, and random bits (RFC 9562, section 5.7).
KEYS = """
CREATE TABLE keys AS SELECT n, gen_random_uuid() AS v4, overlay(overlay(
    gen_random_uuid()::text placing
    substr(lpad(to_hex(1790000000000 + n), 12, '0'), 1, 8) || '-' ||
    substr(lpad(to_hex(1790000000000 + n), 12, '0'), 9, 4) from 1)
    placing '7' from 15)::uuid AS v7
FROM generate_series(1, {rows}) AS n
"""
FILL = """
INSERT INTO items (id, name, description)
SELECT v7, 'row ' || n, '{description}' FROM keys
WHERE n > {existing} AND n <= {rows}
"""
BATCHES = 100


def add_rows_until(url: str, existing: int, rows: int) -> None:
    """Fill the table up to a number of rows, with time-ordered keys."""
    psql(url, FILL.format(existing=existing, rows=rows, description=DESCRIPTION))
    psql(url, "VACUUM ANALYZE items")


def pages(url: str, rows: int) -> dict[str, dict[str, Request]]:
    """The requests for the first page and for page 1,000, by keyset and by offset."""
    first = f"{ITEMS}?limit={PAGE}"
    offset = PAGE * (DEEP - 1)
    requests = {"keyset": {"first": first}, "offset": {"first": first}}
    if rows > offset:
        [key] = psql(url, f"SELECT id FROM items ORDER BY id DESC LIMIT 1 OFFSET {offset - 1}")
        requests["keyset"]["deep"] = f"{first}&cursor={encode_cursor(UUID(key))}"
        requests["offset"]["deep"] = f"{first}&offset={offset}"
    return {
        kind: {page: make_request("GET", path, 200) for page, path in paths.items()}
        for kind, paths in requests.items()
    }


def measure_pages(
    servers: Mapping[str, Server], requests: Mapping[str, Mapping[str, Request]], rounds: int
) -> dict[str, dict[str, float]]:
    """The median latencies of sequential requests, in milliseconds."""
    cases = [(kind, page) for kind, paths in requests.items() for page in paths]
    latencies: dict[tuple[str, str], list[float]] = {case: [] for case in cases}
    for number in range(rounds + 1):
        for kind, page in random.sample(cases, len(cases)):
            client = Client(servers[kind].address, 1)
            for _ in range(REQUESTS):
                started = time.perf_counter()
                client.send(requests[kind][page])
                if number:
                    latencies[kind, page].append(1000 * (time.perf_counter() - started))
            client.close()
    return {
        kind: {page: round(statistics.median(latencies[kind, page]), 2) for page in paths}
        for kind, paths in requests.items()
    }


def encode_cursor(key: UUID) -> str:
    """The cursor of a key, in the format of the service: base64url."""
    return urlsafe_b64encode(key.bytes).decode().rstrip("=")


def measure_keys(bench: Bench) -> dict[str, Any]:
    """Insert rows with UUIDv4 and UUIDv7 keys, in alternating batches."""
    bench.database("keys")
    url = bench.server.get_uri("keys")
    psql(url, KEYS.format(rows=bench.largest))
    versions, size = ("v4", "v7"), bench.largest // BATCHES
    seconds = dict.fromkeys(versions, 0.0)
    for version in versions:
        psql(url, f"CREATE TABLE {version} (id uuid PRIMARY KEY, text text NOT NULL)")
    for batch in range(BATCHES):
        for version in random.sample(versions, 2):
            started = time.perf_counter()
            where = f"n > {batch * size} AND n <= {(batch + 1) * size}"
            psql(
                url,
                f"INSERT INTO {version} SELECT {version}, repeat('x', 80) FROM keys WHERE {where}",
            )
            seconds[version] += time.perf_counter() - started
    return {
        version: {
            "seconds": round(seconds[version], 1),
            "index": int(psql(url, f"SELECT pg_relation_size('{version}_pkey')")[0]),
            "buffers": count_buffers(url, version, bench.largest),
        }
        for version in versions
    }


def count_buffers(url: str, version: str, rows: int) -> int:
    """The buffers that PostgreSQL accesses to read the newest rows by key."""
    psql(url, f"VACUUM ANALYZE {version}")
    newest = psql(url, f"SELECT {version} FROM keys WHERE n > {rows - PAGE}")
    keys = ",".join(f"'{key}'" for key in newest)
    plan = psql(
        url,
        "SET enable_seqscan = off; EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)"
        f" SELECT * FROM {version} WHERE id IN ({keys})",
    )
    [explained] = json.loads(" ".join(plan))
    return int(explained["Plan"]["Shared Hit Blocks"] + explained["Plan"]["Shared Read Blocks"])
