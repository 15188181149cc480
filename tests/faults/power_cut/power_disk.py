"""What a disk holds after a power cut: everything up to each file's last sync, and any part of what came later."""

from __future__ import annotations

import random
import shutil
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HEAD = struct.Struct("=QIIQQ")
SECTOR = 512


def build(folder: Path) -> Path | None:
    """The recorder as a library to preload; None where there is no C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    made = folder / "recorder.so"
    source = Path(__file__).with_name("recorder.c")
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-o", str(made), str(source), "-ldl", "-lpthread"],
        check=True, capture_output=True,
    )  # fmt: skip
    return made


@dataclass(frozen=True, slots=True)
class Record:
    at_ns: int
    kind: str  # w write, s sync, t truncate, u unlink
    path: str
    offset: int
    data: bytes


def read(log: Path) -> list[Record]:
    return list(_records(log.read_bytes()))


def _records(raw: bytes) -> Iterator[Record]:
    place = 0
    while place < len(raw):
        at, kind, path, offset, length = HEAD.unpack_from(raw, place)
        place += HEAD.size
        name = raw[place : place + path].decode()
        place += path
        size = length if chr(kind) == "w" else 0
        yield Record(at, chr(kind), name, offset, raw[place : place + size])
        place += size


def cut(records: list[Record], at_ns: int, target: Path, chance: random.Random) -> int:
    """The files as the disk has them when the power goes at that moment; the number of writes that were at risk."""
    happened = [record for record in records if record.at_ns <= at_ns]
    kept = {record.path: number for number, record in enumerate(happened) if record.kind == "s"}
    files: dict[str, bytearray] = {}
    at_risk = 0
    for number, record in enumerate(happened):
        if record.kind == "u":  # SQLite syncs the folder after it
            files.pop(record.path, None)
            continue
        content = files.setdefault(record.path, bytearray())
        if number > kept.get(record.path, -1):
            at_risk += 1
            record = _part(record, chance)
        if record.kind == "t":
            del content[record.offset :]
            content.extend(bytes(record.offset - len(content)))
        elif record.kind == "w" and record.data:
            if len(content) < record.offset:
                content.extend(bytes(record.offset - len(content)))
            content[record.offset : record.offset + len(record.data)] = record.data
    for path, content in files.items():
        (target / Path(path).name).write_bytes(content)
    return at_risk


def _part(record: Record, chance: random.Random) -> Record:
    """Of what was never synced: all, nothing, or the first sectors."""
    how = chance.choice(("all", "none", "torn"))
    if how == "all":
        return record
    if how == "none" or record.kind != "w":
        return Record(record.at_ns, "-", record.path, 0, b"")
    sectors = chance.randint(0, len(record.data) // SECTOR)
    return Record(record.at_ns, "w", record.path, record.offset, record.data[: sectors * SECTOR])
