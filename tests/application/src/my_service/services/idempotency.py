"""Requests that a client may send again without their being carried out again.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

import hashlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from my_service.core.errors import Invalid
from my_service.db.models.idempotency_key import IdempotencyKey

LIFETIME = timedelta(days=1)


class KeyReused(Invalid):
    code, message = "idempotency_key_reused", "This key came with another request before."


def fingerprint(body: BaseModel) -> str:
    """What two requests have in common that are the same."""
    return hashlib.sha256(body.model_dump_json().encode()).hexdigest()


async def find(session: AsyncSession, user_id: UUID, key: str, body: BaseModel) -> UUID | None:
    """What the same request made before, or None where it is the first.

    Raises:
        KeyReused: it is not the same.
    """
    known = await session.scalar(
        select(IdempotencyKey).where(IdempotencyKey.user_id == user_id, IdempotencyKey.key == key)
    )
    if known is None:
        return None
    if known.fingerprint != fingerprint(body):
        raise KeyReused
    return known.resource_id


async def remember(
    session: AsyncSession, user_id: UUID, key: str, body: BaseModel, made: UUID
) -> None:
    """Note what a request made.

    Raises:
        IntegrityError: another one with the same key is under way.
    """
    session.add(
        IdempotencyKey(
            user_id=user_id,
            key=key,
            fingerprint=fingerprint(body),
            resource_id=made,
            expires_at=datetime.now(UTC) + LIFETIME,
        )
    )
    await session.flush()


async def forget_expired(session: AsyncSession) -> None:
    """Remove the keys whose time is over."""
    await session.execute(
        delete(IdempotencyKey).where(IdempotencyKey.expires_at < datetime.now(UTC))
    )
