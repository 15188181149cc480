"""Alembic environment: our metadata, batch mode on SQLite."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import create_engine, pool

from tidegate.store.columns import Instant
from tidegate.store.schema import Base

config = context.config
target = Base.metadata


def written(kind: str, item: Any, autogenerate: AutogenContext) -> str | Literal[False]:
    """How our own column type is written in a migration: as the plain type it is made of."""
    if kind == "type" and isinstance(item, Instant):
        return "sa.DateTime(timezone=True)"
    return False


def offline() -> None:
    """Print SQL instead of running it."""
    context.configure(
        url=config.get_main_option("sqlalchemy.url"), target_metadata=target, literal_binds=True
    )
    with context.begin_transaction():
        context.run_migrations()


def online() -> None:
    """Run against the configured database."""
    url = config.get_main_option("sqlalchemy.url")
    if url is None:
        raise RuntimeError("sqlalchemy.url is not set")
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=target,
            render_as_batch=connection.dialect.name == "sqlite",
            compare_type=True,
            render_item=written,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


if context.is_offline_mode():
    offline()
else:
    online()
