"""The errors that the service returns.

    ServiceError                 500  internal_error
    ├── BadRequest               400  bad_request
    │   └── HostNotAllowed       400  host_not_allowed
    ├── Unauthorized             401  unauthorized
    ├── Forbidden                403  forbidden
    │   └── CrossOriginRefused   403  cross_origin_refused
    ├── NotFound                 404  not_found
    ├── MethodNotAllowed         405  method_not_allowed
    ├── Conflict                 409  conflict
    ├── BodyTooLarge             413  body_too_large
    ├── Invalid                  422  validation_error
    ├── TooManyRequests          429  too_many_requests
    ├── Unavailable              503  unavailable
    └── HTTPError                500  http_error

Define an error of your own in two lines, next to the code that raises it:

    class BookNotFound(NotFound):
        code, message = "book_not_found", "No book has this ID."
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import responses
from typing import Annotated

from pydantic import Field

# The reason phrases of RFC 9110; Python has these four only since 3.13.
PHRASES = responses | {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}
POINTER = "JSON Pointer (RFC 6901) into the body, or /query/…, /path/…, /header/…, /cookie/…"


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one value of a request."""

    pointer: Annotated[str, Field(description=POINTER)]
    code: Annotated[str, Field(description="Stable identifier for programs")]
    message: Annotated[str, Field(description="Text for people")]


class ServiceError(Exception):
    """An error that is returned to the client. Code that raises it needs no knowledge of HTTP.

    Attributes:
        status: the HTTP status of the response.
        code: a stable identifier for programs.
        message: a sentence for people.
        headers: additional headers of the response.
        errors: which values of the request are invalid, and why.
    """

    status: int = 500
    code: str = "internal_error"
    message: str = "Internal error. Quote the request ID when reporting it."
    headers: Mapping[str, str] = {}
    errors: Sequence[FieldError] = ()

    def __init__(self, message: str | None = None) -> None:
        self.message = message or self.message
        super().__init__(self.message)

    @classmethod
    def codes(cls) -> list[str]:
        """List the codes of this class and its subclasses, except for those that tests define."""
        package = __name__.partition(".")[0]
        own = {cls.code} if cls.__module__.partition(".")[0] == package else set[str]()
        return sorted(own.union(*(child.codes() for child in cls.__subclasses__())))


class BadRequest(ServiceError):
    status, code, message = 400, "bad_request", "The request is malformed."


class HostNotAllowed(BadRequest):
    code, message = "host_not_allowed", "The service does not accept this Host header."


class Unauthorized(ServiceError):
    status, code, message = 401, "unauthorized", "Authentication is required."
    headers: Mapping[str, str] = {"WWW-Authenticate": "Bearer"}


class Forbidden(ServiceError):
    status, code, message = 403, "forbidden", "You do not have permission to do this."


class CrossOriginRefused(Forbidden):
    code, message = "cross_origin_refused", "Requests from this origin are not allowed."


class NotFound(ServiceError):
    status, code, message = 404, "not_found", "The resource does not exist."


class MethodNotAllowed(ServiceError):
    status, code, message = 405, "method_not_allowed", "The resource does not support this method."


class Conflict(ServiceError):
    status, code, message = 409, "conflict", "The request conflicts with the current state."


class BodyTooLarge(ServiceError):
    status, code, message = 413, "body_too_large", "The request body is too large."


class Invalid(ServiceError):
    """A well-formed request with an invalid value: `Invalid("Must be after start", pointer="/end")`.

    For several values: `Invalid(None, FieldError("/end", …), FieldError("/name", …))`.
    """

    status, code, message = 422, "validation_error", "The request is invalid."

    def __init__(self, message: str | None = None, *errors: FieldError, pointer: str = "") -> None:
        super().__init__(None if pointer else message)
        fields = [FieldError(pointer, self.code, message or self.message)] if pointer else []
        self.errors = [*errors, *fields]


class TooManyRequests(ServiceError):
    status, code, message = 429, "too_many_requests", "Too many requests. Try again later."


class Unavailable(ServiceError):
    status, code, message = 503, "unavailable", "Temporarily unavailable. Try again later."
    headers: Mapping[str, str] = {"Retry-After": "1"}


class HTTPError(ServiceError):
    """For an `HTTPException` with a status that no class above has."""

    code, message = "http_error", "The request failed. See the status code."
