"""What the routes of an application say about a request."""

from collections.abc import Iterable, Iterator

from fastapi.routing import RouteContext, iter_route_contexts
from starlette.types import Scope


def methods_of(routes: Iterable[RouteContext]) -> list[str]:
    """Every method that one of the routes takes, in the order of the alphabet."""
    return sorted({method for each in routes for method in each.methods or ()})


def matching_routes(scope: Scope) -> Iterator[RouteContext]:
    """The routes at the address of a request, whatever their methods."""
    for each in iter_route_contexts(scope["app"].routes):
        if (pattern := getattr(each, "path_regex", None)) and pattern.match(route_path(scope)):
            yield each


def route_path(scope: Scope) -> str:
    """The path of a request below the root path that a proxy or a mount has added."""
    return str(scope["path"]).removeprefix(scope.get("root_path", ""))


def route_template(scope: Scope) -> str | None:
    """The path of the route that serves a request, such as `/api/v1/books/{id}`."""
    found = (each for each in matching_routes(scope) if each.original_route is scope.get("route"))
    return next((f"{scope.get('root_path', '')}{each.path}" for each in found), None)
