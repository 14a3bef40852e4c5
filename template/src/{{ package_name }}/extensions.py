"""Where this service adds to the foundation; see the README for what belongs here."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware import Middleware
from structlog.typing import Processor

# Runs around every request, the first one outermost. Pure ASGI: BaseHTTPMiddleware would halve
# the throughput and lose context variables.
MIDDLEWARE: Sequence[Middleware] = ()

# Runs on every log line before it is written.
LOG_PROCESSORS: Sequence[Processor] = ()


def configure(app: FastAPI) -> None:
    """Mount other applications, such as an admin interface or a static site."""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Open what the service needs for as long as it runs, on `app.state`, and close it after."""
    yield
