"""What runs around every request: pure ASGI, put together in `application.py`."""
