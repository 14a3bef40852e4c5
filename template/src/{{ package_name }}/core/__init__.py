"""Settings, logging, errors and types, which every layer may import."""
