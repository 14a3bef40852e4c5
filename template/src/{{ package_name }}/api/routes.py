"""What the routes of an application say about a request."""

from collections.abc import Iterable, Iterator

from fastapi.routing import RouteContext, iter_route_contexts
from starlette.routing import BaseRoute
from starlette.types import Scope


def all_methods(routes: Iterable[BaseRoute]) -> list[str]:
    """Every method that one of the routes takes."""
    return _methods(iter_route_contexts(list(routes)))


def allowed_methods(scope: Scope) -> list[str]:
    """Every method that the requested address takes, for the header `Allow` (RFC 9110)."""
    return _methods(_matching(scope))


def route_template(scope: Scope) -> str | None:
    """The path of the route that serves a request, such as `/api/v1/items/{item_id}`."""
    found = (each for each in _matching(scope) if each.original_route is scope.get("route"))
    return next((f"{scope.get('root_path', '')}{each.path}" for each in found), None)


def _methods(routes: Iterable[RouteContext]) -> list[str]:
    return sorted({method for each in routes for method in each.methods or ()})


def _matching(scope: Scope) -> Iterator[RouteContext]:
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    for each in iter_route_contexts(scope["app"].routes):
        if each.path_regex.match(path):
            yield each
