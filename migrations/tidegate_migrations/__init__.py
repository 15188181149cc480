"""Alembic migrations, addressable when installed."""
