"""The results as Markdown."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cost import CONNECTIONS, RATE
from databases import psql
from harness import TEMPLATE, git
from operations import AUTHENTICATION_BARS, OPERATIONS, Operation

if TYPE_CHECKING:
    from sections import Bench

INTRODUCTION = """# What a service costs

`benchmarks/run.py` writes this file, and describes the method. Each section has its own date. Unlike
the plain application, a service has request IDs and trace context, an access log in JSON, security
headers, CORS, CSRF protection, a limit for request bodies, one format for all errors, read-only
sessions for reads, and requests that wait for a connection instead of failing.

- **defaults**, **everything**: services with the default answers, and with all features.
- **plain**: [an application](apps/plain.py) that follows the documentation of FastAPI and SQLAlchemy,
  with the same table, without an access log or with uvicorn's.
- **floor**: [Starlette and the driver](apps/floor.py) only, without validation.

CPU time is the user and system time of the server process per request, in microseconds, with 16
busy connections. Speed is the CPU time of the other application divided by that of the service with
the default answers: above 1, the service takes less. The target is in parentheses.

![CPU time of each operation](results.png)
"""
MEGABYTE = 1024 * 1024

Values = Mapping[str, Any]
# Relative to plain, to plain with its access log, and to the floor.
Bars = tuple[float | None, float | None, float | None]
SQLITE_BARS: Bars = (1.0, None, None)


def describe_run(bench: Bench) -> dict[str, str]:
    """The date, commit, machine and versions of a run."""
    processors = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    [server] = psql(bench.server.get_uri(), "SHOW server_version")
    libraries = [f"{name} {version}" for name, version in bench.versions.items()]
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "commit": git(TEMPLATE, "describe", "--always", "--dirty").strip(),
        "machine": f"{len(processors)} × {processors[0]}, Linux {platform.release()}",
        "versions": ", ".join([f"Python {bench.python}", f"PostgreSQL {server}", *libraries]),
        "rounds": f"{bench.rounds} rounds",
    }


def render(results: Mapping[str, Values]) -> str:
    """The report with all sections that have results."""
    sections = [render_section(name, results[name]) for name in SECTIONS if name in results]
    return "\n\n".join([INTRODUCTION.strip(), *sections]) + "\n"


def render_section(name: str, section: Values) -> str:
    """A section with the description of its run and its tables."""
    title, make = SECTIONS[name]
    run = ", ".join(str(value) for name, value in section.items() if name != "values")
    return "\n".join([f"## {title}", "", run, "", *make(section["values"])])


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> list[str]:
    """A Markdown table; all columns but the first are right-aligned."""
    cells = [[str(cell) for cell in row] for row in rows]
    titles = list(head)
    lines = [titles, ["---", *["--:"] * (len(titles) - 1)], *cells]
    return [f"| {' | '.join(line)} |" for line in lines]


def _with_bar(speed: float, bar: float | None) -> str:
    return f"{speed:.2f}" + (f" ({bar:.2f})" if bar else "")


def _bars(operation: Operation) -> Bars:
    return operation.bar, operation.bar_with_log, operation.floor_bar


def _operations(values: Values, bars_of: Callable[[Operation], Bars]) -> list[str]:
    head = ("operation", "floor", "plain", "plain with log", "defaults", "everything")
    speeds = ("vs. plain (target)", "vs. plain with log (target)", "vs. floor (target)")
    names = ("floor", "plain", "plain, access log", "defaults", "everything")
    rows = []
    latencies = []
    for operation in OPERATIONS:
        measured = values.get(operation.name)
        if measured is None:
            continue
        others = ("plain", "plain, access log", "floor")
        compared = zip(others, bars_of(operation), strict=True)
        rows.append(
            [
                operation.name,
                *(f"{measured[name]['cpu']:.0f}" if name in measured else "" for name in names),
                *(
                    _with_bar(measured[name]["speed"], bar) if name in measured else ""
                    for name, bar in compared
                ),
            ]
        )
        latencies.append(
            [
                operation.name,
                *(
                    "{throughput:.0f} · {p50:.1f} · {p99:.1f}".format(**measured[name])
                    if name in measured
                    else ""
                    for name in names
                ),
            ]
        )
    return [
        "CPU time, in microseconds, and speed:",
        "",
        *table((*head, *speeds), rows),
        "",
        f"Requests per second with {CONNECTIONS} busy connections, and p50 and p99 in milliseconds at",
        f"{RATE} requests per second. Other processes of the machine affect these:",
        "",
        *table(head, latencies),
    ]


def _pieces(values: Values) -> list[str]:
    names = list(next(iter(values.values())))
    return [
        "CPU time of services that differ from the defaults in one feature, relative to the defaults:",
        "",
        *table(
            ("", *values),
            (
                [name, *(f"{measured[name]['speed']:.2f}" for measured in values.values())]
                for name in names
            ),
        ),
    ]


def _authentication(values: Values) -> list[str]:
    names = ("defaults", *AUTHENTICATION_BARS)
    return [
        "CPU time of requests of a user, in microseconds, and relative to the same ones without users:",
        "",
        *table(
            ("", *names, *(f"{name} / defaults (target)" for name in AUTHENTICATION_BARS)),
            (
                [
                    operation,
                    *(f"{measured[name]['cpu']:.0f}" for name in names),
                    *(
                        _with_bar(measured[name]["speed"], bar)
                        for name, bar in AUTHENTICATION_BARS.items()
                    ),
                ]
                for operation, measured in values.items()
            ),
        ),
    ]


def _lifetime(values: Values) -> list[str]:
    plain, ours = values["plain"], values["defaults"]
    rows = (
        ("start to first response, s", "start", 1.0, 1.25),
        ("CPU time until then, s", "cpu", 1.0, None),
        ("memory at rest, MiB", "rest", MEGABYTE, 1.15),
        ("memory after 10,000 requests, MiB", "after", MEGABYTE, None),
    )
    return table(
        ("", "plain", "defaults", "defaults / plain (target)"),
        (
            [
                name,
                f"{plain[key] / unit:.2f}",
                f"{ours[key] / unit:.2f}",
                _with_bar(ours[key] / plain[key], bar),
            ]
            for name, key, unit, bar in rows
        ),
    )


def _tables(values: Values) -> list[str]:
    return [
        "The median latency of a page of 20 rows, in milliseconds, with sequential requests. The service",
        "uses keyset pagination, and plain uses offsets; they also differ in everything else they do:",
        "",
        *table(
            ("rows", "keyset, page 1", "page 1,000", "offset, page 1", "page 1,000"),
            (
                [
                    f"{int(rows):,}",
                    *(
                        measured[kind].get(page, "")
                        for kind in ("keyset", "offset")
                        for page in ("first", "deep")
                    ),
                ]
                for rows, measured in values.items()
            ),
        ),
    ]


def _keys(values: Values) -> list[str]:
    rows = (
        ("insert time, s", "seconds", 1),
        ("index, MiB", "index", MEGABYTE),
        ("buffers of the 20 newest rows, read by their keys", "buffers", 1),
    )
    return table(
        ("", "UUIDv4", "UUIDv7"),
        (
            [name, *(f"{values[version][key] / unit:.0f}" for version in ("v4", "v7"))]
            for name, key, unit in rows
        ),
    )


SECTIONS: dict[str, tuple[str, Callable[[Values], list[str]]]] = {
    "postgresql": ("Operations on PostgreSQL", lambda values: _operations(values, _bars)),
    "sqlite": ("Operations on SQLite", lambda values: _operations(values, lambda _: SQLITE_BARS)),
    "pieces": ("The cost of each feature", _pieces),
    "authentication": ("The cost of users", _authentication),
    "lifetime": ("Start and memory", _lifetime),
    "tables": ("Pages of large tables", _tables),
    "keys": ("Time-ordered keys in PostgreSQL", _keys),
}
