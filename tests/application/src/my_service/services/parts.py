"""Operations on parts and their stock."""

from collections.abc import Sequence
from uuid import UUID

from httpx2 import AsyncClient, HTTPError
from pydantic import ValidationError
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from my_service.core.errors import NotFound, ServiceError
from my_service.db.models.part import Part, Tag
from my_service.db.pagination import Page, paginate
from my_service.db.session import AsyncReadSession
from my_service.schemas.part import Offer, PartCreate, PartUpdate

EAGER_LOADING = (selectinload(Part.tags),)


class PartNotFound(NotFound):
    code, message = "part_not_found", "There is no part with this id."


class SupplierFailed(ServiceError):
    status, code, message = 502, "supplier_failed", "The supplier did not return a valid offer."


async def create_part(session: AsyncSession, new: PartCreate) -> Part:
    """Create a part.

    Raises:
        IntegrityError: another part has this SKU.
    """
    tags = await find_tags(session, new.tags)
    part = Part(**new.model_dump(exclude={"tags"}), tags=tags)
    session.add(part)
    await session.flush()
    return part


async def list_parts(
    session: AsyncReadSession, *, tag: str | None, limit: int, cursor: str | None
) -> Page[Part]:
    """A page of parts, optionally with a tag."""
    filters = [Part.tags.any(Tag.name == tag)] if tag else []
    return await paginate(
        session, Part, *filters, limit=limit, cursor=cursor, options=EAGER_LOADING
    )


async def get_part(session: AsyncReadSession, part_id: UUID) -> Part:
    """Get a part with its tags.

    Raises:
        PartNotFound: it does not exist.
    """
    part = await session.get(Part, part_id, options=EAGER_LOADING)
    if part is None:
        raise PartNotFound
    return part


async def update_part(session: AsyncSession, part_id: UUID, changes: PartUpdate) -> Part:
    """Change some fields of a part."""
    part = await get_part(session, part_id)
    fields = changes.model_dump()
    if "tags" in fields:
        part.tags = await find_tags(session, fields.pop("tags"))
    for field, value in fields.items():
        setattr(part, field, value)
    await session.flush()
    return part


async def change_stock(session: AsyncSession, part_id: UUID, by: int) -> Part:
    """Change the stock by a number; safe with concurrent requests.

    Raises:
        IntegrityError: the stock is too low.
        PartNotFound: the part does not exist.
    """
    statement = update(Part).where(Part.id == part_id).values(stock=Part.stock + by)
    await session.execute(statement)
    part = await get_part(session, part_id)
    await session.refresh(part, ["stock"])
    return part


async def find_tags(session: AsyncSession, names: Sequence[str]) -> list[Tag]:
    """The tags with these names; missing ones are created."""
    unique = {*names}
    existing = [*await session.scalars(select(Tag).where(Tag.name.in_(unique)))]
    new = [Tag(name=name) for name in unique.difference(tag.name for tag in existing)]
    session.add_all(new)
    return sorted([*existing, *new], key=lambda tag: tag.name)


async def request_offer(client: AsyncClient, part: Part) -> Offer:
    """Request the supplier's offer for a part.

    Raises:
        SupplierFailed: the supplier is unreachable, or its response is invalid.
    """
    try:
        response = await client.get(f"offers/{part.sku}")
        response.raise_for_status()
        return Offer.model_validate_json(response.content)
    except (HTTPError, ValidationError) as error:
        raise SupplierFailed from error
