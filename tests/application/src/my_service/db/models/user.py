"""The table of users."""

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from my_service.core.custom.workshop import Role
from my_service.core.errors import Conflict
from my_service.db.base import Base, TimestampMixin, UUIDPrimaryKeyMixin


class UserNameTaken(Conflict):
    code, message = "user_name_taken", "Another user has this name; case does not matter."


class User(UUIDPrimaryKeyMixin, TimestampMixin, Base):
    """An employee who can sign in."""

    __tablename__ = "users"
    __table_args__ = (
        Index("uq_users_name", text("lower(name)"), unique=True, info={"error": UserNameTaken}),
    )

    name: Mapped[str] = mapped_column(String(80))
    password_hash: Mapped[str] = mapped_column(String(200))
    role: Mapped[Role]
    is_active: Mapped[bool] = mapped_column(default=True)
