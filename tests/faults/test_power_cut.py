"""B13: the power goes at any moment; whatever was answered 2xx by then is in the file, and the file is whole."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import power_disk
import pytest

FOLDER = Path(__file__).parent / "power_cut"
pytestmark = pytest.mark.faults
CARELESS = """
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1] + "/tidegate.db", isolation_level=None)
db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; CREATE TABLE sales_order (number TEXT)")
for n in range(200):
    db.execute("INSERT INTO sales_order VALUES (?)", (f"P{n}",))
    print(time.monotonic_ns(), f"P{n}", 201, flush=True)
time.sleep(60)
"""


@pytest.fixture
def recorder(tmp_path: Path) -> Path:
    made = power_disk.build(tmp_path)
    if made is None:
        pytest.skip("the recorder needs a C compiler (Debian/Ubuntu: apt install gcc libc6-dev)")
    return made


def seed() -> int:
    found = int(os.environ.get("TIDEGATE_SEED") or time.time_ns() % 10**9)
    print(f"seed: {found}")
    return found


def recorded(
    recorder: Path, folder: Path, command: list[str], answers: int
) -> tuple[list[power_disk.Record], list[tuple[int, str]]]:
    """Run it under the recorder until so many answers came, then SIGKILL; what it wrote and what it answered when."""
    house = folder / "house"
    house.mkdir()
    log = folder / "written.log"
    environment = {
        **os.environ, "LD_PRELOAD": str(recorder), "POWER_LOG": str(log),
        "POWER_FILE": str(house / "tidegate.db"), "TIDEGATE_LOG_LEVEL": "ERROR",
    }  # fmt: skip
    child = subprocess.Popen(
        [sys.executable, *command[:-1], str(house), command[-1]], env=environment,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    told = []
    with child.stdout:
        for line in child.stdout:
            at, number, status = line.split()
            assert status in ("200", "201"), line
            told.append((int(at), number))
            if len(told) == answers:
                child.send_signal(signal.SIGKILL)
                break
    child.wait(30)
    return power_disk.read(log), told


def after_cuts(
    records: list[power_disk.Record],
    told: list[tuple[int, str]],
    folder: Path,
    cuts: int,
    seed: int,
) -> tuple[int, int]:
    """(acknowledged orders that were missing, writes at risk) over all cuts; a damaged file fails.

    Every second cut is at any time. The others come right after a write, where a sync may be outstanding: on a machine
    that mostly computes, hardly any other moment has something at risk.
    """
    chance = random.Random(seed)
    first, last = told[0][0], told[-1][0]
    writes = [each.at_ns for each in records if each.kind == "w" and first <= each.at_ns <= last]
    missing = at_risk = 0
    for number in range(cuts):
        at_ns = chance.choice(writes) if number % 2 else chance.randint(first, last)
        disk = folder / f"disk-{number}"
        disk.mkdir()
        at_risk += power_disk.cut(records, at_ns, disk, chance)
        with closing(sqlite3.connect(disk / "tidegate.db")) as found:
            assert found.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            tables = found.execute("SELECT count(*) FROM sqlite_master WHERE name = 'sales_order'")
            rows = "SELECT number FROM sales_order" if tables.fetchone()[0] else "SELECT '' WHERE 0"
            there = {row[0] for row in found.execute(rows)}
        missing += len({name for at, name in told if at <= at_ns} - there)
    return missing, at_risk


@pytest.mark.parametrize(
    ("orders", "cuts"), [(80, 15), pytest.param(1_500, 100, marks=pytest.mark.long)]
)
def test_what_was_acknowledged_survives_a_power_cut(
    tmp_path: Path, recorder: Path, orders: int, cuts: int
) -> None:
    number = seed()
    command = [str(FOLDER / "power_child.py"), str(orders)]
    records, told = recorded(recorder, tmp_path, command, orders)
    syncs = sum(record.kind == "s" for record in records)
    missing, at_risk = after_cuts(records, told, tmp_path, cuts, number)
    print(
        f"{orders} orders answered, {syncs} syncs, {cuts} cuts with {at_risk} writes at risk: {missing} missing"
    )
    assert missing == 0
    assert at_risk > 0
    assert syncs > 10


def test_the_model_sees_a_program_that_does_not_sync(tmp_path: Path, recorder: Path) -> None:
    number = seed()
    records, told = recorded(recorder, tmp_path, ["-c", CARELESS, "200"], 200)
    missing, _ = after_cuts(records, told, tmp_path, 20, number)
    print(f"without syncs: {missing} missing")
    assert missing > 0
