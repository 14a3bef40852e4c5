"""The servers that are measured: services, rendered from the working tree, and two applications."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from harness import Environments, Service, clean_environment, copy_release, recorded_answers
from load import TIMEOUT, Client, Request
from operations import ORIGIN, make_request

APPS = Path(__file__).parent / "apps"
PING = make_request("GET", "/api/v1/ping", 200)


@dataclass(frozen=True)
class Target:
    """What is started as a server, by uvicorn in the environment of a service.

    Attributes:
        application: its module and variable.
        folder: where that is, unless it is installed.
        options: those of uvicorn.
    """

    name: str
    service: Service
    application: str
    variables: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    options: tuple[str, ...] = ("--no-access-log",)


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    target: Target
    process: subprocess.Popen[bytes]
    address: tuple[str, int]

    def cpu_seconds(self) -> float:
        """The CPU time of all its threads, user and system.

        In nanoseconds, where /proc has hundredths of a second: clock_getcpuclockid(3).
        """
        return time.clock_gettime(~self.process.pid << 3 | 2)

    def memory(self) -> int:
        """The bytes that it has in memory (RSS)."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def respond(self, request: Request) -> bytes:
        """Send a request on a new connection; return the response."""
        client = Client(self.address, 1)
        try:
            return client.send(request)
        finally:
            client.close()


def install(template: Path, folder: Path, answers: Mapping[str, object], url: str) -> Service:
    """Render a service, give it an environment of its own, and add the routes that are measured."""
    root = copy_release(template, folder / "service", answers)
    service = Environments(folder / "environments").install(root, answers)
    shutil.copy(APPS / "routes.py", root / "src" / package_of(service) / "api/v1/benchmark.py")
    service.variables |= {
        "APP_DATABASE_URL": url,
        "APP_LOG_FORMAT": "json",
        "BENCHMARK_DATABASE_URL": url,
    }
    return service


def package_of(service: Service) -> str:
    """The name of its package."""
    return str(recorded_answers(service.root)["package_name"])


def rendered(name: str, service: Service, **variables: str) -> Target:
    """A service as it is."""
    return Target(name, service, f"{package_of(service)}.main:app", variables)


def without(service: Service, middleware: str) -> Target:
    """A service without a middleware, such as `request_guard:RequestGuard`."""
    name = "without " + middleware.partition(":")[2]
    path = f"{package_of(service)}.api.middleware.{middleware}"
    return Target(name, service, "without:app", {"BENCHMARK_WITHOUT": path}, APPS)


def plain(service: Service, *, access_log: bool = False, cors: bool = False) -> Target:
    """The plain application, in the environment of a service and on its database."""
    name = "plain" + ", access log" * access_log + ", CORS" * cors
    variables = {"BENCHMARK_CORS_ORIGIN": ORIGIN} if cors else {}
    options = () if access_log else ("--no-access-log",)
    return Target(name, service, "plain:app", variables, APPS, options)


def floor(service: Service) -> Target:
    """The floor, in the environment of a service and on its database."""
    return Target("floor", service, "floor:app", folder=APPS)


@contextmanager
def running(target: Target) -> Iterator[Server]:
    """Start a server, and stop it in the end; its output is in a file beside the service."""
    service, options = target.service, list(target.options)
    if target.folder:
        options += ["--app-dir", str(target.folder)]
    log = service.root.parent / f"{target.name}.log"
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener, log.open("wb") as output:
        # asyncio does this to the sockets that it makes itself.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        descriptor = listener.fileno()
        process = subprocess.Popen(
            service.command("uvicorn", target.application, "--fd", str(descriptor), *options),
            cwd=service.root,
            env={**clean_environment(os.environ), **service.variables, **target.variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=[descriptor],
        )
        address = listener.getsockname()
    server = Server(target, process, address)
    try:
        # The socket listens already, so this waits until the server is up.
        server.respond(PING)
        yield server
    except Exception as error:
        error.add_note(f"{target.name}: {log.read_text(encoding='utf-8')[-500:]}")
        raise
    finally:
        process.terminate()
        try:
            process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Discard(BaseHTTPRequestHandler):
    """Accepts what is posted, and keeps nothing."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


@contextmanager
def error_tracker() -> Iterator[dict[str, str]]:
    """A server that errors are reported to; yields the variables of a service that reports to it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Discard) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield {"APP_SENTRY_DSN": f"http://key@127.0.0.1:{server.server_port}/1"}
        server.shutdown()
