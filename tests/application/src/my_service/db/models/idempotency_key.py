"""The table of requests that must not be carried out twice."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from my_service.core.errors import Conflict
from my_service.db.base import Base, UUIDPrimaryKeyMixin


class RequestInProgress(Conflict):
    code, message = "request_in_progress", "The same request is being carried out."


class IdempotencyKey(UUIDPrimaryKeyMixin, Base):
    """What a request made, which its client may send again."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (UniqueConstraint("user_id", "key", info={"error": RequestInProgress}),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(64))
    fingerprint: Mapped[str] = mapped_column(String(64))
    resource_id: Mapped[UUID]
    expires_at: Mapped[datetime] = mapped_column(index=True)
