"""Creates a user with all scopes in the database of a service, and prints the token of a session."""

import asyncio

from my_service.core.roles import Role
from my_service.db.models.user import User
from my_service.runtime import runtime
from my_service.services.authentication.sessions import create_session


async def main() -> None:
    async with runtime() as state, state.database.session() as session:
        user = User(email="ada@example.com", role=Role.ADMIN)
        session.add(user)
        await session.flush()
        print(await create_session(session, user.id, "benchmark", state.settings))


asyncio.run(main())
