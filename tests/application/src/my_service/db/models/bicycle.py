"""The table of bicycles."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from my_service.core.errors import Conflict
from my_service.db.base import Base, TimestampMixin, UUIDPrimaryKeyMixin

if TYPE_CHECKING:
    from my_service.db.models.customer import Customer
    from my_service.db.models.order import Order

IN_USE = text("scrapped_at IS NULL")


class FrameNumberTaken(Conflict):
    code, message = "frame_number_taken", "Another bicycle has this frame number."


class Bicycle(UUIDPrimaryKeyMixin, TimestampMixin, Base):
    """A bicycle of a customer. Frame numbers are unique among bicycles that are not scrapped."""

    __tablename__ = "bicycles"
    __table_args__ = (
        Index(
            "uq_bicycles_frame_number",
            "frame_number",
            unique=True,
            sqlite_where=IN_USE,
            postgresql_where=IN_USE,
            info={"error": FrameNumberTaken},
        ),
    )

    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"), index=True)
    brand: Mapped[str] = mapped_column(String(80))
    frame_number: Mapped[str | None] = mapped_column(String(40))
    equipment: Mapped[dict[str, Any]] = mapped_column(
        JSON().with_variant(JSONB(), "postgresql"), server_default=text("'{}'")
    )
    photo_type: Mapped[str | None] = mapped_column(String(40))
    scrapped_at: Mapped[datetime | None]

    customer: Mapped["Customer"] = relationship(back_populates="bicycles", lazy="raise_on_sql")
    orders: Mapped[list["Order"]] = relationship(
        back_populates="bicycle", lazy="raise_on_sql", passive_deletes="all"
    )
