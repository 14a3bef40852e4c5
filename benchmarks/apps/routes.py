"""Routes without a database, as a team adds them to the service."""

from fastapi import APIRouter

router = APIRouter()


@router.get("/ping")
async def ping() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/broken")
async def broken() -> dict[str, str]:
    raise RuntimeError("broken")
