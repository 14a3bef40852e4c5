"""The table of idempotency keys."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from my_service.core.errors import Conflict
from my_service.db.base import Base, UUIDPrimaryKeyMixin


class RequestInProgress(Conflict):
    code, message = "request_in_progress", "A request with this key is in progress."


class IdempotencyKey(UUIDPrimaryKeyMixin, Base):
    """The resource that a request with an idempotency key has created."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (UniqueConstraint("user_id", "key", info={"error": RequestInProgress}),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(64))
    fingerprint: Mapped[str] = mapped_column(String(64))
    resource_id: Mapped[UUID]
    expires_at: Mapped[datetime] = mapped_column(index=True)
