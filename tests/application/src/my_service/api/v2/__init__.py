"""Version 2 of the API: one module per resource, each with a `router`, discovered by path."""
