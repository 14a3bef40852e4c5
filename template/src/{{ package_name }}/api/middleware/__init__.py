"""Pure ASGI middleware, which `application.py` adds."""
