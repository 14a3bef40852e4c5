"""Endpoints for parts."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response, status

from my_service.api.custom.dependencies import Supplier
from my_service.api.custom.security import CurrentManager, CurrentMechanic, CurrentUser
from my_service.api.dependencies import ReadSession, Session
from my_service.api.pagination import PageOf, PageParameters
from my_service.core.types import Text
from my_service.db.models.part import Part
from my_service.db.pagination import Page
from my_service.schemas.part import Offer, PartCreate, PartRead, PartUpdate, StockChange
from my_service.services import parts

router = APIRouter(prefix="/parts", tags=["parts"])


class PartParameters(PageParameters):
    """The filter and page of a list of parts."""

    tag: Text | None = None


@router.post("", status_code=status.HTTP_201_CREATED, response_model=PartRead)
async def create_part(
    manager: CurrentManager, session: Session, new: PartCreate, request: Request, response: Response
) -> Part:
    """Create a part."""
    part = await parts.create_part(session, new)
    response.headers["Location"] = f"{request.url.path}/{part.id}"
    return part


@router.get("", response_model=PageOf[PartRead])
async def list_parts(
    user: CurrentUser, session: ReadSession, page: Annotated[PartParameters, Query()]
) -> Page[Part]:
    """List parts, optionally with a tag."""
    return await parts.list_parts(session, tag=page.tag, limit=page.limit, cursor=page.cursor)


@router.get("/{part_id}", response_model=PartRead)
async def get_part(user: CurrentUser, session: ReadSession, part_id: UUID) -> Part:
    """Get a part."""
    return await parts.get_part(session, part_id)


@router.patch("/{part_id}", response_model=PartRead)
async def update_part(
    manager: CurrentManager, session: Session, part_id: UUID, changes: PartUpdate
) -> Part:
    """Change some fields of a part."""
    return await parts.update_part(session, part_id, changes)


@router.post("/{part_id}/stock", response_model=PartRead)
async def change_stock(
    mechanic: CurrentMechanic, session: Session, part_id: UUID, change: StockChange
) -> Part:
    """Add to the stock, or take from it."""
    return await parts.change_stock(session, part_id, change.by)


@router.get("/{part_id}/offer")
async def get_offer(
    manager: CurrentManager, session: ReadSession, supplier: Supplier, part_id: UUID
) -> Offer:
    """Get the supplier's offer for a part."""
    return await parts.request_offer(supplier, await parts.get_part(session, part_id))
