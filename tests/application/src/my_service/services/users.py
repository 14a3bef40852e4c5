"""Operations on users, and authentication by password."""

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
from my_service.services.passwords import hash_password, verify_password

ATTEMPTS = 5
WINDOW = timedelta(minutes=15)


class UserNotFound(NotFound):
    code, message = "user_not_found", "There is no user with this id."


class WrongCredentials(Unauthorized):
    code, message = "wrong_credentials", "The name or password is wrong."


class TooManyAttempts(TooManyRequests):
    code, message = "too_many_attempts", "Too many wrong passwords; try again later."
    headers: Mapping[str, str] = {"Retry-After": str(int(WINDOW.total_seconds()))}


async def create_user(session: AsyncSession, new: UserCreate) -> User:
    """Create a user.

    Raises:
        IntegrityError: another user has this name.
    """
    password_hash = await hash_password(new.password.get_secret_value())
    user = User(name=new.name, role=new.role, password_hash=password_hash)
    session.add(user)
    await session.flush()
    return user


async def list_users(session: AsyncReadSession, *, limit: int, cursor: str | None) -> Page[User]:
    """A page of users."""
    return await paginate(session, User, limit=limit, cursor=cursor)


async def get_user(session: AsyncReadSession, user_id: UUID) -> User:
    """Get a user.

    Raises:
        UserNotFound: it does not exist.
    """
    user = await session.get(User, user_id)
    if user is None:
        raise UserNotFound
    return user


async def update_user(session: AsyncSession, user_id: UUID, changes: UserUpdate) -> User:
    """Change the role of a user, or deactivate the user."""
    user = await get_user(session, user_id)
    for field, value in changes.model_dump().items():
        setattr(user, field, value)
    await session.flush()
    return user


async def authenticate(session: AsyncReadSession, credentials: Credentials) -> User:
    """Get the active user with this name and password.

    Raises:
        TooManyAttempts: there were too many failures for this name.
        WrongCredentials: there is no such user.
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
    # Take as long for an unknown name, so that the time does not reveal which names exist.
    password_hash = user.password_hash if user else await hash_password("")
    if user is None or not await verify_password(password, password_hash):
        raise WrongCredentials
    return user


async def record_failure(session: AsyncSession, name: str) -> None:
    """Record a failed login."""
    session.add(LoginFailure(name=name.lower(), failed_at=datetime.now(UTC)))


async def delete_old_failures(session: AsyncSession) -> None:
    """Delete failures that no longer count."""
    before = datetime.now(UTC) - WINDOW
    await session.execute(delete(LoginFailure).where(LoginFailure.failed_at < before))


def has_role(user: User, *roles: Role) -> bool:
    """Whether a user has one of these roles; a manager has all of them."""
    return user.role is Role.MANAGER or user.role in roles
