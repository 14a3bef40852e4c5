"""Endpoints for bicycles and their photos."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response, UploadFile, status
from fastapi.responses import FileResponse

from my_service.api.custom.dependencies import CurrentSettings
from my_service.api.custom.security import CurrentUser
from my_service.api.dependencies import ReadSession, Session
from my_service.api.pagination import PageOf, PageParameters
from my_service.db.models.bicycle import Bicycle
from my_service.db.pagination import Page
from my_service.schemas.bicycle import BicycleCreate, BicycleRead
from my_service.services import bicycles

router = APIRouter(prefix="/bicycles", tags=["bicycles"])

PHOTO_SIZE = 2_000_000


class BicycleParameters(PageParameters):
    """The filter and page of a list of bicycles."""

    customer_id: UUID | None = None


@router.post("", status_code=status.HTTP_201_CREATED, response_model=BicycleRead)
async def create_bicycle(
    user: CurrentUser,
    session: Session,
    settings: CurrentSettings,
    new: BicycleCreate,
    request: Request,
    response: Response,
) -> Bicycle:
    """Create a bicycle."""
    bicycle = await bicycles.create_bicycle(session, new, settings)
    response.headers["Location"] = f"{request.url.path}/{bicycle.id}"
    return bicycle


@router.get("", response_model=PageOf[BicycleRead])
async def list_bicycles(
    user: CurrentUser, session: ReadSession, page: Annotated[BicycleParameters, Query()]
) -> Page[Bicycle]:
    """List bicycles, optionally of one customer."""
    return await bicycles.list_bicycles(
        session, customer_id=page.customer_id, limit=page.limit, cursor=page.cursor
    )


@router.get("/{bicycle_id}", response_model=BicycleRead)
async def get_bicycle(user: CurrentUser, session: ReadSession, bicycle_id: UUID) -> Bicycle:
    """Get a bicycle."""
    return await bicycles.get_bicycle(session, bicycle_id)


@router.post("/{bicycle_id}/scrap", response_model=BicycleRead)
async def scrap_bicycle(user: CurrentUser, session: Session, bicycle_id: UUID) -> Bicycle:
    """Mark a bicycle as scrapped."""
    return await bicycles.scrap_bicycle(session, bicycle_id)


@router.put("/{bicycle_id}/photo", response_model=BicycleRead, max_body_size=PHOTO_SIZE)
async def upload_photo(
    user: CurrentUser,
    session: Session,
    settings: CurrentSettings,
    bicycle_id: UUID,
    photo: UploadFile,
) -> Bicycle:
    """Replace the photo."""
    return await bicycles.save_photo(session, bicycle_id, await photo.read(), settings)


@router.get("/{bicycle_id}/photo", response_class=FileResponse)
async def download_photo(
    user: CurrentUser, session: ReadSession, settings: CurrentSettings, bicycle_id: UUID
) -> FileResponse:
    """Download the photo, or a range of it."""
    path, media_type = await bicycles.find_photo(session, bicycle_id, settings)
    return FileResponse(path, media_type=media_type, filename=f"{bicycle_id}")
