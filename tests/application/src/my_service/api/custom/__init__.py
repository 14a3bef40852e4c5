"""What this service adds to HTTP."""
