"""B2: a process dies at every commit and every call of the chain; afterwards the books outside are right."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fault_harness import Harness, crash_and_recover, wrong
from fault_remote import FaultServer

pytestmark = pytest.mark.faults
WHOLE = {
    "versions": [1], "note": "second", "simulations": ["done"], "left": 0, "broken": {},
}  # fmt: skip


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: Any, remote: FaultServer) -> Iterator[Harness]:
    harness = Harness(tmp_path_factory.mktemp("crash"), remote)
    yield harness
    harness.close()


@pytest.fixture
def on_postgres(tmp_path: Path, remote: FaultServer, postgres_url: str) -> Iterator[Harness]:
    harness = Harness(tmp_path, remote, postgres_url)
    yield harness
    harness.close()


def every_point(
    harness: Harness, kind: str, step: int = 1, first: int = 1
) -> tuple[int, list[str]]:
    """Die at point n = first, first + step, … until a run is over before its point; (cases, what was wrong)."""
    cases, found = 0, []
    at = first
    while True:
        said, case, came = crash_and_recover(harness, kind, (at,))
        cases += 1
        found += [f"{kind} at {at}: {trouble}" for trouble in wrong(said, case)]
        if not came:
            return cases, found
        at += step


def told(what: str, cases: int, began: float) -> None:
    print(f"{what}: {cases} cases in {time.monotonic() - began:.0f} s")


def test_without_a_crash_all_is_well(on_sqlite: Harness) -> None:
    for kind in ("A", "B", "C"):
        found, case, _ = crash_and_recover(on_sqlite, kind, ())
        assert wrong(found, case) == []
        assert found["points"] > 5


def test_the_check_sees_a_second_waybill_and_a_wrong_telling(on_sqlite: Harness) -> None:
    found, case, _ = crash_and_recover(on_sqlite, "A", ())
    case.made.append({**case.made[0], "number": "A-again"})
    case.told[0]["number"] = "other"
    assert len(wrong(found, case)) == 3


@pytest.mark.parametrize("kind", ["A", "B", "C"])
def test_a_crash_at_every_point_is_survived(on_sqlite: Harness, kind: str) -> None:
    began = time.monotonic()
    cases, found = every_point(on_sqlite, kind)
    told(f"{kind}, SQLite, every point", cases, began)
    assert found == []
    assert cases >= 40


def at_the_workshop(harness: Harness, first: int, step: int) -> int:
    """Rules are changed, published and simulated; the process dies at `first`, `first + step`, …; the number of cases."""
    at, cases, came = first, 0, True
    while came:
        database, name = harness.database(), f"workshop-{at}"
        came = bool(harness.ask("workshop", database, name, "A", at=at)["killed"])
        half = harness.ask("workshop_kept", database, name, "A")
        assert half["broken"] == {}
        assert half["versions"] in ([], [1])
        harness.ask("workshop", database, name, "A", run=1)
        whole = harness.ask("workshop_kept", database, name, "A")
        assert {part: whole[part] for part in WHOLE} == WHOLE, (at, half)
        at, cases = at + step, cases + 1
    return cases


def test_a_crash_at_every_sixth_commit_leaves_whole_rules_and_one_simulation(
    on_sqlite: Harness,
) -> None:
    """Process killed × edit rules, simulate. The other commits in the long suite."""
    assert at_the_workshop(on_sqlite, first=int(time.time() // 86400) % 6 + 1, step=6) >= 3


@pytest.mark.long
def test_a_crash_at_every_commit_leaves_whole_rules_and_one_simulation(on_sqlite: Harness) -> None:
    began = time.monotonic()
    cases = at_the_workshop(on_sqlite, first=1, step=1)
    told("rules and a simulation, every commit", cases, began)
    assert cases > 12


@pytest.mark.long
@pytest.mark.postgres
@pytest.mark.parametrize("kind", ["A", "B", "C"])
def test_a_crash_at_every_point_on_postgres(on_postgres: Harness, kind: str) -> None:
    step = int(os.environ.get("TIDEGATE_STEP") or 1)
    began = time.monotonic()
    cases, found = every_point(on_postgres, kind, step=step)
    told(f"{kind}, PostgreSQL, every point (step {step})", cases, began)
    assert found == []
    assert cases >= 40 // step


@pytest.mark.long
@pytest.mark.parametrize("kind", ["A", "B", "C"])
def test_two_crashes_one_after_the_other(on_sqlite: Harness, kind: str) -> None:
    assert pairs(on_sqlite, kind, "SQLite") == []


@pytest.mark.long
@pytest.mark.postgres
@pytest.mark.parametrize("kind", ["A", "B", "C"])
def test_two_crashes_on_postgres(on_postgres: Harness, kind: str) -> None:
    assert pairs(on_postgres, kind, "PostgreSQL") == []


def pairs(harness: Harness, kind: str, where: str) -> list[str]:
    """The second run dies, too. All pairs are thousands: TIDEGATE_PAIRS of them, by the printed seed."""
    seed = int(os.environ.get("TIDEGATE_SEED") or time.time_ns() % 10**9)
    wanted = int(os.environ.get("TIDEGATE_PAIRS") or 150)
    print(f"seed: {seed}")
    chance = random.Random(seed)
    points = crash_and_recover(harness, kind, ())[0]["points"]
    assert points > 5
    began = time.monotonic()
    found, both = [], 0
    for _ in range(wanted):
        pair = (chance.randint(1, 50), chance.randint(1, 50))
        said, case, came = crash_and_recover(harness, kind, pair)
        both += came
        found += [f"{kind} at {pair}: {trouble}" for trouble in wrong(said, case)]
    told(f"{kind}, {where}, pairs ({both} died twice)", wanted, began)
    return found
