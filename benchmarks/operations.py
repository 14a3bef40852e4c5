"""The measured operations: their requests, and the required speed of each."""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from load import Request

ORIGIN = "http://localhost:3000"
ITEMS, PRIVATE = "/api/v1/items", "/api/v1/private"
DESCRIPTION = "This description has a typical length for items: one or two sentences, as used here."


@dataclass(frozen=True)
class Operation:
    """An operation, and the minimum speed of the service.

    Attributes:
        requests: creates the requests from the IDs of existing rows.
        bar: relative to the plain application without an access log.
        bar_with_log: relative to the plain application with uvicorn's access log.
        floor_bar: relative to the floor.
    """

    name: str
    requests: Callable[[Sequence[str]], Iterator[Request]]
    bar: float | None = None
    bar_with_log: float | None = None
    floor_bar: float | None = None


def make_request(
    method: str, path: str, status: int, body: object = None, headers: Sequence[str] = ()
) -> Request:
    """An HTTP/1.1 request."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Accept: application/json", *headers]
    if content:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return Request("\r\n".join([*lines, "", ""]).encode() + content, status)


def always(request: Request) -> Callable[[Sequence[str]], Iterator[Request]]:
    """Repeat the same request."""
    return lambda _: itertools.repeat(request)


def get_each(path: str) -> Callable[[Sequence[str]], Iterator[Request]]:
    """Read each row in turn, at its URL below a path."""
    return lambda ids: itertools.cycle(
        [make_request("GET", f"{path}/{item_id}", 200) for item_id in ids]
    )


def _create(_: Sequence[str]) -> Iterator[Request]:
    while True:
        body = {"name": uuid.uuid4().hex, "description": DESCRIPTION}
        yield make_request("POST", ITEMS, 201, body)


def _patch(ids: Sequence[str]) -> Iterator[Request]:
    # Each row in turn, always with a new value.
    for number in itertools.count():
        for item_id in ids:
            changes = {"description": f"{DESCRIPTION} {number}"}
            yield make_request("PATCH", f"{ITEMS}/{item_id}", 200, changes)


TAKEN = "taken"
PREFLIGHT_HEADERS = [
    f"Origin: {ORIGIN}",
    "Access-Control-Request-Method: POST",
    "Access-Control-Request-Headers: content-type",
]
OPERATIONS = [
    Operation("ping", always(make_request("GET", "/api/v1/ping", 200)), 0.70, 0.95),
    Operation("get", get_each(ITEMS), 1.20, 1.35, 0.28),
    Operation("list of 50", always(make_request("GET", f"{ITEMS}?limit=50", 200)), 1.2, 1.35, 0.25),
    Operation("create", _create, 1.00, 1.10, 0.17),
    Operation("patch", _patch, 1.00, 1.10),
    Operation("404", always(make_request("GET", f"{ITEMS}/{uuid.UUID(int=0)}", 404)), 0.85),
    Operation("409", always(make_request("POST", ITEMS, 409, {"name": TAKEN}))),
    Operation("422", always(make_request("GET", f"{ITEMS}/1", 422)), 0.75, 0.90),
    Operation("500", always(make_request("GET", "/api/v1/broken", 500))),
    Operation("preflight", always(make_request("OPTIONS", ITEMS, 200, headers=PREFLIGHT_HEADERS))),
]
# Each requires a user, in services with users.
PRIVATE_OPERATIONS = [
    Operation("ping", always(make_request("GET", "/api/v1/ping", 200))),
    Operation("get", get_each(PRIVATE)),
    Operation("list of 50", always(make_request("GET", f"{PRIVATE}?limit=50", 200))),
    Operation("create", _create),
    Operation("patch", _patch),
]
# The CPU time of such a request may be this much of the same one without authentication.
AUTHENTICATION_BARS = {"sessions": 1.35, "oidc, RS256": 1.15, "oidc, ES256": 1.15}
