"""No request causes a response with status 500."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from databases import ITEMS, serving
from harness import Service

pytestmark = pytest.mark.slow
pytest_plugins = ["engines"]

PROBLEM = "application/problem+json"


def with_name(text: str) -> bytes:
    """The body of an item; the name is JSON already."""
    return f'{{"name": {text}}}'.encode()


# POST and PATCH respond to these in the same way.
BODIES = {
    "empty": b"",
    "an array": b"[]",
    "null": b"null",
    "cut off": b'{"name": "Ham',
    "no JSON": b"name=Hammer",
    "not a number": with_name("NaN"),
    "NUL": b'{"name": "a\0b"}',
    "NUL, escaped": with_name(r'"a\u0000b"'),
    "NUL in an optional field": rb'{"name": "Hammer", "description": "\u0000"}',
    "a lone surrogate": with_name(r'"\ud800"'),
    "a lone surrogate as a key": rb'{"\udfff": 1, "name": null}',
    "surrogates in the wrong order": with_name(r'"\udc00\ud800"'),
    "too long": with_name('"' + 201 * "a" + '"'),
    "very long": with_name('"' + 1_000_000 * "a" + '"'),
    "too long in an optional field": b'{"description": "' + 2001 * b"a" + b'"}',
    "an integer of 5,000 digits": with_name(5_000 * "9"),
    "a number that is too large": with_name("1e999999"),
    "nested arrays": 10_000 * b"[" + 10_000 * b"]",
    "nested arrays in a name": with_name(10_000 * "[" + 10_000 * "]"),
    "nested objects": 10_000 * b'{"name": ' + b"1" + 10_000 * b"}",
    "unclosed objects": 10_000 * b'{"name": ',
    "an invalid byte": b"\xff",
    "invalid UTF-8 in a name": b'{"name": "\xff\xfe"}',
    "a surrogate in UTF-8": b'{"name": "\xed\xa0\x80"}',
    "Latin-1": '{"name": "Säge"}'.encode("latin-1"),
    "half a character of UTF-16": '{"name": "Hammer"}'.encode("utf-16")[:-1],
    "a lone surrogate in UTF-16": '{"name": "\ud800"}'.encode("utf-16", "surrogatepass"),
}
# Invalid parts of a URL; some are random, and a failure prints them.
CURSORS = [
    "a",
    "%00",
    "%ff%fe",
    "%ed%a0%80",
    "AAAAAAAAAAAAAAAAAAAAA%00",
    "AAAAAAAAAAAAAAAAAAAAAB",
    "AAAAAAAAAAAAAAAAAAAAAA%0a",
    "%d9%a0" * 22,
    "%f0%9f%94%a8" * 22,
    "A" * 10_000,
    *(os.urandom(16).hex() for _ in range(5)),
    *("".join(f"%{byte:02x}" for byte in os.urandom(22)) for _ in range(20)),
]
LIMITS = ["", "0", "-1", "101", "1.5", "1e3", "%00", "%ff", str(2**31), str(2**63), 5_000 * "9"]
IDENTIFIERS = [
    "1",
    "%00",
    "%ff",
    "%ed%a0%80",
    "0198c2f5",
    "'; DROP TABLE items; --",
    "{}",
    "9" * 99,
]


def hostile_requests(item: str) -> Iterator[tuple[str, str, str, bytes | None]]:
    """The name of a request, its method, its URL and its body."""
    for name, body in BODIES.items():
        yield f"{name}, new", "POST", ITEMS, body
        yield f"{name}, changed", "PATCH", item, body
    for cursor in CURSORS:
        yield f"cursor {cursor[:80]}", "GET", f"{ITEMS}?cursor={cursor}", None
    for limit in LIMITS:
        yield f"limit {limit[:80]}", "GET", f"{ITEMS}?limit={limit}", None
    for method in ("GET", "PATCH", "DELETE"):
        for identifier in IDENTIFIERS:
            yield f"{method} {identifier}", method, f"{ITEMS}/{identifier}", b'{"name": "Saw"}'


def test_no_request_causes_a_server_error(service: Service) -> None:
    service.run("alembic", "upgrade", "head")
    # The server closes a connection after a crash.
    headers = {"content-type": "application/json", "connection": "close"}
    unexpected = {}

    with serving(service) as client:
        created = client.post(ITEMS, json={"name": "Hammer"})
        for name, method, url, body in hostile_requests(created.headers["location"]):
            response = client.request(method, url, content=body, headers=headers)
            if response.status_code != 422 or response.headers["content-type"] != PROBLEM:
                unexpected[name] = (response.status_code, response.text[:200])
        assert unexpected == {}
        assert client.get(ITEMS).json()["items"] == [created.json()]
