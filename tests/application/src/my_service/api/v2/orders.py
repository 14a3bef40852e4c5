"""Endpoints for repair orders, with a currency for each amount."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response, status

from my_service.api.custom.etags import etag
from my_service.api.custom.security import CurrentUser
from my_service.api.dependencies import ReadSession, Session
from my_service.api.pagination import PageOf, PageParameters
from my_service.core.custom.workshop import OrderStatus
from my_service.db.models.order import Order
from my_service.schemas.order import Money, OrderCreate, OrderReadV2
from my_service.services import orders

router = APIRouter(prefix="/orders", tags=["orders"])


class OrderParameters(PageParameters):
    """The filter and page of a list of orders."""

    status: OrderStatus | None = None


def to_schema(order: Order) -> OrderReadV2:
    """Convert an order to the schema of this version."""
    return OrderReadV2(
        id=order.id,
        bicycle_id=order.bicycle_id,
        status=order.status,
        complaint=order.complaint,
        estimate=None if order.estimate is None else Money(amount=order.estimate),
        total=Money(amount=order.total),
        parts=sum(line.quantity for line in order.lines),
    )


@router.post("", status_code=status.HTTP_201_CREATED)
async def create_order(
    user: CurrentUser, session: Session, new: OrderCreate, request: Request, response: Response
) -> OrderReadV2:
    """Create an order."""
    order = await orders.create_order(session, new)
    response.headers["ETag"] = etag(order.version)
    response.headers["Location"] = f"{request.url.path}/{order.id}"
    return to_schema(order)


@router.get("")
async def list_orders(
    user: CurrentUser, session: ReadSession, page: Annotated[OrderParameters, Query()]
) -> PageOf[OrderReadV2]:
    """List orders, optionally with a status."""
    result = await orders.list_orders(
        session, status=page.status, limit=page.limit, cursor=page.cursor
    )
    return PageOf(
        items=[to_schema(order) for order in result.items], next_cursor=result.next_cursor
    )


@router.get("/{order_id}")
async def get_order(user: CurrentUser, session: ReadSession, order_id: UUID) -> OrderReadV2:
    """Get an order."""
    return to_schema(await orders.get_order(session, order_id))
