"""Deprecated and removed parts of the API."""

from datetime import datetime
from email.utils import format_datetime

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from my_service.api.errors import error_response
from my_service.core.errors import ServiceError


class Gone(ServiceError):
    status, code, message = 410, "gone", "This version has been removed."


class Deprecation:
    """Adds deprecation headers (RFC 9745, RFC 8594) to responses, and refuses removed paths."""

    def __init__(self, app: ASGIApp, *, path: str, since: datetime, removed: str) -> None:
        """Deprecate paths below `path`, and refuse paths below `removed`."""
        self.app = app
        self.path = path
        self.removed = removed
        self.headers = {
            "Deprecation": f"@{int(since.timestamp())}",
            "Sunset": format_datetime(since.replace(year=since.year + 1), usegmt=True),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        path = scope.get("path", "")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self.headers)
            await send(message)

        if path.startswith(self.removed):
            await error_response(Gone())(scope, receive, send)
        elif path.startswith(self.path):
            await self.app(scope, receive, send_with_headers)
        else:
            await self.app(scope, receive, send)
