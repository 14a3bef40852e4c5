"""The measured servers: services rendered from the working tree, and two other applications."""

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
    """An application to run with uvicorn, in the environment of a service.

    Attributes:
        application: the module and variable.
        folder: the folder of the module, unless it is installed.
        options: options of uvicorn.
        header: a header of every request, such as a cookie.
    """

    name: str
    service: Service
    application: str
    variables: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    options: tuple[str, ...] = ("--no-access-log",)
    header: str = ""

    def with_header(self, request: Request) -> Request:
        """Add the header to a request."""
        if not self.header:
            return request
        line, _, rest = request.content.partition(b"\r\n")
        return Request(b"\r\n".join((line, self.header.encode(), rest)), request.status)


@dataclass(frozen=True)
class Server:
    """A running server."""

    target: Target
    process: subprocess.Popen[bytes]
    address: tuple[str, int]

    def cpu_seconds(self) -> float:
        """The user and system CPU time of all threads; see clock_getcpuclockid(3).

        The clock has a resolution of nanoseconds; /proc only has hundredths of a second.
        """
        return time.clock_gettime(~self.process.pid << 3 | 2)

    def memory(self) -> int:
        """The resident set size in bytes."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def respond(self, request: Request) -> bytes:
        """Send a request on a new connection, and return the response."""
        client = Client(self.address, 1)
        try:
            return client.send(self.target.with_header(request))
        finally:
            client.close()


def install(template: Path, folder: Path, answers: Mapping[str, object], url: str) -> Service:
    """Render a service with the measured routes, and install it."""
    root = copy_release(template, folder / "service", answers)
    service = Environments(folder / "environments").install(root, answers)
    shutil.copy(APPS / "routes.py", root / "src" / package_name(service) / "api/v1/benchmark.py")
    service.variables |= {
        "APP_DATABASE_URL": url,
        "APP_LOG_FORMAT": "json",
        "BENCHMARK_DATABASE_URL": url,
    }
    return service


def package_name(service: Service) -> str:
    """The package of a service."""
    return str(recorded_answers(service.root)["package_name"])


def rendered(name: str, service: Service, header: str = "", **variables: str) -> Target:
    """A service without changes."""
    application = f"{package_name(service)}.main:app"
    return Target(name, service, application, variables, header=header)


def without(service: Service, middleware: str) -> Target:
    """A service without a middleware, such as `request_guard:RequestGuard`."""
    name = "without " + middleware.partition(":")[2]
    path = f"{package_name(service)}.api.middleware.{middleware}"
    return Target(name, service, "without:app", {"BENCHMARK_WITHOUT": path}, APPS)


def plain(service: Service, *, access_log: bool = False, cors: bool = False) -> Target:
    """The plain application, with the environment and database of a service."""
    name = "plain" + ", access log" * access_log + ", CORS" * cors
    variables = {"BENCHMARK_CORS_ORIGIN": ORIGIN} if cors else {}
    options = () if access_log else ("--no-access-log",)
    return Target(name, service, "plain:app", variables, APPS, options)


def floor(service: Service) -> Target:
    """The floor, with the environment and database of a service."""
    return Target("floor", service, "floor:app", folder=APPS)


@contextmanager
def running(target: Target) -> Iterator[Server]:
    """Run a server, with its output in a file beside the service."""
    service, options = target.service, list(target.options)
    if target.folder:
        options += ["--app-dir", str(target.folder)]
    log = service.root.parent / f"{target.name}.log"
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener, log.open("wb") as output:
        # asyncio sets this on its own sockets only.
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
        # The socket already listens, so this waits until the server is up.
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
    """Accepts and discards POST requests."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


@contextmanager
def error_tracker() -> Iterator[dict[str, str]]:
    """Run a server for error reports, and yield the variables of a service that uses it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Discard) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield {"APP_SENTRY_DSN": f"http://key@127.0.0.1:{server.server_port}/1"}
        server.shutdown()
