"""Old rows go, in chunks; what is younger, open or another merchant's stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tidegate.services import pruning
from tidegate.services.job_pruning import prune_jobs
from tidegate.store.simulation_tables import Simulation, SimulationChange
from tidegate.store.tables import Job, Order


def job(world: Any, state: str, days: float) -> Job:
    at = world.now - timedelta(days=days)
    return Job(name="x", args={}, state=state, due_at=at, created_at=at)


def simulation(world: Any, days: float) -> Simulation:
    at = world.now - timedelta(days=days)
    return Simulation(
        set_id="s", gate="review", draft_hash="a", draft_text="", against="live", against_hash="b", against_text="",
        source="orders", state="done", asked_by="x", asked_at=at, finished_at=at,
    )  # fmt: skip


def test_old_rows_go_and_the_others_stay(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "CHUNK", 3)
    world.order()
    world.add(
        *[job(world, "done", 8) for _ in range(10)], job(world, "done", 6), job(world, "dead", 99)
    )
    old, young = world.add(simulation(world, 91), simulation(world, 89))
    world.add(
        *[
            SimulationChange(simulation_id=id_, row_key="N1", at=world.now, before="a", after="b")
            for id_ in (old, old, young)
        ]
    )
    expected = {"jobs": 10, "shadow_decisions": 0, "simulation_changes": 2, "simulations": 1,
        "account_samples": 0, "carrier_quotes": 0, "kept_labels": 0, "opened_recipients": 0, "sync_runs": 0,
        "sheet_files": 0,
    }  # fmt: skip
    assert pruning.prune(world.context, dry_run=True) == expected
    assert world.count(Job) == 12
    assert pruning.prune(world.context, most=4)["jobs"] == 4
    assert pruning.prune(world.context)["jobs"] == 6
    assert [one.state for one in world.all(Job)] == ["done", "dead"]
    assert [one.id for one in world.all(Simulation)] == [young]
    assert world.count(SimulationChange) == 1
    assert world.count(Order) == 1
    assert set(pruning.prune(world.context).values()) == {0}


def test_jobs_that_are_over_go_within_the_hour(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "CHUNK", 2)

    def over(state: str, hours: float) -> Job:
        found = job(world, state, hours / 24)
        found.finished_at = found.due_at
        return found

    world.add(*[over("done", 2) for _ in range(5)], over("done", 0.9), job(world, "done", 1))
    world.add(over("dropped", 31 * 24), over("dropped", 29 * 24), over("dead", 9_999))
    assert prune_jobs(world.context) == 7  # five, the one that has no end, the old dropped one
    assert sorted(one.state for one in world.all(Job)) == ["dead", "done", "dropped"]
    assert prune_jobs(world.context) == 0
