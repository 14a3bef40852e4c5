"""Repair orders in requests and responses."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import MISSING, AwareDatetime, BaseModel, Field

from my_service.core.custom.workshop import OrderStatus
from my_service.core.types import Text
from my_service.schemas.part import Price
from my_service.schemas.user import UserRead


class OrderCreate(BaseModel):
    """A new order."""

    bicycle_id: UUID
    complaint: Annotated[Text, Field(min_length=1, max_length=2000)]
    estimate: Price | None = None
    promised_for: AwareDatetime | None = None


class OrderUpdate(BaseModel):
    """The fields to change."""

    status: OrderStatus | MISSING = MISSING
    estimate: Price | MISSING | None = MISSING
    promised_for: AwareDatetime | MISSING | None = MISSING


class LineCreate(BaseModel):
    """A new line of an order."""

    part_id: UUID
    quantity: Annotated[int, Field(ge=1, le=1000)] = 1


class LineRead(BaseModel):
    """A line of an order."""

    part_id: UUID
    quantity: int
    unit_price: Decimal


class OrderRead(BaseModel):
    """An order as it is stored."""

    id: UUID
    bicycle_id: UUID
    status: OrderStatus
    complaint: str
    estimate: Decimal | None
    promised_for: datetime | None
    version: int
    total: Decimal
    lines: list[LineRead]
    mechanics: list[UserRead]
    created_at: datetime
    updated_at: datetime


class OrderEvent(BaseModel):
    """A change of an order."""

    order_id: UUID
    status: OrderStatus
    version: int


class Money(BaseModel):
    """An amount with its currency."""

    amount: Decimal
    currency: str = "EUR"


class OrderReadV2(BaseModel):
    """An order in version 2 of the API: amounts have a currency."""

    id: UUID
    bicycle_id: UUID
    status: OrderStatus
    complaint: str
    estimate: Money | None
    total: Money
    parts: int
