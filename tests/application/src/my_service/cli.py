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
    """Let somebody in, such as the first manager."""
    async with runtime() as service, service.database.session() as session:
        new = UserCreate(name=name, role=role, password=SecretStr(password))
        await users.create_user(session, new)


async def import_parts(path: Path) -> int:
    """Store the parts of a table, all or none; returns how many there are."""
    with path.open(encoding="utf-8", newline="") as file:
        new = [PartCreate.model_validate(row) for row in csv.DictReader(file)]
    async with runtime() as service, service.database.session() as session:
        for part in new:
            await parts.create_part(session, part)
    return len(new)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; the password of somebody new is a line of standard input."""
    parser = ArgumentParser(prog="my-service")
    commands = parser.add_subparsers(dest="command", required=True)
    adding = commands.add_parser("add-user")
    adding.add_argument("name")
    adding.add_argument("role", type=Role)
    commands.add_parser("import-parts").add_argument("path", type=Path)
    given = parser.parse_args(arguments)
    if given.command == "add-user":
        password = sys.stdin.readline().rstrip("\n")
        asyncio.run(add_user(given.name, given.role, password))
    else:
        sys.stdout.write(f"{asyncio.run(import_parts(given.path))} parts\n")


if __name__ == "__main__":
    main()
