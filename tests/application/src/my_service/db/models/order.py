"""The tables of repair orders, their lines and their mechanics."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Numeric, String, Table, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from my_service.core.custom.workshop import OrderStatus
from my_service.core.errors import Conflict
from my_service.db.base import Base, TimestampMixin, UUIDPrimaryKeyMixin
from my_service.db.models.bicycle import Bicycle
from my_service.db.models.part import Part
from my_service.db.models.user import User

OPEN = text("status NOT IN ('collected', 'cancelled')")


class BicycleInRepair(Conflict):
    code, message = "bicycle_in_repair", "This bicycle already has an open order."


order_mechanics = Table(
    "order_mechanics",
    Base.metadata,
    Column("order_id", ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", ForeignKey("users.id"), primary_key=True, index=True),
)


class OrderLine(Base):
    """A quantity of a part, with its price at the time."""

    __tablename__ = "order_lines"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"),)

    order_id: Mapped[UUID] = mapped_column(
        ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True
    )
    part_id: Mapped[UUID] = mapped_column(ForeignKey("parts.id"), primary_key=True, index=True)
    quantity: Mapped[int]
    unit_price: Mapped[Decimal] = mapped_column(Numeric(10, 2))

    part: Mapped[Part] = relationship(lazy="raise_on_sql")


class Order(UUIDPrimaryKeyMixin, TimestampMixin, Base):
    """A repair order for a bicycle; `version` counts its changes."""

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint("estimate >= 0", name="estimate_not_negative"),
        Index(
            "uq_orders_bicycle_id_open",
            "bicycle_id",
            unique=True,
            sqlite_where=OPEN,
            postgresql_where=OPEN,
            info={"error": BicycleInRepair},
        ),
    )

    bicycle_id: Mapped[UUID] = mapped_column(ForeignKey("bicycles.id"), index=True)
    status: Mapped[OrderStatus] = mapped_column(default=OrderStatus.RECEIVED)
    complaint: Mapped[str] = mapped_column(String(2000))
    estimate: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
    promised_for: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(server_default="1")

    bicycle: Mapped[Bicycle] = relationship(back_populates="orders", lazy="raise_on_sql")
    lines: Mapped[list[OrderLine]] = relationship(
        lazy="raise_on_sql", cascade="all, delete-orphan", passive_deletes=True
    )
    mechanics: Mapped[list[User]] = relationship(
        secondary=order_mechanics, order_by=User.name, lazy="raise_on_sql"
    )

    __mapper_args__: Mapping[str, Any] = {**Base.__mapper_args__, "version_id_col": version}

    @property
    def total(self) -> Decimal:
        """The sum of the lines."""
        return sum((line.quantity * line.unit_price for line in self.lines), Decimal(0))
