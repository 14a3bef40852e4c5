"""Commands of the workshop: `uv run python -m my_service.cli --help`."""

import asyncio
import csv
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from pydantic import SecretStr

from my_service.core.custom.workshop import Role
from my_service.runtime import runtime
from my_service.schemas.part import PartCreate
from my_service.schemas.user import UserCreate
from my_service.services import parts, users


async def add_user(name: str, role: Role, password: str) -> None:
    """Create a user, such as the first manager."""
    async with runtime() as service, service.database.session() as session:
        new = UserCreate(name=name, role=role, password=SecretStr(password))
        await users.create_user(session, new)


async def import_parts(path: Path) -> int:
    """Create the parts of a CSV file in one transaction, and return their number."""
    with path.open(encoding="utf-8", newline="") as file:
        new = [PartCreate.model_validate(row) for row in csv.DictReader(file)]
    async with runtime() as service, service.database.session() as session:
        for part in new:
            await parts.create_part(session, part)
    return len(new)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; `add-user` reads the password from standard input."""
    parser = ArgumentParser(prog="my-service")
    commands = parser.add_subparsers(dest="command", required=True)
    add_user_parser = commands.add_parser("add-user")
    add_user_parser.add_argument("name")
    add_user_parser.add_argument("role", type=Role)
    commands.add_parser("import-parts").add_argument("path", type=Path)
    options = parser.parse_args(arguments)
    if options.command == "add-user":
        password = sys.stdin.readline().rstrip("\n")
        asyncio.run(add_user(options.name, options.role, password))
    else:
        sys.stdout.write(f"{asyncio.run(import_parts(options.path))} parts\n")


if __name__ == "__main__":
    main()
