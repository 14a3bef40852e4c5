"""Operations on repair orders."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from my_service.core.custom.workshop import TRANSITIONS, OrderStatus
from my_service.core.errors import Conflict, NotFound, ServiceError
from my_service.db.models.bicycle import Bicycle
from my_service.db.models.order import Order, OrderLine
from my_service.db.pagination import Page, paginate
from my_service.db.session import AsyncReadSession, Database
from my_service.schemas.order import LineCreate, OrderCreate, OrderUpdate
from my_service.services.bicycles import get_bicycle
from my_service.services.mail import Mailer
from my_service.services.parts import change_stock
from my_service.services.users import get_user

EAGER_LOADING = (selectinload(Order.lines), selectinload(Order.mechanics))


class OrderNotFound(NotFound):
    code, message = "order_not_found", "There is no order with this id."


class InvalidTransition(Conflict):
    code, message = "invalid_transition", "The order cannot change to this status."


class OrderClosed(Conflict):
    code, message = "order_closed", "The order is closed."


class OrderChanged(ServiceError):
    status, code, message = 412, "order_changed", "The order has changed; read it again."


class VersionRequired(ServiceError):
    status, code, message = 428, "version_required", "Send the version in If-Match."


async def create_order(session: AsyncSession, new: OrderCreate) -> Order:
    """Create an order.

    Raises:
        BicycleNotFound: the bicycle does not exist.
        IntegrityError: the bicycle has an open order.
    """
    bicycle = await get_bicycle(session, new.bicycle_id)
    order = Order(**new.model_dump(), bicycle=bicycle, lines=[], mechanics=[])
    session.add(order)
    await session.flush()
    return order


async def list_orders(
    session: AsyncReadSession, *, status: OrderStatus | None, limit: int, cursor: str | None
) -> Page[Order]:
    """A page of orders, optionally with a status."""
    filters = [Order.status == status] if status else []
    return await paginate(
        session, Order, *filters, limit=limit, cursor=cursor, options=EAGER_LOADING
    )


async def get_order(session: AsyncReadSession, order_id: UUID) -> Order:
    """Get an order with its lines and mechanics.

    Raises:
        OrderNotFound: it does not exist.
    """
    order = await session.get(Order, order_id, options=EAGER_LOADING)
    if order is None:
        raise OrderNotFound
    return order


async def update_order(
    session: AsyncSession, order_id: UUID, changes: OrderUpdate, version: int | None
) -> Order:
    """Change some fields of an order, if it still has this version.

    Raises:
        OrderChanged: it has another version.
        InvalidTransition: its status cannot change to the new one.
        VersionRequired: the version is missing.
    """
    order = await get_order(session, order_id)
    if version is None:
        raise VersionRequired
    if order.version != version:
        raise OrderChanged
    fields = changes.model_dump()
    status = fields.get("status", order.status)
    if status is not order.status and status not in TRANSITIONS[order.status]:
        raise InvalidTransition
    for field, value in fields.items():
        setattr(order, field, value)
    await session.flush()
    return order


async def add_line(session: AsyncSession, order_id: UUID, new: LineCreate) -> Order:
    """Add a part to an order, and take it from the stock.

    Raises:
        IntegrityError: the stock is too low, or the order has a line with this part.
        OrderClosed: the order is closed.
    """
    order = await get_order(session, order_id)
    if not order.status.is_open:
        raise OrderClosed
    part = await change_stock(session, new.part_id, -new.quantity)
    order.lines.append(OrderLine(**new.model_dump(), unit_price=part.price))
    # A changed column, so that SQLAlchemy increments the version of the order too.
    order.updated_at = datetime.now(UTC)
    await session.flush()
    return order


async def assign_mechanic(session: AsyncSession, order_id: UUID, user_id: UUID) -> Order:
    """Assign a mechanic to an order."""
    order = await get_order(session, order_id)
    user = await get_user(session, user_id)
    if user not in order.mechanics:
        order.mechanics.append(user)
        order.updated_at = datetime.now(UTC)
    await session.flush()
    return order


async def notify_customer(database: Database, mailer: Mailer, order_id: UUID) -> None:
    """Send an email to the customer if the bicycle is ready."""
    async with database.read_session() as session:
        statement = (
            select(Order)
            .where(Order.id == order_id)
            .options(joinedload(Order.bicycle).joinedload(Bicycle.customer))
        )
        order = await session.scalar(statement)
    if order is not None and order.status is OrderStatus.READY:
        customer = order.bicycle.customer
        await mailer.send(
            customer.email,
            "Your bicycle is ready",
            f"Dear {customer.name}, you can collect your bicycle.",
        )


async def send_overdue_notices(database: Database, mailer: Mailer) -> int:
    """Send an email for each overdue order, and return their number."""
    statement = (
        select(Order)
        .where(Order.promised_for < datetime.now(UTC))
        .where(Order.status.in_([OrderStatus.RECEIVED, OrderStatus.IN_REPAIR]))
        .options(joinedload(Order.bicycle).joinedload(Bicycle.customer))
    )
    async with database.read_session() as session:
        overdue = (await session.scalars(statement)).all()
    for order in overdue:
        await mailer.send(
            order.bicycle.customer.email, "Your repair takes longer", "We are sorry for the delay."
        )
    return len(overdue)
