"""Keys of the same kind as in the service."""

try:
    from uuid import uuid7
except ImportError:  # before Python 3.14
    from uuid_utils.compat import uuid7

__all__ = ["uuid7"]
