"""What can be done with repairs."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from my_service.core.custom.workshop import NEXT, OrderStatus
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

LOADED = (selectinload(Order.lines), selectinload(Order.mechanics))


class OrderNotFound(NotFound):
    code, message = "order_not_found", "There is no repair with this id."


class StepNotPossible(Conflict):
    code, message = "step_not_possible", "A repair does not go from this state to that one."


class OrderClosed(Conflict):
    code, message = "order_closed", "The bicycle has left the workshop."


class OrderChanged(ServiceError):
    status, code, message = 412, "order_changed", "Somebody else has changed it; read it again."


class VersionRequired(ServiceError):
    status, code, message = 428, "version_required", "Say which version is meant, by If-Match."


async def create_order(session: AsyncSession, new: OrderCreate) -> Order:
    """Take a bicycle in.

    Raises:
        BicycleNotFound: there is no such bicycle.
        IntegrityError: it is here already.
    """
    bicycle = await get_bicycle(session, new.bicycle_id)
    order = Order(**new.model_dump(), bicycle=bicycle, lines=[], mechanics=[])
    session.add(order)
    await session.flush()
    return order


async def list_orders(
    session: AsyncReadSession, *, status: OrderStatus | None, limit: int, cursor: str | None
) -> Page[Order]:
    """One page of the repairs of a status, or of all."""
    matches = [Order.status == status] if status else []
    return await paginate(session, Order, *matches, limit=limit, cursor=cursor, options=LOADED)


async def get_order(session: AsyncReadSession, order_id: UUID) -> Order:
    """The repair with this id.

    Raises:
        OrderNotFound: there is none.
    """
    order = await session.get(Order, order_id, options=LOADED)
    if order is None:
        raise OrderNotFound
    return order


async def update_order(
    session: AsyncSession, order_id: UUID, changes: OrderUpdate, version: int | None
) -> Order:
    """Change a repair that nobody has changed since a version of it was read.

    Raises:
        OrderChanged: somebody has.
        StepNotPossible: its status cannot become this one.
        VersionRequired: nobody knows which version was read.
    """
    order = await get_order(session, order_id)
    if version is None:
        raise VersionRequired
    if order.version != version:
        raise OrderChanged
    fields = changes.model_dump()
    status = fields.get("status", order.status)
    if status is not order.status and status not in NEXT[order.status]:
        raise StepNotPossible
    for field, value in fields.items():
        setattr(order, field, value)
    await session.flush()
    return order


async def add_line(session: AsyncSession, order_id: UUID, new: LineCreate) -> Order:
    """Build a part in, which leaves the stock.

    Raises:
        IntegrityError: there are not so many of them, or the part is on the list already.
        OrderClosed: it is too late.
    """
    order = await get_order(session, order_id)
    if not order.status.is_open:
        raise OrderClosed
    part = await change_stock(session, new.part_id, -new.quantity)
    order.lines.append(OrderLine(**new.model_dump(), unit_price=part.price))
    # So that its version is counted on, which its lines are a part of.
    order.updated_at = datetime.now(UTC)
    await session.flush()
    return order


async def assign(session: AsyncSession, order_id: UUID, user_id: UUID) -> Order:
    """Have somebody work on a repair too."""
    order = await get_order(session, order_id)
    user = await get_user(session, user_id)
    if user not in order.mechanics:
        order.mechanics.append(user)
        order.updated_at = datetime.now(UTC)
    await session.flush()
    return order


async def tell_customer(database: Database, mailer: Mailer, order_id: UUID) -> None:
    """Write to the customer whose bicycle can be collected."""
    async with database.read_session() as session:
        statement = (
            select(Order)
            .where(Order.id == order_id)
            .options(joinedload(Order.bicycle).joinedload(Bicycle.customer))
        )
        order = await session.scalar(statement)
    if order is not None and order.status is OrderStatus.READY:
        customer = order.bicycle.customer
        await mailer.send(customer.email, "It is ready", f"Dear {customer.name}, come and see.")


async def remind_of_overdue(database: Database, mailer: Mailer) -> int:
    """Write about each repair that should have been done; returns how many there are."""
    statement = (
        select(Order)
        .where(Order.promised_for < datetime.now(UTC))
        .where(Order.status.in_([OrderStatus.RECEIVED, OrderStatus.IN_REPAIR]))
        .options(joinedload(Order.bicycle).joinedload(Bicycle.customer))
    )
    async with database.read_session() as session:
        overdue = (await session.scalars(statement)).all()
    for order in overdue:
        await mailer.send(order.bicycle.customer.email, "It takes longer", "We are sorry.")
    return len(overdue)
