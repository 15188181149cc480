"""What the processes of a scaled-out installation have in common: they start on a database that fits."""

from __future__ import annotations

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from tidegate.bootstrap import alembic_config
from tidegate.errors import ConfigError
from tidegate.settings import Settings
from tidegate.store.unit_of_work import open_engine


def check_database(settings: Settings) -> None:
    """Several processes never migrate by themselves: `tidegate db upgrade` does, once, before they start.

    Raises:
        ConfigError: the database is older than this version, or newer.
    """
    newest = ScriptDirectory.from_config(alembic_config(settings.database_url)).get_current_head()
    engine = open_engine(settings.database_url)
    try:
        with engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()
    if current != newest:
        raise ConfigError(
            "database.revision",
            zh=f"数据库版本是 {current or '空'}，这个程序需要 {newest}；先运行一次 tidegate db upgrade。",
            en=f"The database is at {current or 'nothing'}, this version needs {newest}; "
            "run tidegate db upgrade once.",
            current=current or "",
            needed=newest or "",
        )
