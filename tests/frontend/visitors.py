"""A router of the team with cookies and a crash, for tests in a browser."""

from typing import Annotated, Literal

from fastapi import APIRouter, Cookie, Response
from pydantic import BaseModel

router = APIRouter(prefix="/visitors", tags=["visitors"])


class Visitor(BaseModel):
    """The visitor of the cookie."""

    visitor: str | None


@router.post("", status_code=204)
async def welcome_visitor(response: Response, same_site: Literal["lax", "none"] = "lax") -> None:
    """Set the cookie."""
    response.set_cookie("visitor", "somebody", httponly=True, samesite=same_site)
    if same_site == "none":
        # `set_cookie(partitioned=True)` requires Python 3.14.
        response.headers["Set-Cookie"] += "; Secure; Partitioned"


@router.get("/me", response_model=Visitor)
async def greet_visitor(visitor: Annotated[str | None, Cookie()] = None) -> Visitor:
    """Return the visitor."""
    return Visitor(visitor=visitor)


@router.get("/crash")
async def crash() -> None:
    """Raise an unexpected exception."""
    raise RuntimeError("the secret of the log")
