"""Operations on bicycles and their photos."""

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

EAGER_LOADING = (joinedload(Bicycle.customer),)
# The accepted media types, with the signatures of their files.
SIGNATURES = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n"}


class BicycleNotFound(NotFound):
    code, message = "bicycle_not_found", "There is no bicycle with this id."


class PhotoNotFound(NotFound):
    code, message = "photo_not_found", "This bicycle has no photo."


async def create_bicycle(session: AsyncSession, new: BicycleCreate, settings: Settings) -> Bicycle:
    """Create a bicycle.

    Raises:
        Invalid: the workshop does not repair its brand.
        CustomerNotFound: the customer does not exist.
        IntegrityError: another bicycle has its frame number.
    """
    if settings.brands and new.brand not in settings.brands:
        raise Invalid("The workshop does not repair this brand.", pointer="/brand")
    customer = await get_customer(session, new.customer_id)
    bicycle = Bicycle(**new.model_dump(exclude={"customer_id"}), customer=customer)
    session.add(bicycle)
    await session.flush()
    return bicycle


async def list_bicycles(
    session: AsyncReadSession, *, customer_id: UUID | None, limit: int, cursor: str | None
) -> Page[Bicycle]:
    """A page of bicycles, optionally of one customer."""
    filters = [Bicycle.customer_id == customer_id] if customer_id else []
    return await paginate(
        session, Bicycle, *filters, limit=limit, cursor=cursor, options=EAGER_LOADING
    )


async def get_bicycle(session: AsyncReadSession, bicycle_id: UUID) -> Bicycle:
    """Get a bicycle with its customer.

    Raises:
        BicycleNotFound: it does not exist.
    """
    bicycle = await session.get(Bicycle, bicycle_id, options=EAGER_LOADING)
    if bicycle is None:
        raise BicycleNotFound
    return bicycle


async def scrap_bicycle(session: AsyncSession, bicycle_id: UUID) -> Bicycle:
    """Mark a bicycle as scrapped, so that another one may have its frame number."""
    bicycle = await get_bicycle(session, bicycle_id)
    bicycle.scrapped_at = datetime.now(UTC)
    await session.flush()
    return bicycle


async def save_photo(
    session: AsyncSession, bicycle_id: UUID, content: bytes, settings: Settings
) -> Bicycle:
    """Replace the photo of a bicycle.

    Raises:
        BicycleNotFound: the bicycle does not exist.
        Invalid: the file is not a JPEG or PNG image.
    """
    bicycle = await get_bicycle(session, bicycle_id)
    types = [name for name, signature in SIGNATURES.items() if content.startswith(signature)]
    if not types:
        raise Invalid("Not a JPEG or PNG image.", pointer="/photo")
    bicycle.photo_type = types[0]
    await session.flush()
    await to_thread(_write, settings.photo_folder / bicycle.id.hex, content)
    return bicycle


async def find_photo(
    session: AsyncReadSession, bicycle_id: UUID, settings: Settings
) -> tuple[Path, str]:
    """The path of a photo and its media type.

    Raises:
        BicycleNotFound: the bicycle does not exist.
        PhotoNotFound: it has no photo.
    """
    bicycle = await get_bicycle(session, bicycle_id)
    if bicycle.photo_type is None:
        raise PhotoNotFound
    return settings.photo_folder / bicycle.id.hex, bicycle.photo_type


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
