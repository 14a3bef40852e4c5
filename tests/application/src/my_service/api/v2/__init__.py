"""Version 2 of the API; each module has a `router` and is discovered."""
