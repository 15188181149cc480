"""A backup is one tar file: the manifest, the database, and what lies beside it in the data folder.

It holds names, addresses and keys in clear: only its owner can read the file, and it belongs on an encrypted disk.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tidegate.errors import InputError

MANIFEST = "manifest.json"
DATABASE = {"sqlite": "tidegate.db", "postgresql": "postgres.dump"}
BESIDE = "data/"
LEFT_OUT = ("metrics", "demo", "sandbox.db", "sandbox.db-wal", "sandbox.db-shm", ".probe")
FORMAT = 1
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is inside. `sha256` of every member by name."""

    format: int
    tidegate: str
    database: str  # sqlite, postgresql
    revision: str
    taken_at: datetime
    orders: int
    sha256: Mapping[str, str]

    def as_json(self) -> bytes:
        plain: dict[str, Any] = {**asdict(self), "taken_at": self.taken_at.isoformat()}
        return json.dumps(plain, indent=1).encode()


def sha256_of(path: Path) -> str:
    """The digest in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def beside(data_dir: Path, database: Path | None) -> Iterator[tuple[str, Path]]:
    """(name in the package, path) of what lies in the data folder: secrets, labels, other merchants' folders."""
    taken = set()
    if database is not None:
        taken = {database, *(Path(f"{database}{end}") for end in ("-wal", "-shm", "-journal"))}
    for path in sorted(data_dir.rglob("*")):
        parts = path.relative_to(data_dir).parts
        if (
            path.is_file()
            and not path.is_symlink()
            and path not in taken
            and parts[0] not in LEFT_OUT
        ):
            yield BESIDE + "/".join(parts), path


def write_package(target: Path, manifest: Manifest, members: Mapping[str, Path]) -> None:
    """Write to a neighbour file, then move it into place: a broken backup never has the name of a whole one."""
    unfinished = target.with_name(target.name + ".unfinished")
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
                told = tarfile.TarInfo(MANIFEST)
                body = manifest.as_json()
                told.size, told.mode, told.mtime = len(body), 0o600, manifest.taken_at.timestamp()
                tar.addfile(told, io.BytesIO(body))
                for name, path in members.items():
                    tar.add(path, arcname=name, recursive=False)
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def read_manifest(file: Path) -> Manifest:
    """The manifest of a backup.

    Raises:
        InputError: the file is no backup, or of a format we do not know.
    """
    try:
        with tarfile.open(file) as tar:
            first = tar.next()
            body = tar.extractfile(first) if first is not None and first.name == MANIFEST else None
            given = json.loads(body.read()) if body is not None else {}
        found = Manifest(**{**given, "taken_at": datetime.fromisoformat(given["taken_at"])})
    except (tarfile.TarError, OSError, ValueError, TypeError, KeyError) as error:
        raise no_backup(file) from error
    if found.format != FORMAT or found.database not in DATABASE:
        raise no_backup(file)
    return found


def unpack(file: Path, manifest: Manifest, folder: Path) -> None:
    """Write every member below `folder` and compare its digest.

    Raises:
        InputError: a member is missing, unknown, damaged or would land elsewhere.
    """
    try:
        _unpack(file, manifest, folder)
    except tarfile.TarError as error:
        raise damaged(file, MANIFEST) from error


def _unpack(file: Path, manifest: Manifest, folder: Path) -> None:
    left = dict(manifest.sha256)
    with tarfile.open(file) as tar:
        for member in tar:
            if member.name == MANIFEST:
                continue
            target = folder / member.name
            body = tar.extractfile(member)
            inside = target.resolve().is_relative_to(folder.resolve())
            if not member.isreg() or body is None or member.name not in left or not inside:
                raise damaged(file, member.name)
            target.parent.mkdir(parents=True, exist_ok=True)
            digest = hashlib.sha256()
            handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as stream:
                while chunk := body.read(CHUNK):
                    digest.update(chunk)
                    stream.write(chunk)
            if digest.hexdigest() != left.pop(member.name):
                raise damaged(file, member.name)
    if left:
        raise damaged(file, min(left))


def no_backup(file: Path) -> InputError:
    return InputError(
        "backup.not_a_backup",
        zh=f"{file.name} 不是潮闸的备份文件；请选择 tidegate backup 生成的文件。",
        en=f"{file.name} is no backup of Tidegate; choose a file that tidegate backup made.",
        file=file.name,
    )


def damaged(file: Path, member: str) -> InputError:
    return InputError(
        "backup.damaged",
        zh=f"备份 {file.name} 中的 {member} 已损坏或不完整；请换一个备份，数据库没有改动。",
        en=f"{member} in the backup {file.name} is damaged or incomplete; take another backup. Nothing was changed.",
        file=file.name,
        member=member,
    )
