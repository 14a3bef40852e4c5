"""Authentication and authorization."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from my_service.api.custom.dependencies import CurrentSettings
from my_service.api.dependencies import ReadSession
from my_service.core.custom.workshop import Role
from my_service.core.errors import Forbidden, Unauthorized
from my_service.db.models.user import User
from my_service.db.session import AsyncReadSession
from my_service.services import tokens, users

bearer = HTTPBearer(auto_error=False)


async def authenticate_token(
    session: AsyncReadSession, token: str, settings: CurrentSettings
) -> User:
    """The user of a token.

    Raises:
        TokenInvalid: the token is invalid, or its user is unknown or inactive.
    """
    try:
        user = await users.get_user(session, tokens.verify_token(token, settings))
    except users.UserNotFound as error:
        raise tokens.TokenInvalid from error
    if not user.is_active:
        raise tokens.TokenInvalid
    return user


async def get_current_user(
    session: ReadSession,
    settings: CurrentSettings,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> User:
    """The user of the request."""
    if credentials is None:
        raise Unauthorized
    return await authenticate_token(session, credentials.credentials, settings)


CurrentUser = Annotated[User, Depends(get_current_user)]


def require(*roles: Role) -> Callable[[User], Awaitable[User]]:
    """Create a dependency that requires one of these roles, or a manager."""

    async def check(user: CurrentUser) -> User:
        if not users.has_role(user, *roles):
            raise Forbidden
        return user

    return check


CurrentMechanic = Annotated[User, Depends(require(Role.MECHANIC))]
CurrentManager = Annotated[User, Depends(require())]
