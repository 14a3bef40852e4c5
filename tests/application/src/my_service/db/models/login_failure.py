"""The table of failed attempts to sign in."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from my_service.db.base import Base, UUIDPrimaryKeyMixin


class LoginFailure(UUIDPrimaryKeyMixin, Base):
    """Somebody gave a wrong password for this name, which nobody need have."""

    __tablename__ = "login_failures"

    name: Mapped[str] = mapped_column(String(80), index=True)
    failed_at: Mapped[datetime] = mapped_column(index=True)
