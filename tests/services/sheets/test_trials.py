"""Previews of big files: by a job, told as they go, stopped, failed in words, and within the shops of whoever asked."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tidegate.jobs.runner import drain
from tidegate.services.remotes import accounts
from tidegate.services.sheets import acts, bringing, files, trials
from tidegate.store.sheet_tables import SheetFile
from tidegate.store.tables import Job, Order

sys.path.insert(0, str(Path(__file__).parents[2] / "connectors" / "files" / "sheets"))
from order_books import HEADER, ROWS, text_file

ACTOR = "lin"
MANY = [[f"DD{n:08}", *ROWS[0][1:]] for n in range(4_500)]


@pytest.fixture
def file_id(world: Any, monkeypatch: pytest.MonkeyPatch) -> int:
    """A file of 4,500 orders that counts as big."""
    monkeypatch.setattr(trials, "TOLD_EVERY_S", 0.0)
    accounts.add(world.context, "spreadsheet", ACTOR, code="tea")
    data = text_file([HEADER, *MANY]).data
    assert len(data) > trials.BIG_BYTES
    return files.keep(world.context, "tea", "a.csv", data, ACTOR)


def row(world: Any, file_id: int) -> SheetFile:
    return world.get(SheetFile, SheetFile.id == file_id)


def test_a_big_file_is_tried_by_a_job_and_a_small_one_at_once(world: Any, file_id: int) -> None:
    acts.tried(world.context, file_id)
    assert trials.look_at(world.context, file_id) == trials.Trial("waiting", 0)
    assert bringing.tried_now(row(world, file_id)) is None
    drain(world.context)
    found = bringing.tried_now(row(world, file_id))
    assert found is not None
    assert (found["read"], found["created"], world.count(Order)) == (4_500, 4_500, 0)
    assert trials.look_at(world.context, file_id) is None
    small = files.keep(world.context, "tea", "b.csv", text_file([HEADER, *ROWS]).data, ACTOR)
    acts.tried(world.context, small)
    assert bringing.tried_now(row(world, small)) is not None


def test_it_tells_how_far_it_is_and_stops_when_asked(
    world: Any, file_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    really = trials._tell

    def watched(context: Any, of: int, run_id: str, **values: Any) -> bool:
        counted = really(context, of, run_id, **values)
        if counted and values.get("trial_read"):
            seen.append(trials.look_at(context, of).read)  # type: ignore[union-attr]
            trials.stop(context, of)
        return counted

    monkeypatch.setattr(trials, "_tell", watched)
    trials.start(world.context, file_id)
    drain(world.context)
    assert len(seen) == 1  # what came after the stop was not told any more
    assert 0 < seen[0] < 4_500
    found = trials.look_at(world.context, file_id)
    assert found is not None
    assert found.state == "stopped"
    assert bringing.tried_now(row(world, file_id)) is None


def test_a_newer_one_ends_the_older(world: Any, file_id: int) -> None:
    trials.start(world.context, file_id)
    first = row(world, file_id).trial_run
    trials.start(world.context, file_id)
    trials.run(world.context, file_id, first, None)  # too late: nothing is read
    assert trials.look_at(world.context, file_id) == trials.Trial("waiting", 0)
    drain(world.context)
    assert trials.look_at(world.context, file_id) is None
    trials.run(world.context, file_id, row(world, file_id).trial_run, None)  # a job may run twice
    assert trials.look_at(world.context, file_id) is None


def test_what_was_wrong_is_kept_in_both_languages(world: Any, file_id: int) -> None:
    with world.context.store.begin(world.context.tenant_id) as work:
        kept = work.session.get_one(SheetFile, file_id)
        kept.layout = {**kept.layout, "sheet": "不存在"}
        work.commit()
    trials.start(world.context, file_id)
    drain(world.context)
    found = trials.look_at(world.context, file_id)
    assert found is not None
    assert (found.state, found.said["code"]) == ("failed", "sheet.no_such_sheet")
    assert "不存在" in found.said["zh"]
    assert found.said["en"]


def test_the_job_stays_within_the_shops_of_whoever_asked(world: Any, file_id: int) -> None:
    trials.start(world.context, file_id)
    trials.run(world.context, file_id, row(world, file_id).trial_run, [["tmall", "别家店"]])
    found = trials.look_at(world.context, file_id)
    assert found is not None
    assert (found.state, found.said["code"]) == ("failed", "orders.no_shop")
    (job,) = [one for one in world.all(Job) if one.name == "try_sheet"]
    assert job.args["allowed"] is None  # asked by somebody who may bring any
