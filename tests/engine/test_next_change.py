"""The next change against stepping through time minute by minute."""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tidegate.engine.evaluation import context_of
from tidegate.engine.reader import read_ruleset
from tidegate.engine.reference import next_change
from tidegate.engine.vocabulary import Vocabulary

TICK, MINUTE = timedelta(microseconds=1), timedelta(minutes=1)
HORIZON = 3 * 24 * 60
ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "UTC")
# around both switches of the clocks, a national holiday with a make-up day, and an ordinary week
STARTS = ("2026-03-28T12:00:00Z", "2026-10-24T12:00:00Z", "2026-03-07T12:00:00Z", "2026-09-30T06:00:00Z", "2026-06-10T00:00:00Z")  # fmt: skip
FACTS = ("parcel.printed_at", "parcel.waybill_at", "parcel.routed_at")
SHAPES = (
    "since({a}) {op} {span}",
    "until({a}) {op} {span}",
    "since({a}, office_hours) {op} {work}",
    "since({a}, warehouse_hours) {op} {work}",
    "now in office_hours",
    "not(now in warehouse_hours)",
    "hour(now) {op} {hour}",
    'weekday(now) in ("Sat", "Mon")',
    "since({a}) + {span} {op} {span2}",
    "now - {a} {op} {span}",
    "max(since({a}), since({b})) {op} {span}",
    "since({a}) in [{span}..{span2})",
    "some event in scans satisfies since(event.at) {op} {span}",
    "if since({a}) > {span} then hour(now) < {hour} else since({b}) {op} {span2}",
    "age {op} {span}",
)


def a_condition(rng: random.Random) -> str:
    spans = sorted(rng.choice((1, 7, 30, 61, 240, 1_440, 2_000)) for _ in range(2))
    return rng.choice(SHAPES).format(
        a=rng.choice(FACTS), b=rng.choice(FACTS), op=rng.choice((">", ">=", "<", "<=")),
        span=f"{spans[0]}m", span2=f"{spans[1] + 1}m", work=f"{rng.choice((1, 30, 120, 600))}m",
        hour=rng.randrange(24),
    )  # fmt: skip


def a_set(rng: random.Random, vocabulary: Vocabulary) -> Any:
    rules = "".join(
        f"  - {{id: r{n}, if: ['{a_condition(rng)}'], then: [raise: {{kind: a{n}}}]}}\n"
        for n in range(rng.randint(1, 3))
    )
    head = "tidegate: ruleset/1\nid: t\ngate: alert\npolicy: collect\n"
    derive = f"derive: {{age: since({rng.choice(FACTS)})}}\n"
    return read_ruleset(f"{head}{derive}rules:\n{rules}", vocabulary)


def truths(ruleset: Any, facts: Any, now: datetime, zone: str) -> list[object]:
    context = context_of(ruleset, facts, now, zone)
    return [context.value(leaf.node) for rule in ruleset.rules for leaf in rule.leaves]


def check(seed: int, vocabulary: Vocabulary) -> bool:
    """Whether something changed within the horizon."""
    rng = random.Random(seed)
    ruleset, zone = a_set(rng, vocabulary), rng.choice(ZONES)
    now = datetime.fromisoformat(rng.choice(STARTS)) + rng.randrange(2_000) * MINUTE
    about = lambda: (now + rng.randrange(-3_000, 2_000) * MINUTE).isoformat()  # noqa: E731
    facts = {"parcel": {f.partition(".")[2]: about() for f in FACTS if rng.random() < 0.9}}
    facts["scans"] = [{"at": about(), "state": "in_transit"} for _ in range(rng.randrange(3))]
    found = next_change(ruleset, facts, now, zone)
    first = truths(ruleset, facts, now, zone)
    end = now + HORIZON * MINUTE
    stop = min(found, end) if found else end
    step = now + MINUTE
    while step < stop:
        assert truths(ruleset, facts, step, zone) == first, (seed, step, found)
        step += MINUTE
    if found is None or found > end:
        return False
    assert truths(ruleset, facts, found - TICK, zone) == first, (seed, found)
    assert truths(ruleset, facts, found, zone) != first, (seed, found)
    return True


def run(seeds: range, vocabulary: Vocabulary) -> None:
    changed = sum(check(seed, vocabulary) for seed in seeds)
    print(
        f"seeds {seeds.start}..{seeds.stop - 1}: {changed} of {len(seeds)} change within three days"
    )
    assert changed > len(seeds) // 3


def test_no_change_is_missed_and_none_is_invented(vocabulary: Vocabulary) -> None:
    start = int(os.environ.get("TIDEGATE_SEED", "0"))
    run(range(start, start + 60), vocabulary)


@pytest.mark.long
@pytest.mark.parametrize("chunk", range(10))
def test_no_change_is_missed_over_thousands_of_sets(vocabulary: Vocabulary, chunk: int) -> None:
    start = 50_000 + int(os.environ.get("TIDEGATE_SEED", "0"))
    run(range(start + chunk * 200, start + chunk * 200 + 200), vocabulary)


def test_what_was_once_missed_is_found(vocabulary: Vocabulary) -> None:
    """Half an hour of working time that ends exactly at closing time."""
    assert check(51549, vocabulary)


def test_nothing_changes_without_time(vocabulary: Vocabulary) -> None:
    text = "tidegate: ruleset/1\nid: t\ngate: alert\npolicy: collect\nrules:\n"
    text += "  - {id: a, if: [parcel.failed_deliveries > 1], then: [raise: {kind: a}]}\n"
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert (
        next_change(read_ruleset(text, vocabulary), {"parcel": {"failed_deliveries": 1}}, now)
        is None
    )
