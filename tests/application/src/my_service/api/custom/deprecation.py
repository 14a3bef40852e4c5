"""Tells clients of what will be gone."""

from datetime import datetime
from email.utils import format_datetime

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from my_service.api.errors import error_response
from my_service.core.errors import ServiceError


class Gone(ServiceError):
    status, code, message = 410, "gone", "This version is not served any more."


class Deprecation:
    """Marks the responses below a path as deprecated (RFC 9745), and refuses what is gone."""

    def __init__(self, app: ASGIApp, *, path: str, since: datetime, gone: str) -> None:
        """Mark what is below `path`, deprecated `since` then; refuse what is below `gone`."""
        self.app = app
        self.path = path
        self.gone = gone
        self.headers = {
            "Deprecation": f"@{int(since.timestamp())}",
            "Sunset": format_datetime(since.replace(year=since.year + 1), usegmt=True),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        path = scope.get("path", "")

        async def mark(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self.headers)
            await send(message)

        if path.startswith(self.gone):
            await error_response(Gone())(scope, receive, send)
        else:
            await self.app(scope, receive, mark if path.startswith(self.path) else send)
