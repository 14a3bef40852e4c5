"""What a team adds to the service, here to see what browsers do about it."""

from typing import Annotated

from fastapi import APIRouter, Cookie, Response
from pydantic import BaseModel

router = APIRouter(prefix="/visitors", tags=["visitors"])


class Visitor(BaseModel):
    """Whoever the cookie names."""

    visitor: str | None


@router.post("", status_code=204)
async def welcome_visitor(response: Response) -> None:
    """Give a cookie to a visitor."""
    response.set_cookie("visitor", "somebody", httponly=True, samesite="lax")


@router.get("/me", response_model=Visitor)
async def greet_visitor(visitor: Annotated[str | None, Cookie()] = None) -> Visitor:
    """Say who is there."""
    return Visitor(visitor=visitor)


@router.get("/crash")
async def crash() -> None:
    """Fail as nobody has foreseen."""
    raise RuntimeError("the secret of the log")
