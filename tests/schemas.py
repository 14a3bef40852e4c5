"""Runs Schemathesis, which compares requests and responses with the OpenAPI schema."""

from __future__ import annotations

import sys
from pathlib import Path

from harness import run
from httpx2 import Client

# All phases, with valid and invalid requests; the seed makes failures reproducible.
OPTIONS = [
    *("--phases", "examples,coverage,fuzzing,stateful"),
    *("--mode", "all", "--checks", "all", "--seed", "1", "--no-color"),
]
# https://schemathesis.readthedocs.io/en/stable/reference/configuration/
# A schema cannot say which links and passwords are right, and which domains are reserved (RFC 6761).
CONFIGURATION = """
[[operations]]
include-path-regex = "/auth/(register|sign-in|password|email)"
checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 401, 422]
"""


def check_schema(client: Client, folder: Path, examples: int, configuration: str = "") -> str:
    """Run Schemathesis against a server, and return its output; there must be no failure."""
    (folder / "schemathesis.toml").write_text(f"{CONFIGURATION}{configuration}", encoding="utf-8")
    schema = str(client.base_url.join("/openapi.json"))
    program = str(Path(sys.executable).with_name("st"))
    done = run([program, "run", schema, *OPTIONS, f"--max-examples={examples}"], folder)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{folder}"
    return done.stdout
