"""The table of customers."""

from typing import TYPE_CHECKING

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from my_service.core.errors import Conflict
from my_service.db.base import Base, TimestampMixin, UUIDPrimaryKeyMixin

if TYPE_CHECKING:
    from my_service.db.models.bicycle import Bicycle


class EmailTaken(Conflict):
    code, message = "email_taken", "Another customer has this email address."


class Customer(UUIDPrimaryKeyMixin, TimestampMixin, Base):
    """A customer of the workshop."""

    __tablename__ = "customers"
    __table_args__ = (UniqueConstraint("email", info={"error": EmailTaken}),)

    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str] = mapped_column(String(254))
    phone: Mapped[str | None] = mapped_column(String(40))

    # The foreign key prevents deleting a customer with bicycles.
    bicycles: Mapped[list["Bicycle"]] = relationship(
        back_populates="customer", lazy="raise_on_sql", passive_deletes="all"
    )
