"""Routes without a database, added to the service like a team's."""

from fastapi import APIRouter

router = APIRouter()


@router.get("/ping")
async def ping() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/broken")
async def broken() -> dict[str, str]:
    raise RuntimeError("broken")
