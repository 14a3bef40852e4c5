"""The service's own middleware, log processors and lifespan; see the README."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware import Middleware
from structlog.typing import Processor

# Around every request that RequestGuard accepts; the first one is outermost. Responses to unhandled
# exceptions do not pass through it. Write pure ASGI middleware: BaseHTTPMiddleware breaks context
# variables and is slower.
MIDDLEWARE: Sequence[Middleware] = ()

# Run on every log line before it is rendered.
LOG_PROCESSORS: Sequence[Processor] = ()


def configure(app: FastAPI) -> None:
    """Mount other applications, such as an admin interface or a static site."""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Open resources of the service, such as clients, on `app.state`; close them after `yield`."""
    yield
