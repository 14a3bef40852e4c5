"""What can be done with bicycles."""

from asyncio import to_thread
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from my_service.core.errors import Invalid, NotFound
from my_service.core.settings import Settings
from my_service.db.models.bicycle import Bicycle
from my_service.db.pagination import Page, paginate
from my_service.db.session import AsyncReadSession
from my_service.schemas.bicycle import BicycleCreate
from my_service.services.customers import get_customer

LOADED = (joinedload(Bicycle.customer),)
# How files of the kinds that are taken begin.
PHOTOS = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n"}


class BicycleNotFound(NotFound):
    code, message = "bicycle_not_found", "There is no bicycle with this id."


class PhotoNotFound(NotFound):
    code, message = "photo_not_found", "There is no photo of this bicycle."


async def create_bicycle(session: AsyncSession, new: BicycleCreate, settings: Settings) -> Bicycle:
    """Store a new bicycle.

    Raises:
        Invalid: the workshop does not take its brand.
        CustomerNotFound: there is no such customer.
        IntegrityError: the number of its frame is known.
    """
    if settings.brands and new.brand not in settings.brands:
        raise Invalid("This brand is not repaired here.", pointer="/brand")
    customer = await get_customer(session, new.customer_id)
    bicycle = Bicycle(**new.model_dump(exclude={"customer_id"}), customer=customer)
    session.add(bicycle)
    await session.flush()
    return bicycle


async def list_bicycles(
    session: AsyncReadSession, *, customer_id: UUID | None, limit: int, cursor: str | None
) -> Page[Bicycle]:
    """One page of the bicycles of a customer, or of all."""
    matches = [Bicycle.customer_id == customer_id] if customer_id else []
    return await paginate(session, Bicycle, *matches, limit=limit, cursor=cursor, options=LOADED)


async def get_bicycle(session: AsyncReadSession, bicycle_id: UUID) -> Bicycle:
    """The bicycle with this id.

    Raises:
        BicycleNotFound: there is none.
    """
    bicycle = await session.get(Bicycle, bicycle_id, options=LOADED)
    if bicycle is None:
        raise BicycleNotFound
    return bicycle


async def scrap_bicycle(session: AsyncSession, bicycle_id: UUID) -> Bicycle:
    """Note that a bicycle is no more, so that its number is free."""
    bicycle = await get_bicycle(session, bicycle_id)
    bicycle.scrapped_at = datetime.now(UTC)
    await session.flush()
    return bicycle


async def keep_photo(
    session: AsyncSession, bicycle_id: UUID, content: bytes, settings: Settings
) -> Bicycle:
    """Replace the photo of a bicycle.

    Raises:
        BicycleNotFound: there is no such bicycle.
        Invalid: it is no photo.
    """
    bicycle = await get_bicycle(session, bicycle_id)
    kinds = [kind for kind, start in PHOTOS.items() if content.startswith(start)]
    if not kinds:
        raise Invalid("This is neither a JPEG nor a PNG.", pointer="/photo")
    bicycle.photo_type = kinds[0]
    await session.flush()
    await to_thread(_write, settings.photo_folder / bicycle.id.hex, content)
    return bicycle


async def find_photo(
    session: AsyncReadSession, bicycle_id: UUID, settings: Settings
) -> tuple[Path, str]:
    """The file of a photo and its type.

    Raises:
        PhotoNotFound: there is none.
    """
    bicycle = await get_bicycle(session, bicycle_id)
    if bicycle.photo_type is None:
        raise PhotoNotFound
    return settings.photo_folder / bicycle.id.hex, bicycle.photo_type


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
