"""What a team adds to the service, here to see what browsers do about it."""

from typing import Annotated, Literal

from fastapi import APIRouter, Cookie, Response
from pydantic import BaseModel

router = APIRouter(prefix="/visitors", tags=["visitors"])


class Visitor(BaseModel):
    """Whoever the cookie names."""

    visitor: str | None


@router.post("", status_code=204)
async def welcome_visitor(response: Response, same_site: Literal["lax", "none"] = "lax") -> None:
    """Give a cookie to a visitor."""
    response.set_cookie("visitor", "somebody", httponly=True, samesite=same_site)
    if same_site == "none":
        # From Python 3.14 on an argument of `set_cookie` says the last of these.
        response.headers["Set-Cookie"] += "; Secure; Partitioned"


@router.get("/me", response_model=Visitor)
async def greet_visitor(visitor: Annotated[str | None, Cookie()] = None) -> Visitor:
    """Say who is there."""
    return Visitor(visitor=visitor)


@router.get("/crash")
async def crash() -> None:
    """Fail as nobody has foreseen."""
    raise RuntimeError("the secret of the log")
