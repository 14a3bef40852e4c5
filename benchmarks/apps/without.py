"""The service without the middleware of BENCHMARK_WITHOUT, given as `module:attribute`."""

import os
from importlib import import_module
from typing import Any

from starlette.types import ASGIApp

module, _, name = os.environ["BENCHMARK_WITHOUT"].partition(":")
# It fails if the middleware no longer exists.
getattr(import_module(module), name)


def skip(app: ASGIApp, *_: Any, **__: Any) -> ASGIApp:
    return app


setattr(import_module(module), name, skip)
app = import_module("my_service.main").app
