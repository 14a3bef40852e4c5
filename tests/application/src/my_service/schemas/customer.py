"""Customers in requests and responses."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import MISSING, BaseModel, Field

from my_service.core.types import Text

CustomerName = Annotated[Text, Field(min_length=1, max_length=200)]
Email = Annotated[str, Field(max_length=254, pattern=r"^[^@\s\x00]+@[^@\s\x00]+$")]
Phone = Annotated[str, Field(pattern=r"^\+?[0-9 ]{3,39}$")]


class CustomerCreate(BaseModel):
    """A new customer."""

    name: CustomerName
    email: Email
    phone: Phone | None = None


class CustomerUpdate(BaseModel):
    """The fields to change."""

    name: CustomerName | MISSING = MISSING
    email: Email | MISSING = MISSING
    phone: Phone | MISSING | None = MISSING


class CustomerRead(BaseModel):
    """A customer as it is stored."""

    id: UUID
    name: str
    email: str
    phone: str | None
    created_at: datetime
