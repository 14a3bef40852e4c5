"""How the service is spoken to over HTTP."""
