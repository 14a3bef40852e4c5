"""Starts a service, a Next.js frontend that calls it, and a browser."""

from __future__ import annotations

import os
import shutil
import socket
import socketserver
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Thread

import pytest
import trustme
from browser import launch_browser
from databases import TIMEOUT, free_port, server_log, serving
from generated import generate
from harness import TEMPLATE, Answers, Environments, Renders, Service, git, make_once
from httpx2 import Client
from node import NODE, PATH, run_node, run_npm
from playwright.sync_api import Browser

FRONTEND = TEMPLATE / "tests/frontend"
# Endpoints of a team, which set cookies and crash.
VISITORS = TEMPLATE / "tests/frontend/visitors.py"


@dataclass(frozen=True)
class Sites:
    """The origins of the frontend, and the URLs of the service.

    Attributes:
        browser: a headless browser.
        listed: an origin of `APP_CORS_ORIGINS`.
        other_port: another, on the same host.
        preview: an origin that matches `APP_CORS_ORIGIN_REGEX`.
        stranger: an origin that is not allowed.
        with_credentials: the URL of a service that allows credentials.
        without: the URL of a service that does not.
        elsewhere: `with_credentials` on another site.
        log: the log of both services.
        screenshot: the path for a screenshot of the page.
    """

    browser: Browser
    listed: str
    other_port: str
    preview: str
    stranger: str
    with_credentials: str
    without: str
    elsewhere: str
    log: Path
    screenshot: Path

    def wait_for_line(self, *texts: str) -> None:
        """Wait for a log line with all of these."""
        wait_for_line(self.log, *texts)


def wait_for_line(log: Path, *texts: str) -> str:
    """Wait for a log line with all of these; it may be written after the response."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        for line in log.read_text(encoding="utf-8").splitlines():
            if all(text in line for text in texts):
                return line
        time.sleep(0.05)
    pytest.fail(f"no line has {texts}: {log}")


def install_frontend(folder: Path) -> None:
    """Install the dependencies of the frontend."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(FRONTEND / name, folder)
    run_npm(folder, "ci", "--no-audit", "--no-fund")


class Proxy(socketserver.ThreadingTCPServer):
    """A TCP proxy that gives a server another port, and so another origin; with TLS on request."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Relay)
        self.target = 0
        self.port: int = self.server_address[1]
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)

    @contextmanager
    def running(self) -> Iterator[Proxy]:
        """Serve while the block runs."""
        with self:
            Thread(target=self.serve_forever, daemon=True).start()
            yield self
            self.shutdown()


class Relay(socketserver.BaseRequestHandler):
    """A connection through the proxy."""

    def handle(self) -> None:
        """Copy both directions until one side closes."""
        assert isinstance(self.server, Proxy)
        with socket.create_connection(("127.0.0.1", self.server.target)) as target:
            back = Thread(target=copy, args=(target, self.request), daemon=True)
            back.start()
            copy(self.request, target)
            back.join(TIMEOUT)


def copy(source: socket.socket, target: socket.socket) -> None:
    """Copy one direction until its source closes or fails."""
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


def tls() -> ssl.SSLContext:
    """A certificate of an unknown authority; the browser ignores certificate errors."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("preview-7.example.com", "api.example.org").configure_cert(context)
    return context


def is_listening(port: int) -> bool:
    """Whether a server accepts connections to a port of this machine."""
    with closing(socket.socket()) as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def create_folders(render: Renders, root: Path, answers: Answers) -> tuple[Path, Path]:
    """Create the folders of a service and a frontend, and return both."""
    if answers["layout"] == "monorepo":
        git(root, "init", "--quiet")
        service = render.render(root / "apps/api", answers)
        web = root / "apps/web"
    else:
        service = render.render(root / "service", answers)
        web = root / "web"
    shutil.copytree(FRONTEND, web, ignore=shutil.ignore_patterns("package-lock.json", "*.py"))
    shutil.copy(VISITORS, service / "src/my_service/api/v1/visitors.py")
    # As npm links a workspace package.
    (root / "node_modules").mkdir()
    (root / "node_modules/my-service-client").symlink_to(service / "client")
    return service, web


@contextmanager
def next_server(web: Path, api: str, workspace: Path, **variables: str) -> Iterator[int]:
    """Build the frontend for a URL of the service, start it, and yield its port."""
    environment = {"API_URL": api, "WORKSPACE": str(workspace), "NEXT_TELEMETRY_DISABLED": "1"}
    environment |= variables
    # Without npm, whose child would survive a signal.
    program = [NODE, str(workspace / "node_modules/next/dist/bin/next")]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        run_node(web, *program, "build")
    port = free_port()
    with subprocess.Popen(
        [*program, "start", "--hostname", "127.0.0.1", "--port", str(port)],
        cwd=web,
        env=os.environ | environment | {"PATH": PATH},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            assert any("Ready" in line for line in server.stdout), "the frontend did not start"
            yield port
        finally:
            server.terminate()


@contextmanager
def start_sites(
    render: Renders, environments: Environments, shared: Path, tools: Path, answers: Answers
) -> Iterator[Sites]:
    """Render a service and a frontend, start both, and launch a browser."""
    workspace = make_once(shared / "frontend", install_frontend)
    name = "-".join(map(str, answers.values()))
    root = workspace / name
    root.mkdir()
    answers = {**answers, "typescript_client": True}
    folder, web = create_folders(render, root, answers)
    (folder / "client/node_modules").symlink_to(tools)
    service = environments.install(folder, answers)
    generate(service)
    service.run("alembic", "upgrade", "head")
    with ExitStack() as stack:
        enter = stack.enter_context
        proxies = [
            enter(Proxy().running()),
            enter(Proxy().running()),
            enter(Proxy(tls()).running()),
        ]
        listed, other_port = (f"http://localhost:{proxy.port}" for proxy in proxies[:2])
        serve = partial(start_service, service, stack, f"{listed},{other_port}")
        with_credentials, without = serve("true"), serve("false")
        port = enter(next_server(web, with_credentials, workspace))
        for proxy in proxies:
            proxy.target = port
        api = enter(Proxy(tls()).running())
        api.target = int(with_credentials.rpartition(":")[2])
        yield Sites(
            browser=enter(
                launch_browser(
                    shared,
                    f"MAP preview-7.example.com:443 127.0.0.1:{proxies[2].port}",
                    f"MAP stranger.example.com:80 127.0.0.1:{port}",
                    f"MAP api.example.org:443 127.0.0.1:{api.port}",
                )
            ),
            listed=listed,
            other_port=other_port,
            preview="https://preview-7.example.com",
            stranger="http://stranger.example.com",
            with_credentials=with_credentials,
            without=without,
            elsewhere="https://api.example.org",
            log=server_log(service),
            screenshot=TEMPLATE / "artifacts" / f"{name}.png",
        )


def start_service(service: Service, stack: ExitStack, origins: str, credentials: str) -> str:
    """Start the service with these allowed origins, and return the URL for pages."""
    variables = {
        "APP_CORS_ORIGINS": origins,
        "APP_CORS_ORIGIN_REGEX": r"https://preview-\d+\.example\.com",
        "APP_CORS_CREDENTIALS": credentials,
        # Requests that Next.js rewrites have the host of `API_URL`, not of the page.
        "APP_ALLOWED_HOSTS": "localhost,api.example.org",
        "APP_LOG_FORMAT": "json",
    }
    client: Client = stack.enter_context(serving(replace(service, variables=variables)))
    return f"http://localhost:{client.base_url.port}"
