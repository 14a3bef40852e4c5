"""The endpoint to sign in."""

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
    """Create a token from a name and password; too many failures block the name for a while."""
    try:
        user = await users.authenticate(session, credentials)
    except users.WrongCredentials:
        # The transaction of a failed request is rolled back, so record it in another one.
        async with database.session() as own:
            await users.record_failure(own, credentials.name)
        raise
    return Token(
        access_token=tokens.create_token(user.id, settings), expires_in=settings.token_lifetime
    )
