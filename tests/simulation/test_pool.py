"""A simulation over processes: the same as in one, in bounded pieces, and it can be stopped."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tidegate.simulation.pool import CHUNK, SMALL, Cancelled, Versions, run, versions_of

HIGH = "{id: high, if: ['order.total >= %d CNY'], then: [hold: {reason: high, queue: finance}]}"
PASS = "{id: pass, if: [], then: [approve]}"
COUNT = SMALL + CHUNK + 123


@pytest.fixture(scope="module")
def versions(text_of: Any, pytestconfig: Any) -> Versions:
    dictionary = (pytestconfig.rootpath / "rules/tidegate_rules/vocabulary.yaml").read_text("utf-8")
    texts = text_of(HIGH % 2000, PASS), text_of(HIGH % 3000, PASS)
    return versions_of(texts, (dictionary, dictionary))


@pytest.fixture(scope="module")
def many(lines: Any) -> Any:
    documents = [{"order": {"number": f"N{n}", "total": f"{n}.00 CNY"}} for n in range(COUNT)]
    return lines(documents)


def test_two_processes_say_what_one_says(versions: Versions, many: Any, settings: Any) -> None:
    one = run(versions, many, settings, workers=1)
    two = run(versions, many, settings, workers=2)
    assert one.tally.subjects == two.tally.subjects == COUNT
    assert one.tally.changed == two.tally.changed == 1_000  # 2000.00 … 2999.00
    whole, spread = one.tally.as_document(), two.tally.as_document()
    assert {k: v for k, v in whole.items() if k != "examples"} == {
        k: v for k, v in spread.items() if k != "examples"
    }
    assert len(spread["examples"]) == len(whole["examples"]) == settings.keep
    assert two.seconds.evaluating > 0


def test_workers_started_afresh_read_the_sets_themselves(
    versions: Versions, many: Any, settings: Any
) -> None:
    """With a second thread alive forking is unsafe, so the workers begin with nothing."""
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        part = run(versions, many, settings, workers=2)
    finally:
        stop.set()
        thread.join()
    assert (part.tally.subjects, part.tally.changed) == (COUNT, 1_000)


def test_lines_that_hold_no_document_are_counted_and_named(
    versions: Versions, lines: Any, settings: Any
) -> None:
    given = [*lines([{"order": {"total": "1 CNY"}}]), (2, b"{broken"), (3, b"[1]"), (4, b'{"a": NaN}'),
             (5, b"\xff\xfe")]  # fmt: skip
    part = run(versions, given, settings, workers=1)
    assert (part.tally.subjects, part.rejected) == (1, 4)
    assert [number for number, _ in part.reasons] == [2, 3, 4, 5]


def test_progress_is_told_up_to_the_last_line(versions: Versions, many: Any, settings: Any) -> None:
    told: list[int] = []
    run(versions, many, settings, workers=2, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == COUNT
    assert len(told) == 4


def test_a_cancelled_simulation_stops_within_a_chunk_of_work(
    versions: Versions, settings: Any
) -> None:
    read = 0

    def endless() -> Any:
        nonlocal read
        while True:
            read += 1
            yield read, b'{"order": {"total": "1 CNY"}}'

    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 6

    for workers in (1, 2):
        read = asked = 0
        with pytest.raises(Cancelled):
            run(versions, endless(), settings, workers=workers, cancelled=cancelled)
        assert read < 40 * CHUNK
