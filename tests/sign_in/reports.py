"""A router of the team with a route for all users, and one for users with a scope."""

from fastapi import APIRouter
from my_service.api.authentication import CurrentUser, require

router = APIRouter(prefix="/reports", tags=["reports"])


@router.get("/mine", response_model=str)
async def read_mine(user: CurrentUser) -> str:
    """Return the ID of the user."""
    return str(user.id)


@router.get("/all", response_model=str, dependencies=[require("reports:read")])
async def read_all() -> str:
    """Return what only auditors may read."""
    return "all"
