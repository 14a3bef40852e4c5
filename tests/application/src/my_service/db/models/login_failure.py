"""The table of failed logins."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from my_service.db.base import Base, UUIDPrimaryKeyMixin


class LoginFailure(UUIDPrimaryKeyMixin, Base):
    """A failed login for a name, which may not exist."""

    __tablename__ = "login_failures"

    name: Mapped[str] = mapped_column(String(80), index=True)
    failed_at: Mapped[datetime] = mapped_column(index=True)
