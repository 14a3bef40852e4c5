"""Idempotency keys, with which clients can safely retry requests.

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
    code, message = "idempotency_key_reused", "This key was used for another request."


def fingerprint(body: BaseModel) -> str:
    """A hash that is the same for equal requests."""
    return hashlib.sha256(body.model_dump_json().encode()).hexdigest()


async def find_resource(
    session: AsyncSession, user_id: UUID, key: str, body: BaseModel
) -> UUID | None:
    """The resource that the same request has created; None for the first request.

    Raises:
        KeyReused: another request has used the key.
    """
    stored = await session.scalar(
        select(IdempotencyKey).where(IdempotencyKey.user_id == user_id, IdempotencyKey.key == key)
    )
    if stored is None:
        return None
    if stored.fingerprint != fingerprint(body):
        raise KeyReused
    return stored.resource_id


async def store_key(
    session: AsyncSession, user_id: UUID, key: str, body: BaseModel, resource_id: UUID
) -> None:
    """Store the key of a request, with the resource that it has created.

    Raises:
        IntegrityError: a concurrent request has the same key.
    """
    session.add(
        IdempotencyKey(
            user_id=user_id,
            key=key,
            fingerprint=fingerprint(body),
            resource_id=resource_id,
            expires_at=datetime.now(UTC) + LIFETIME,
        )
    )
    await session.flush()


async def delete_expired_keys(session: AsyncSession) -> None:
    """Delete expired keys."""
    await session.execute(
        delete(IdempotencyKey).where(IdempotencyKey.expires_at < datetime.now(UTC))
    )
