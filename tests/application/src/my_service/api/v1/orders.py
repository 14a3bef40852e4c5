"""Endpoints for repair orders."""

from asyncio import wait_for
from collections.abc import AsyncIterable
from contextlib import suppress
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks, Depends, Header, Query, Request, Response, status
from fastapi.sse import EventSourceResponse, ServerSentEvent

from my_service.api.custom.dependencies import CurrentBoard, CurrentDatabase, CurrentMailer
from my_service.api.custom.etags import ExpectedVersion, etag
from my_service.api.custom.security import CurrentMechanic, CurrentUser
from my_service.api.dependencies import ReadSession, Session, Stopping
from my_service.api.pagination import PageOf, PageParameters
from my_service.core.custom.workshop import OrderStatus
from my_service.db.models.order import Order
from my_service.db.pagination import Page
from my_service.schemas.order import LineCreate, OrderCreate, OrderEvent, OrderRead, OrderUpdate
from my_service.services import idempotency, orders

router = APIRouter(prefix="/orders", tags=["orders"])

Key = Annotated[str | None, Header(alias="Idempotency-Key", pattern=r"^[A-Za-z0-9._-]{8,64}$")]


class OrderParameters(PageParameters):
    """The filter and page of a list of orders."""

    status: OrderStatus | None = None


@router.post("", status_code=status.HTTP_201_CREATED, response_model=OrderRead)
async def create_order(
    user: CurrentUser,
    session: Session,
    new: OrderCreate,
    request: Request,
    response: Response,
    key: Key = None,
) -> Order:
    """Create an order; with an Idempotency-Key, the client can safely retry the request."""
    if key and (existing := await idempotency.find_resource(session, user.id, key, new)):
        order = await orders.get_order(session, existing)
        response.headers["Idempotent-Replayed"] = "true"
    else:
        order = await orders.create_order(session, new)
        if key:
            await idempotency.store_key(session, user.id, key, new, order.id)
    response.headers["ETag"] = etag(order.version)
    response.headers["Location"] = f"{request.url.path}/{order.id}"
    return order


@router.get("", response_model=PageOf[OrderRead])
async def list_orders(
    user: CurrentUser, session: ReadSession, page: Annotated[OrderParameters, Query()]
) -> Page[Order]:
    """List orders, optionally with a status."""
    return await orders.list_orders(
        session, status=page.status, limit=page.limit, cursor=page.cursor
    )


@router.get("/{order_id}", response_model=OrderRead)
async def get_order(
    user: CurrentUser, session: ReadSession, order_id: UUID, response: Response
) -> Order:
    """Get an order, with its version in the ETag."""
    order = await orders.get_order(session, order_id)
    response.headers["ETag"] = etag(order.version)
    return order


@router.patch("/{order_id}", response_model=OrderRead)
async def update_order(
    mechanic: CurrentMechanic,
    session: Session,
    database: CurrentDatabase,
    board: CurrentBoard,
    mailer: CurrentMailer,
    order_id: UUID,
    changes: OrderUpdate,
    version: ExpectedVersion,
    tasks: BackgroundTasks,
    response: Response,
) -> Order:
    """Change some fields of an order; If-Match must have its version."""
    order = await orders.update_order(session, order_id, changes, version)
    response.headers["ETag"] = etag(order.version)
    event = OrderEvent(order_id=order.id, status=order.status, version=order.version)
    # Background tasks run after the commit.
    tasks.add_task(board.publish, event)
    tasks.add_task(orders.notify_customer, database, mailer, order.id)
    return order


@router.post("/{order_id}/lines", status_code=status.HTTP_201_CREATED, response_model=OrderRead)
async def add_line(
    mechanic: CurrentMechanic,
    session: Session,
    order_id: UUID,
    new: LineCreate,
    response: Response,
) -> Order:
    """Add a part to an order."""
    order = await orders.add_line(session, order_id, new)
    response.headers["ETag"] = etag(order.version)
    return order


@router.put("/{order_id}/mechanics/{user_id}", response_model=OrderRead)
async def assign_mechanic(
    mechanic: CurrentMechanic, session: Session, order_id: UUID, user_id: UUID
) -> Order:
    """Assign a mechanic to an order."""
    return await orders.assign_mechanic(session, order_id, user_id)


async def get_watched_order_id(user: CurrentUser, session: ReadSession, order_id: UUID) -> UUID:
    """Check that the order exists, since a stream that has started cannot return an error."""
    return (await orders.get_order(session, order_id)).id


@router.get("/{order_id}/events", response_class=EventSourceResponse)
async def watch_order(
    database: CurrentDatabase,
    board: CurrentBoard,
    stopping: Stopping,
    order_id: Annotated[UUID, Depends(get_watched_order_id)],
) -> AsyncIterable[ServerSentEvent]:
    """Stream the changes of an order until it is closed or the service stops."""
    with board.subscribe() as events:
        async with database.read_session() as session:
            order = await orders.get_order(session, order_id)
        event = OrderEvent(order_id=order.id, status=order.status, version=order.version)
        yield ServerSentEvent(data=event, event="order", id=str(event.version))
        while event.status.is_open and not stopping.is_set():
            with suppress(TimeoutError):
                change = await wait_for(events.get(), timeout=1)
                if change.order_id != order_id:
                    continue
                event = change
                yield ServerSentEvent(data=event, event="order", id=str(event.version))
