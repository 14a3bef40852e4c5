"""The tables of parts and tags."""

from decimal import Decimal

from sqlalchemy import CheckConstraint, Column, ForeignKey, Numeric, String, Table, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from my_service.core.errors import Conflict, Invalid
from my_service.db.base import Base, TimestampMixin, UUIDPrimaryKeyMixin


class SKUTaken(Conflict):
    code, message = "sku_taken", "Another part has this SKU."


class OutOfStock(Conflict):
    code, message = "out_of_stock", "There is not enough stock of this part."


class PriceNegative(Invalid):
    code, message = "price_negative", "The price must not be negative."


part_tags = Table(
    "part_tags",
    Base.metadata,
    Column("part_id", ForeignKey("parts.id", ondelete="CASCADE"), primary_key=True),
    Column("tag_id", ForeignKey("tags.id"), primary_key=True, index=True),
)


class Tag(UUIDPrimaryKeyMixin, Base):
    """A tag of parts, such as `28 inch`."""

    __tablename__ = "tags"
    __table_args__ = (UniqueConstraint("name"),)

    name: Mapped[str] = mapped_column(String(40))


class Part(UUIDPrimaryKeyMixin, TimestampMixin, Base):
    """A spare part."""

    __tablename__ = "parts"
    __table_args__ = (
        UniqueConstraint("sku", info={"error": SKUTaken}),
        CheckConstraint("stock >= 0", name="stock_not_negative", info={"error": OutOfStock}),
        CheckConstraint("price >= 0", name="price_not_negative", info={"error": PriceNegative}),
    )

    sku: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(200))
    price: Mapped[Decimal] = mapped_column(Numeric(10, 2))
    stock: Mapped[int] = mapped_column(default=0, server_default="0")

    tags: Mapped[list[Tag]] = relationship(
        secondary=part_tags, order_by=Tag.name, lazy="raise_on_sql"
    )
