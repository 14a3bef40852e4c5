"""Signing in over HTTP."""

from fastapi import APIRouter

from my_service.api.custom.dependencies import CurrentDatabase, CurrentSettings
from my_service.api.dependencies import ReadSession
from my_service.schemas.user import Credentials, Token
from my_service.services import tokens, users

router = APIRouter(prefix="/tokens", tags=["users"])


@router.post("")
async def create_token(
    session: ReadSession,
    database: CurrentDatabase,
    settings: CurrentSettings,
    credentials: Credentials,
) -> Token:
    """Sign in; too many wrong passwords close the door for a while."""
    try:
        user = await users.authenticate(session, credentials)
    except users.WrongCredentials:
        # The transaction of a request that fails is rolled back; this has to stay.
        async with database.session() as own:
            await users.note_failure(own, credentials.name)
        raise
    return Token(access_token=tokens.sign(user.id, settings), expires_in=settings.token_lifetime)
