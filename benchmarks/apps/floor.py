"""The same responses with Starlette and the driver only, without validation, models or a session.

No service is written like this. It shows the share of the framework and the ORM in a request.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from keys import uuid7
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

URL = os.environ["BENCHMARK_DATABASE_URL"]
if URL.startswith("sqlite"):
    from floor_sqlite import NameTaken, Rows
else:
    from floor_postgresql import NameTaken, Rows


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Rows]]:
    async with Rows.connect(URL) as rows:
        yield {"rows": rows}


async def ping(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def broken(request: Request) -> Response:
    raise RuntimeError("broken")


async def list_items(request: Request) -> Response:
    limit, offset = (int(request.query_params.get(name, 0)) for name in ("limit", "offset"))
    rows = await request.state.rows.list(limit, offset)
    return JSONResponse([as_json(row) for row in rows])


async def create_item(request: Request) -> Response:
    new = await request.json()
    try:
        row = await request.state.rows.create(uuid7(), new["name"], new.get("description"))
    except NameTaken:
        return JSONResponse({"detail": "An item with this name already exists"}, 409)
    return JSONResponse(as_json(row), 201)


async def get_item(request: Request) -> Response:
    try:
        item_id = UUID(request.path_params["item_id"])
    except ValueError:
        return JSONResponse({"detail": "Not a UUID"}, 422)
    return respond(await request.state.rows.get(item_id))


async def update_item(request: Request) -> Response:
    changes = await request.json()
    item_id = UUID(request.path_params["item_id"])
    return respond(await request.state.rows.describe(item_id, changes["description"]))


def respond(row: Any) -> Response:
    if row is None:
        return JSONResponse({"detail": "Item not found"}, 404)
    return JSONResponse(as_json(row))


def as_json(row: Any) -> dict[str, object]:
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "description": row["description"],
        "created_at": str(row["created_at"]),
        "updated_at": str(row["updated_at"]),
    }


app = Starlette(
    routes=[
        Route("/api/v1/ping", ping),
        Route("/api/v1/broken", broken),
        Route("/api/v1/items", list_items),
        Route("/api/v1/items", create_item, methods=["POST"]),
        Route("/api/v1/items/{item_id}", get_item),
        Route("/api/v1/items/{item_id}", update_item, methods=["PATCH"]),
    ],
    lifespan=lifespan,
)
