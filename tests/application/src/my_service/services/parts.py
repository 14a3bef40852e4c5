"""What can be done with parts."""

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

LOADED = (selectinload(Part.tags),)


class PartNotFound(NotFound):
    code, message = "part_not_found", "There is no part with this id."


class SupplierFailed(ServiceError):
    status, code, message = 502, "supplier_failed", "The supplier gave no offer."


async def create_part(session: AsyncSession, new: PartCreate) -> Part:
    """Store a new part.

    Raises:
        IntegrityError: its number is taken.
    """
    tags = await find_tags(session, new.tags)
    part = Part(**new.model_dump(exclude={"tags"}), tags=tags)
    session.add(part)
    await session.flush()
    return part


async def list_parts(
    session: AsyncReadSession, *, tag: str | None, limit: int, cursor: str | None
) -> Page[Part]:
    """One page of the parts with a tag, or of all."""
    matches = [Part.tags.any(Tag.name == tag)] if tag else []
    return await paginate(session, Part, *matches, limit=limit, cursor=cursor, options=LOADED)


async def get_part(session: AsyncReadSession, part_id: UUID) -> Part:
    """The part with this id.

    Raises:
        PartNotFound: there is none.
    """
    part = await session.get(Part, part_id, options=LOADED)
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
    """Take from stock or put there, however many do so at once.

    Raises:
        IntegrityError: there are not so many.
        PartNotFound: there is no such part.
    """
    changed = update(Part).where(Part.id == part_id).values(stock=Part.stock + by)
    await session.execute(changed)
    part = await get_part(session, part_id)
    await session.refresh(part, ["stock"])
    return part


async def find_tags(session: AsyncSession, names: Sequence[str]) -> list[Tag]:
    """The tags of these names, made where there are none."""
    wanted = {*names}
    known = [*await session.scalars(select(Tag).where(Tag.name.in_(wanted)))]
    new = [Tag(name=name) for name in wanted.difference(tag.name for tag in known)]
    session.add_all(new)
    return sorted([*known, *new], key=lambda tag: tag.name)


async def ask_supplier(client: AsyncClient, part: Part) -> Offer:
    """What the supplier asks for a part.

    Raises:
        SupplierFailed: it cannot be reached, or says what nobody understands.
    """
    try:
        response = await client.get(f"offers/{part.sku}")
        response.raise_for_status()
        return Offer.model_validate_json(response.content)
    except (HTTPError, ValidationError) as error:
        raise SupplierFailed from error
