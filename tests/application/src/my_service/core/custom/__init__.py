"""Code of this service that every layer may import."""
