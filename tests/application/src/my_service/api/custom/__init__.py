"""Dependencies and middleware of this service."""
