"""What can be done with customers."""

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
    """Store a new customer.

    Raises:
        IntegrityError: there is one with this address.
    """
    customer = Customer(**new.model_dump())
    session.add(customer)
    await session.flush()
    return customer


async def list_customers(
    session: AsyncReadSession, *, search: str | None, limit: int, cursor: str | None
) -> Page[Customer]:
    """One page of the customers whose name has this in it."""
    matches = (
        [func.lower(Customer.name).contains(search.lower(), autoescape=True)] if search else []
    )
    return await paginate(session, Customer, *matches, limit=limit, cursor=cursor)


async def get_customer(session: AsyncReadSession, customer_id: UUID) -> Customer:
    """The customer with this id.

    Raises:
        CustomerNotFound: there is none.
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
    """Remove a customer.

    Raises:
        IntegrityError: there are bicycles of this customer.
    """
    await session.delete(await get_customer(session, customer_id))
