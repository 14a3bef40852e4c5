"""A server for tests that need one: a lifespan, a stream, a socket."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

import uvicorn
from fastapi import FastAPI
from httpx2 import AsyncClient

# A WebSocket handshake is an HTTP request.
WEBSOCKET_HANDSHAKE = {
    "connection": "upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
}

# Seconds that an application may take to start, to respond and to stop, on a busy machine.
TIMEOUT = 20
# Seconds after the end of a test until the server cancels requests.
SHUTDOWN_TIMEOUT = 5


@asynccontextmanager
async def serve(app: FastAPI) -> AsyncGenerator[AsyncClient]:
    """Run an application under uvicorn, with a client that calls it over the network.

    Raises:
        TimeoutError: its lifespan does not start or stop; the cause is where it waits.
    """
    is_up = asyncio.Event()

    async def notify() -> None:
        is_up.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        # As asyncio does for sockets that it creates.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                # uvicorn would log its errors, and the test would not fail.
                lifespan="off",
                timeout_graceful_shutdown=SHUTDOWN_TIMEOUT,
                callback_notify=notify,
            )
        )
        running = asyncio.create_task(run(app, server, listener))
        running.add_done_callback(lambda _: is_up.set())
        await is_up.wait()
        try:
            if not running.done():
                url = "http://{}:{}".format(*listener.getsockname())
                async with AsyncClient(base_url=url, timeout=TIMEOUT) as client:
                    yield client
        finally:
            server.should_exit = True
            await running


async def run(app: FastAPI, server: uvicorn.Server, listener: socket.socket) -> None:
    """Run the lifespan of an application, and the server within."""
    async with AsyncExitStack() as stack:
        async with fail_after_timeout("start"):
            await stack.enter_async_context(app.router.lifespan_context(app))
        await server.serve([listener])
        async with fail_after_timeout("stop"):
            await stack.aclose()


@asynccontextmanager
async def fail_after_timeout(step: str) -> AsyncGenerator[None]:
    """Raise TimeoutError, with the name of the step, if it takes too long."""
    try:
        async with asyncio.timeout(TIMEOUT):
            yield
    except TimeoutError as error:
        raise TimeoutError(f"The lifespan does not {step} within {TIMEOUT} seconds.") from error
