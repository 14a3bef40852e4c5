"""How the service stores things: the engine, its sessions and the models."""
