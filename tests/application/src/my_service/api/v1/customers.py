"""Endpoints for customers."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response, status

from my_service.api.custom.security import CurrentManager, CurrentUser
from my_service.api.dependencies import ReadSession, Session
from my_service.api.pagination import PageOf, PageParameters
from my_service.core.types import Text
from my_service.db.models.customer import Customer
from my_service.db.pagination import Page
from my_service.schemas.customer import CustomerCreate, CustomerRead, CustomerUpdate
from my_service.services import customers

router = APIRouter(prefix="/customers", tags=["customers"])


class CustomerParameters(PageParameters):
    """The filter and page of a list of customers."""

    search: Text | None = None


@router.post("", status_code=status.HTTP_201_CREATED, response_model=CustomerRead)
async def create_customer(
    user: CurrentUser, session: Session, new: CustomerCreate, request: Request, response: Response
) -> Customer:
    """Create a customer."""
    customer = await customers.create_customer(session, new)
    response.headers["Location"] = f"{request.url.path}/{customer.id}"
    return customer


@router.get("", response_model=PageOf[CustomerRead])
async def list_customers(
    user: CurrentUser, session: ReadSession, page: Annotated[CustomerParameters, Query()]
) -> Page[Customer]:
    """List customers, optionally by a part of their name."""
    return await customers.list_customers(
        session, search=page.search, limit=page.limit, cursor=page.cursor
    )


@router.get("/{customer_id}", response_model=CustomerRead)
async def get_customer(user: CurrentUser, session: ReadSession, customer_id: UUID) -> Customer:
    """Get a customer."""
    return await customers.get_customer(session, customer_id)


@router.patch("/{customer_id}", response_model=CustomerRead)
async def update_customer(
    user: CurrentUser, session: Session, customer_id: UUID, changes: CustomerUpdate
) -> Customer:
    """Change some fields of a customer."""
    return await customers.update_customer(session, customer_id, changes)


@router.delete("/{customer_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_customer(manager: CurrentManager, session: Session, customer_id: UUID) -> None:
    """Delete a customer without bicycles."""
    await customers.delete_customer(session, customer_id)
