"""One command starts a service and its frontend, and both reload."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from databases import free_port
from generated import generate
from harness import Environments, Renders, clean_environment, make_once
from httpx2 import Client, HTTPError
from node import NEEDS_NPM, PATH
from sites import create_folders, install_frontend
from uv import find_uv_bin

pytestmark = [pytest.mark.slow, NEEDS_NPM]

TIMEOUT = 90


@contextmanager
def running(folder: Path, command: list[str], **variables: str) -> Iterator[None]:
    """Run a command and its child processes; the output is shown if the test fails."""
    path = os.pathsep.join([str(Path(find_uv_bin()).parent), PATH])
    log = folder / "together.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=clean_environment(os.environ) | {"PATH": path} | variables,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(TIMEOUT)
        print(log.read_text(encoding="utf-8"))


def wait_for(client: Client, path: str, text: str) -> None:
    """Send requests until a response contains a text."""
    deadline = time.monotonic() + TIMEOUT
    content = ""
    while time.monotonic() < deadline:
        try:
            content = client.get(path).text
        except HTTPError as error:
            content = repr(error)
        if text in content:
            return
        time.sleep(0.1)
    pytest.fail(f"{path} did not contain {text!r} within {TIMEOUT} s, but {content[:500]}")


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.nightly
def test_service_and_frontend_start_and_reload(
    render: Renders, environments: Environments, shared: Path, client_tools: Path
) -> None:
    workspace = make_once(shared / "frontend", install_frontend)
    root = workspace / "together"
    root.mkdir()
    api, web = free_port(), free_port()
    answers = {"layout": "monorepo", "port": str(api)}
    folder, frontend = create_folders(render, root, answers)
    (folder / "client/node_modules").symlink_to(client_tools)
    service = environments.install(folder, answers)
    generate(service)
    service.run("alembic", "upgrade", "head")
    replace(folder / "Procfile", "--port 3000", f"--port {web}")
    readme = (folder / "README.md").read_text(encoding="utf-8")
    [line] = re.findall("^uvx (honcho .+?) +#", readme, re.MULTILINE)

    variables = {
        "API_URL": f"http://127.0.0.1:{api}",
        "NEXT_TELEMETRY_DISABLED": "1",
        "UV_PROJECT_ENVIRONMENT": str(service.environment),
        "WORKSPACE": str(workspace),
    }
    command = [sys.executable, "-m", *shlex.split(line)]
    with running(folder, command, **variables), Client(timeout=TIMEOUT) as client:
        wait_for(client, f"http://127.0.0.1:{api}/health/live", "ok")
        wait_for(client, f"http://127.0.0.1:{web}", "<h1>Items</h1>")
        router = folder / "src/my_service/api/v1/visitors.py"
        replace(router, "visitor=visitor", 'visitor="somebody else"')
        wait_for(client, f"http://127.0.0.1:{api}/api/v1/visitors/me", "somebody else")
        replace(frontend / "app/page.tsx", "<h1>Items</h1>", "<h1>Things</h1>")
        wait_for(client, f"http://127.0.0.1:{web}", "<h1>Things</h1>")
