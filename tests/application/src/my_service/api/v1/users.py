"""Endpoints for users."""

from uuid import UUID

from fastapi import APIRouter, Request, Response, status

from my_service.api.custom.security import CurrentManager, CurrentUser
from my_service.api.dependencies import ReadSession, Session
from my_service.api.pagination import PageOf, PageQuery
from my_service.db.models.user import User
from my_service.db.pagination import Page
from my_service.schemas.user import UserCreate, UserRead, UserUpdate
from my_service.services import users

router = APIRouter(prefix="/users", tags=["users"])


@router.post("", status_code=status.HTTP_201_CREATED, response_model=UserRead)
async def create_user(
    manager: CurrentManager, session: Session, new: UserCreate, request: Request, response: Response
) -> User:
    """Create a user."""
    user = await users.create_user(session, new)
    response.headers["Location"] = f"{request.url.path}/{user.id}"
    return user


@router.get("", response_model=PageOf[UserRead])
async def list_users(manager: CurrentManager, session: ReadSession, page: PageQuery) -> Page[User]:
    """List users."""
    return await users.list_users(session, limit=page.limit, cursor=page.cursor)


@router.get("/me", response_model=UserRead)
async def get_me(user: CurrentUser) -> User:
    """Get the user of the request."""
    return user


@router.get("/{user_id}", response_model=UserRead)
async def get_user(user: CurrentUser, session: ReadSession, user_id: UUID) -> User:
    """Get a user."""
    return await users.get_user(session, user_id)


@router.patch("/{user_id}", response_model=UserRead)
async def update_user(
    manager: CurrentManager, session: Session, user_id: UUID, changes: UserUpdate
) -> User:
    """Change the role of a user, or deactivate the user."""
    return await users.update_user(session, user_id, changes)
