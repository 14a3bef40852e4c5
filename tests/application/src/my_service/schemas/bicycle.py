"""Bicycles in requests and responses."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, JsonValue

from my_service.core.types import Text
from my_service.schemas.customer import CustomerRead


class BicycleCreate(BaseModel):
    """A new bicycle."""

    customer_id: UUID
    brand: Annotated[Text, Field(min_length=1, max_length=80)]
    frame_number: Annotated[Text, Field(max_length=40)] | None = None
    equipment: dict[Text, JsonValue] = {}


class BicycleRead(BaseModel):
    """A bicycle as it is stored."""

    id: UUID
    brand: str
    frame_number: str | None
    equipment: dict[str, JsonValue]
    photo_type: str | None
    scrapped_at: datetime | None
    customer: CustomerRead
