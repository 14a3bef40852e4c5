"""What runs around every request: pure ASGI, put together in `main.py`."""
