"""What the processes of a scaled-out installation have in common: they start on a database that fits."""

from __future__ import annotations

from tidegate.errors import ConfigError
from tidegate.settings import Settings
from tidegate.store.revisions import newest_revision, revision_at


def check_database(settings: Settings) -> None:
    """Several processes never migrate by themselves: `tidegate db upgrade` does, once, before they start.

    Raises:
        ConfigError: the database is older than this version, or newer.
    """
    current, newest = revision_at(settings.database_url), newest_revision()
    if current != newest:
        raise ConfigError(
            "database.revision",
            zh=f"数据库版本是 {current or '空'}，这个程序需要 {newest}；先运行一次 tidegate db upgrade。",
            en=f"The database is at {current or 'nothing'}, this version needs {newest}; "
            "run tidegate db upgrade once.",
            current=current or "",
            needed=newest,
        )
