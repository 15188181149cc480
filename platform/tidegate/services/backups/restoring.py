"""Put a backup onto an empty machine."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from sqlalchemy import Engine, inspect

from tidegate.errors import Conflict, InputError
from tidegate.services.backups.copies import load_postgres
from tidegate.services.backups.package import BESIDE, DATABASE, Manifest, read_manifest, unpack
from tidegate.store.revisions import known_revisions


def put_back(file: Path, engine: Engine, data_dir: Path) -> Manifest:
    """Unpack, compare every digest, and only then fill the empty database and data folder.

    Raises:
        InputError: no backup, damaged, of the other database or of a newer version. Conflict: something is there.
    """
    manifest = read_manifest(file)
    _fits(file, manifest, engine)
    _must_be_empty(engine, data_dir)
    data_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=data_dir, prefix=".tidegate-restore-") as unpacked:
        folder = Path(unpacked)
        unpack(file, manifest, folder)
        database = folder / DATABASE[manifest.database]
        if (
            manifest.database == "sqlite"
        ):  # its digest says that it is the copy that was checked when it was taken
            target = Path(str(engine.url.database))
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(database, target)
        else:
            load_postgres(engine.url, database)
        for path in sorted((folder / BESIDE.rstrip("/")).glob("*")):
            shutil.move(path, data_dir / path.name)
    return manifest


def _fits(file: Path, manifest: Manifest, engine: Engine) -> None:
    if manifest.database != engine.dialect.name:
        raise InputError(
            "backup.other_database",
            zh=f"{file.name} 是 {manifest.database} 的备份，而 TIDEGATE_DATABASE_URL 指向 {engine.dialect.name}。",
            en=f"{file.name} is a backup of {manifest.database}, the configured database is {engine.dialect.name}.",
            file=file.name,
        )
    if manifest.revision not in known_revisions():
        raise InputError(
            "backup.newer",
            zh=f"{file.name} 由更新的版本 {manifest.tidegate} 生成；请先升级潮闸再恢复。",
            en=f"{file.name} was made by a newer version, {manifest.tidegate}; upgrade Tidegate first.",
            file=file.name,
        )


def _must_be_empty(engine: Engine, data_dir: Path) -> None:
    """A restore never overwrites: what is there may be all that somebody has."""
    if engine.dialect.name == "sqlite":
        taken = Path(str(engine.url.database)).exists()
    else:
        taken = bool(inspect(engine).get_table_names())
    left = [path.name for path in data_dir.glob("*")] if data_dir.is_dir() else []
    if taken or left:
        what = "database" if taken else min(left)
        raise Conflict(
            "backup.not_empty",
            zh=f"恢复只能在空的环境进行，但已有 {what}；请换一个数据目录和数据库。",
            en=f"A restore needs an empty place, and there is {what}; use another data folder and database.",
            found=what,
        )
