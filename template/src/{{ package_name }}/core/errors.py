"""The errors that the service answers with.

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

An error of your own is two lines, beside the code that raises it:

    class BookNotFound(NotFound):
        code, message = "book_not_found", "There is no book with this id."
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import responses

# The phrases of RFC 9110, four of which Python has had only since 3.13.
PHRASES = responses | {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one value of a request.

    Attributes:
        pointer: a JSON Pointer (RFC 6901) into the body, or `/query/limit`, `/path/id`.
        code: a stable word for programs.
        message: a sentence for people, which never repeats the value.
    """

    pointer: str
    code: str
    message: str


class ServiceError(Exception):
    """An error that a client is told of; what raises it need not know of HTTP.

    Attributes:
        status: the HTTP status of the answer.
        code: a stable word, by which programs tell errors apart.
        message: a sentence for people.
        headers: headers that the answer needs.
        errors: the values that are at fault, where the request is.
    """

    status: int = 500
    code: str = "internal_error"
    message: str = "The service failed; its log tells why, under the id of this request."
    headers: Mapping[str, str] = {}
    errors: Sequence[FieldError] = ()

    def __init__(self, message: str | None = None) -> None:
        self.message = message or self.message
        super().__init__(self.message)


class BadRequest(ServiceError):
    status, code, message = 400, "bad_request", "The request cannot be understood."


class HostNotAllowed(BadRequest):
    code, message = "host_not_allowed", "The host that was named is not served here."


class Unauthorized(ServiceError):
    status, code, message = 401, "unauthorized", "Sign in to do this."
    headers: Mapping[str, str] = {"WWW-Authenticate": "Bearer"}


class Forbidden(ServiceError):
    status, code, message = 403, "forbidden", "You are not allowed to do this."


class CrossOriginRefused(Forbidden):
    code, message = "cross_origin_refused", "Pages of this origin may not change anything here."


class NotFound(ServiceError):
    status, code, message = 404, "not_found", "There is nothing at this address."


class MethodNotAllowed(ServiceError):
    status, code, message = 405, "method_not_allowed", "This address does not take this method."


class Conflict(ServiceError):
    status, code, message = 409, "conflict", "This contradicts what is stored."


class BodyTooLarge(ServiceError):
    status, code, message = 413, "body_too_large", "The body of the request is too large."


class Invalid(ServiceError):
    """The request can be read but is wrong: `Invalid("ends before it begins", pointer="/end")`.

    Several values at once: `Invalid(None, FieldError("/end", …), FieldError("/name", …))`.
    """

    status, code, message = 422, "validation_error", "The request is not valid."

    def __init__(self, message: str | None = None, *errors: FieldError, pointer: str = "") -> None:
        super().__init__(None if pointer else message)
        fields = [FieldError(pointer, self.code, message or self.message)] if pointer else []
        self.errors = [*errors, *fields]


class TooManyRequests(ServiceError):
    status, code, message = 429, "too_many_requests", "Too many requests; try again later."


class Unavailable(ServiceError):
    status, code, message = 503, "unavailable", "The service cannot answer at the moment."
    headers: Mapping[str, str] = {"Retry-After": "1"}


class HTTPError(ServiceError):
    """An `HTTPException` with a status that no other of these errors has; it keeps that status."""

    code, message = "http_error", "The status of this answer tells what is wrong."


def codes_of(parent: type[ServiceError]) -> list[str]:
    """The codes of an error and of those that inherit from it; a test's own is not the service's."""
    package = __name__.partition(".")[0]
    own = {parent.code} if parent.__module__.partition(".")[0] == package else set[str]()
    return sorted(own.union(*map(codes_of, parent.__subclasses__())))
