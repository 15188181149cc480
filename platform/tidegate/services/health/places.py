"""Where the data lies: sizes of the database's files and room on its disk."""

from __future__ import annotations

import shutil
from pathlib import Path

from sqlalchemy import Engine, text


def wal_bytes(engine: Engine) -> int:
    """Bytes not yet checkpointed: SQLite's -wal file; on PostgreSQL what was written since the last checkpoint."""
    if engine.dialect.name == "sqlite":
        return _size(Path(f"{engine.url.database}-wal"))
    query = (
        "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn) FROM pg_control_checkpoint()"
    )
    with engine.connect() as connection:
        return int(connection.execute(text(query)).scalar_one())


def database_bytes(engine: Engine) -> int:
    """Bytes of the whole database."""
    if engine.dialect.name == "sqlite":
        return _size(Path(str(engine.url.database)))
    with engine.connect() as connection:
        return int(
            connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
        )


def free_share(folder: Path) -> float:
    """Share of the disk under `folder` that is free, 0 to 1."""
    there = next(
        found for found in (folder.absolute(), *folder.absolute().parents) if found.exists()
    )
    usage = shutil.disk_usage(there)
    return usage.free / usage.total


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
