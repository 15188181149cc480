"""Take a backup of a running installation."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from tidegate import __version__
from tidegate.errors import InputError
from tidegate.services.backups.copies import copy_sqlite, dump_postgres
from tidegate.services.backups.package import (
    DATABASE,
    FORMAT,
    Manifest,
    beside,
    read_manifest,
    sha256_of,
    write_package,
)
from tidegate.services.context import Context
from tidegate.store.revisions import current_revision
from tidegate.store.tables import Order


@dataclass(frozen=True, slots=True)
class Taken:
    """A backup that was made and read back."""

    file: Path
    bytes: int
    manifest: Manifest


def take_backup(context: Context, target: Path) -> Taken:
    """Copy database and data folder into one checked file; nobody has to stop meanwhile.

    Raises:
        InputError: `target` exists, or the database is damaged. ConfigError: pg_dump is missing or fails.
    """
    if target.exists():
        raise InputError(
            "backup.exists",
            zh=f"{target.name} 已存在；请换一个文件名，备份不会覆盖旧文件。",
            en=f"{target.name} exists; choose another name, a backup never overwrites one.",
            file=target.name,
        )
    engine = context.store.engine
    kind = engine.dialect.name
    taken_at = context.clock()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".tidegate-backup-") as folder:
        copied = Path(folder) / DATABASE[kind]
        live = None
        if kind == "sqlite":
            live = Path(str(engine.url.database)).absolute()
            copy_sqlite(live, copied)
        else:
            dump_postgres(engine.url, copied)
        members = {DATABASE[kind]: copied, **dict(beside(context.data_dir.absolute(), live))}
        members = {name: path for name, path in members.items() if path != target.absolute()}
        with context.store.unscoped(readonly=True) as session:
            revision = current_revision(session.connection())
            orders = session.scalar(select(func.count()).select_from(Order)) or 0
        manifest = Manifest(
            FORMAT, __version__, kind, revision or "", taken_at, orders,
            {name: sha256_of(path) for name, path in members.items()},
        )  # fmt: skip
        write_package(target, manifest, members)
    return Taken(target, target.stat().st_size, read_manifest(target))
