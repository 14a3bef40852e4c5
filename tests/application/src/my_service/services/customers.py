"""Operations on customers."""

from uuid import UUID

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from my_service.core.errors import NotFound
from my_service.db.models.customer import Customer
from my_service.db.pagination import Page, paginate
from my_service.db.session import AsyncReadSession
from my_service.schemas.customer import CustomerCreate, CustomerUpdate


class CustomerNotFound(NotFound):
    code, message = "customer_not_found", "There is no customer with this id."


async def create_customer(session: AsyncSession, new: CustomerCreate) -> Customer:
    """Create a customer.

    Raises:
        IntegrityError: another customer has this email address.
    """
    customer = Customer(**new.model_dump())
    session.add(customer)
    await session.flush()
    return customer


async def list_customers(
    session: AsyncReadSession, *, search: str | None, limit: int, cursor: str | None
) -> Page[Customer]:
    """A page of customers, optionally those whose name contains a text."""
    filters = (
        [func.lower(Customer.name).contains(search.lower(), autoescape=True)] if search else []
    )
    return await paginate(session, Customer, *filters, limit=limit, cursor=cursor)


async def get_customer(session: AsyncReadSession, customer_id: UUID) -> Customer:
    """Get a customer.

    Raises:
        CustomerNotFound: it does not exist.
    """
    customer = await session.get(Customer, customer_id)
    if customer is None:
        raise CustomerNotFound
    return customer


async def update_customer(
    session: AsyncSession, customer_id: UUID, changes: CustomerUpdate
) -> Customer:
    """Change some fields of a customer."""
    customer = await get_customer(session, customer_id)
    for field, value in changes.model_dump().items():
        setattr(customer, field, value)
    await session.flush()
    return customer


async def delete_customer(session: AsyncSession, customer_id: UUID) -> None:
    """Delete a customer.

    Raises:
        IntegrityError: the customer has bicycles.
    """
    await session.delete(await get_customer(session, customer_id))
