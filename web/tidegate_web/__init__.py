"""Web pages over the services."""
