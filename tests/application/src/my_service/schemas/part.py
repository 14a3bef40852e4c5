"""Parts in requests and responses."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import MISSING, BaseModel, Field

from my_service.core.types import Text

Price = Annotated[Decimal, Field(ge=0, max_digits=10, decimal_places=2)]
Tags = Annotated[list[Annotated[Text, Field(min_length=1, max_length=40)]], Field(max_length=20)]


class PartCreate(BaseModel):
    """A new part."""

    sku: Annotated[str, Field(pattern=r"^[A-Z0-9-]{1,40}$")]
    name: Annotated[Text, Field(min_length=1, max_length=200)]
    price: Price
    stock: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    tags: Tags = []


class PartUpdate(BaseModel):
    """The fields to change; `tags` replaces all of them."""

    price: Price | MISSING = MISSING
    tags: Tags | MISSING = MISSING


class StockChange(BaseModel):
    """A change of the stock; negative to take from it."""

    by: Annotated[int, Field(ge=-1_000_000, le=1_000_000)]


class TagRead(BaseModel):
    """A tag of a part."""

    name: str


class PartRead(BaseModel):
    """A part as it is stored."""

    id: UUID
    sku: str
    name: str
    price: Decimal
    stock: int
    tags: list[TagRead]


class Offer(BaseModel):
    """The supplier's price and delivery time for a part."""

    price: Price
    days: int
