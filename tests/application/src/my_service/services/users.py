"""Who works here, and how they sign in."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from my_service.core.custom.workshop import Role
from my_service.core.errors import NotFound, TooManyRequests, Unauthorized
from my_service.db.models.login_failure import LoginFailure
from my_service.db.models.user import User
from my_service.db.pagination import Page, paginate
from my_service.db.session import AsyncReadSession
from my_service.schemas.user import Credentials, UserCreate, UserUpdate
from my_service.services.passwords import hash_password, is_password

ATTEMPTS = 5
WINDOW = timedelta(minutes=15)


class UserNotFound(NotFound):
    code, message = "user_not_found", "Nobody here has this id."


class WrongCredentials(Unauthorized):
    code, message = "wrong_credentials", "The name or the password is wrong."


class TooManyAttempts(TooManyRequests):
    code, message = "too_many_attempts", "Too many wrong passwords; try again later."
    headers: Mapping[str, str] = {"Retry-After": str(int(WINDOW.total_seconds()))}


async def create_user(session: AsyncSession, new: UserCreate) -> User:
    """Let somebody in.

    Raises:
        IntegrityError: the name is taken.
    """
    hashed = await hash_password(new.password.get_secret_value())
    user = User(name=new.name, role=new.role, password_hash=hashed)
    session.add(user)
    await session.flush()
    return user


async def list_users(session: AsyncReadSession, *, limit: int, cursor: str | None) -> Page[User]:
    """One page of all who work here."""
    return await paginate(session, User, limit=limit, cursor=cursor)


async def get_user(session: AsyncReadSession, user_id: UUID) -> User:
    """Somebody by id.

    Raises:
        UserNotFound: there is nobody.
    """
    user = await session.get(User, user_id)
    if user is None:
        raise UserNotFound
    return user


async def update_user(session: AsyncSession, user_id: UUID, changes: UserUpdate) -> User:
    """Give somebody another role, or let nobody in by this name any more."""
    user = await get_user(session, user_id)
    for field, value in changes.model_dump().items():
        setattr(user, field, value)
    await session.flush()
    return user


async def authenticate(session: AsyncReadSession, credentials: Credentials) -> User:
    """Who has this name and this password.

    Raises:
        TooManyAttempts: there were too many wrong ones lately.
        WrongCredentials: nobody.
    """
    since = datetime.now(UTC) - WINDOW
    failures = select(func.count(LoginFailure.id)).where(
        LoginFailure.name == credentials.name.lower(), LoginFailure.failed_at > since
    )
    if (await session.scalar(failures) or 0) >= ATTEMPTS:
        raise TooManyAttempts
    user = await session.scalar(
        select(User).where(func.lower(User.name) == credentials.name.lower(), User.is_active)
    )
    password = credentials.password.get_secret_value()
    # Somebody who does not exist takes as long as somebody who does.
    stored = user.password_hash if user else await hash_password("")
    if user is None or not await is_password(password, stored):
        raise WrongCredentials
    return user


async def note_failure(session: AsyncSession, name: str) -> None:
    """Count a wrong password."""
    session.add(LoginFailure(name=name.lower(), failed_at=datetime.now(UTC)))


async def forget_failures(session: AsyncSession) -> None:
    """Remove what counts no more."""
    before = datetime.now(UTC) - WINDOW
    await session.execute(delete(LoginFailure).where(LoginFailure.failed_at < before))


def may(user: User, *roles: Role) -> bool:
    """Whether somebody has one of these roles; a manager has all of them."""
    return user.role is Role.MANAGER or user.role in roles
