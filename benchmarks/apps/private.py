"""Reads items, in services with users only for a user."""

from uuid import UUID

from fastapi import APIRouter
from my_service.api.dependencies import ReadSession
from my_service.api.pagination import PageOf, PageQuery
from my_service.db.models.item import Item
from my_service.db.pagination import Page
from my_service.schemas.item import ItemRead
from my_service.services import items

router = APIRouter(prefix="/private")


@router.get("", response_model=PageOf[ItemRead])
async def list_items(session: ReadSession, page: PageQuery) -> Page[Item]:
    return await items.list_items(session, limit=page.limit, cursor=page.cursor)


@router.get("/{item_id}", response_model=ItemRead)
async def get_item(session: ReadSession, item_id: UUID) -> Item:
    return await items.get_item(session, item_id)
