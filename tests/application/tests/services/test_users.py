import pytest
from pydantic import SecretStr
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from my_service.core.custom.workshop import Role
from my_service.core.settings import Settings
from my_service.schemas.user import Credentials
from my_service.services import passwords, tokens, users

from tests.conftest import PASSWORD, add_user


async def test_a_password_is_not_kept(session: AsyncSession) -> None:
    user = await add_user(session, Role.APPRENTICE, "Grace")

    assert PASSWORD not in user.password_hash
    assert await passwords.is_password(PASSWORD, user.password_hash)
    assert not await passwords.is_password("another", user.password_hash)


async def test_two_names_that_differ_in_case_alone_are_one(session: AsyncSession) -> None:
    await add_user(session, Role.APPRENTICE, "Grace")

    with pytest.raises(IntegrityError):
        await add_user(session, Role.MECHANIC, "GRACE")


async def test_nobody_signs_in_with_anothers_password(session: AsyncSession) -> None:
    await add_user(session, Role.APPRENTICE, "Grace")

    with pytest.raises(users.WrongCredentials):
        await users.authenticate(session, Credentials(name="Grace", password=SecretStr("no")))


async def test_another_service_signs_no_token(session: AsyncSession, settings: Settings) -> None:
    user = await add_user(session, Role.APPRENTICE)
    other = settings.model_copy(update={"jwt_secret": SecretStr("x" * 32)})

    with pytest.raises(tokens.TokenInvalid):
        tokens.read(tokens.sign(user.id, other), settings)
