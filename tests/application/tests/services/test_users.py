import pytest
from pydantic import SecretStr
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from my_service.core.custom.workshop import Role
from my_service.core.settings import Settings
from my_service.schemas.user import Credentials
from my_service.services import passwords, tokens, users

from tests.conftest import PASSWORD, add_user


async def test_passwords_are_stored_as_hashes(session: AsyncSession) -> None:
    user = await add_user(session, Role.APPRENTICE, "Grace")

    assert PASSWORD not in user.password_hash
    assert await passwords.verify_password(PASSWORD, user.password_hash)
    assert not await passwords.verify_password("another", user.password_hash)


async def test_user_names_are_unique_regardless_of_case(session: AsyncSession) -> None:
    await add_user(session, Role.APPRENTICE, "Grace")

    with pytest.raises(IntegrityError):
        await add_user(session, Role.MECHANIC, "GRACE")


async def test_a_wrong_password_is_refused(session: AsyncSession) -> None:
    await add_user(session, Role.APPRENTICE, "Grace")

    with pytest.raises(users.WrongCredentials):
        await users.authenticate(session, Credentials(name="Grace", password=SecretStr("no")))


async def test_a_token_with_another_secret_is_refused(
    session: AsyncSession, settings: Settings
) -> None:
    user = await add_user(session, Role.APPRENTICE)
    other = settings.model_copy(update={"jwt_secret": SecretStr("x" * 32)})

    with pytest.raises(tokens.TokenInvalid):
        tokens.verify_token(tokens.create_token(user.id, other), settings)
