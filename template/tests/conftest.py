"""Fixtures of this service: add yours here; the foundation's come from `tests/foundation`."""

pytest_plugins = ["tests.foundation"]
