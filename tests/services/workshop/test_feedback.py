"""Hits of rules in production: counted once, by shop day, for one's own shops and tenant only."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select

from tidegate.services import chain, review, routing
from tidegate.services.workshop import feedback, hit_counting, overriding
from tidegate.store.feedback_tables import RuleHitDay, RuleHitMark
from tidegate.store.tables import Decision, RulesetContent, Shop


def decided(
    world: Any,
    fired: Sequence[str],
    at: datetime | None = None,
    *,
    rule: str = "",
    verdict: str = "hold",
    order_id: int | None = None,
    set_id: str = "review",
    tenant: int | None = None,
) -> None:
    """A stored decision in which these rules fired and `rule` had its way."""
    _content(world)
    result = {
        "rules": [{"id": one, "result": "fired", "leaves": []} for one in fired]
        + [{"id": "close-call", "result": "not", "leaves": []}],
        "actions": [{"action": verdict, "args": {}, "rule": rule}] if verdict != "none" else [],
    }
    with world.context.store.begin(tenant or world.context.tenant_id) as work:
        work.add(
            Decision(
                order_id=order_id, gate="review", ruleset_id=set_id, ruleset_hash="h",
                trigger="received", verdict=verdict, decided_at=at or world.now, facts={},
                result=result, applied=True,
            )
        )  # fmt: skip
        work.commit()


def _content(world: Any) -> None:
    with world.context.store.unscoped() as session:
        if session.get(RulesetContent, "h") is None:
            session.add(
                RulesetContent(
                    hash="h",
                    ruleset_id="review",
                    gate="review",
                    content="",
                    first_seen_at=world.now,
                )
            )
            session.commit()


def test_hits_are_counted_by_shop_day_oldest_first(world: Any) -> None:
    midnight = datetime(2026, 11, 11, tzinfo=ZoneInfo("Asia/Shanghai"))
    decided(world, ["a", "b"], midnight - timedelta(seconds=1), rule="a")
    decided(world, ["a"], midnight, rule="a")
    decided(world, ["a"], midnight + timedelta(hours=1), rule="b")
    found = feedback.hits(world.context, "review", days=3)
    assert found["a"].per_day == (0, 1, 2)
    assert (found["a"].total, found["a"].acted) == (3, 2)
    assert found["a"].last_at == midnight + timedelta(hours=1)
    assert found["b"].per_day == (0, 1, 0)
    assert "close-call" not in found


def test_rules_of_the_live_set_that_never_fired_are_told(world: Any) -> None:
    decided(world, ["no-lines"])
    found = feedback.hits(world.context, "review")
    assert found["rejected-by-a-person"] == feedback.Hits(0, (0,) * 7, None)
    never = feedback.never_hit(world.context, "review")
    assert "rejected-by-a-person" in never
    assert "no-lines" not in never
    world.wait(days=90)
    assert feedback.hits(world.context, "review")["no-lines"].total == 0
    assert "no-lines" not in feedback.never_hit(world.context, "review")


def test_the_newest_decisions_are_not_folded_but_counted(both: Any) -> None:
    decided(both, ["a"], both.now - timedelta(minutes=2))
    decided(both, ["a"], both.now - timedelta(seconds=30))
    decided(
        both, ["a"], both.now - timedelta(minutes=7)
    )  # a later id, settled, behind an unsettled
    assert hit_counting.fold(both.context) == 1
    assert both.get(RuleHitDay).hits == 1
    assert feedback.hits(both.context, "review")["a"].total == 3
    both.wait(minutes=10)
    assert hit_counting.fold(both.context) == 2
    assert hit_counting.fold(both.context) == 0
    assert both.get(RuleHitDay).hits == 3
    assert feedback.hits(both.context, "review")["a"].total == 3


def test_folding_in_many_processes_at_once_counts_every_decision_once(
    both: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hit_counting, "CHUNK", 7)
    for n in range(60):
        decided(both, ["a"] if n % 2 else ["a", "b"], both.now - timedelta(days=n % 3))
    both.wait(minutes=10)
    folded: list[int] = []
    workers = [
        threading.Thread(target=lambda: folded.append(hit_counting.fold(both.context)))
        for _ in range(4)
    ]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert sum(folded) == 60
    rows = both.all(RuleHitDay)
    assert Counter({r: sum(x.hits for x in rows if x.rule_id == r) for r in "ab"}) == Counter(
        a=60, b=30
    )


def test_another_tenants_decisions_are_neither_counted_nor_folded(
    world: Any, intruder: Any
) -> None:
    decided(world, ["a"], world.now - timedelta(hours=1))
    decided(world, ["a"], world.now - timedelta(hours=1), tenant=2)
    assert hit_counting.fold(world.context) == 1
    assert feedback.hits(world.context, "review")["a"].total == 1
    assert intruder.count(RuleHitMark) == 0
    assert feedback.hits(intruder.context, "review")["a"].total == 1


def test_a_person_of_one_shop_sees_hits_of_that_shop_and_folds_for_all(world: Any) -> None:
    (other,) = world.add(Shop(channel="jd", name="别的店"))
    mine, theirs = world.order(), world.order(shop_id=other, channel="jd")
    for order_id in (mine, theirs, theirs):
        decided(world, ["a"], world.now - timedelta(hours=1), order_id=order_id)
    scoped = replace(world.context, store=world.context.store.limited_to(frozenset({1})))
    assert feedback.hits(scoped, "review")["a"].total == 1
    assert hit_counting.fold(scoped) == 3
    assert feedback.hits(scoped, "review")["a"].total == 1
    assert feedback.hits(world.context, "review")["a"].total == 3


def test_no_rule_decided_counts_silence_and_otherwise(world: Any) -> None:
    decided(world, [], verdict="none")
    decided(world, [], rule="otherwise")
    decided(world, ["a"], rule="a")
    decided(world, [], world.now - timedelta(hours=25), verdict="none")
    assert feedback.no_rule_decided(world.context, "review") == 2
    found = feedback.outcomes(world.context)["review"]
    assert (found.total, dict(found.by_verdict)) == (3, {"hold": 2, "none": 1})


def test_counts_agree_with_counting_by_hand(world: Any) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    told = random.Random(seed)
    wanted: Counter[str] = Counter()
    for _ in range(120):
        fired = told.sample("abcde", told.randrange(4))
        back = timedelta(minutes=told.randrange(9 * 24 * 60))
        decided(world, fired, world.now - back)
        day = (world.now - back).astimezone(ZoneInfo("Asia/Shanghai")).date()
        today = world.now.astimezone(ZoneInfo("Asia/Shanghai")).date()
        if (today - day).days < 7:
            wanted.update(fired)
        if told.random() < 0.1:
            hit_counting.fold(world.context)
    found = feedback.hits(world.context, "review")
    assert {name: found[name].total for name in wanted} == dict(wanted)


def test_rules_that_people_keep_overriding_are_told_with_rate_and_samples(
    open_world: Callable[..., Any],
    chosen_url: str,
    stubborn_rules: Callable[..., Any],
) -> None:
    world = open_world(
        chosen_url, stubborn_rules("hold: {reason: risky_memo, queue: manual_review}")
    )
    orders = [world.order() for _ in range(5)]
    chain.advance_many(world.context, orders, "received")
    assert {world.state(one) for one in orders} == {"on_hold"}
    for one in orders[:3]:
        world.wait(minutes=1)
        review.release(world.context, one, "li", "verified")
    review.reject(world.context, orders[3], "li", "fraud")  # agrees with the hold
    (found,) = overriding.overridden(world.context, "own-review")
    assert (found.rule_id, found.act, found.count, found.acted) == ("only", "release", 3, 5)
    assert found.rate == pytest.approx(0.6)
    assert [order for order, _ in found.samples] == orders[2::-1]
    assert overriding.overridden(world.context, "own-review", at_least=4) == []


def test_a_changed_courier_overrides_the_rule_that_chose(world: Any) -> None:
    world.stock("KETTLE", 50)
    orders = [world.order() for _ in range(3)]
    chain.advance_many(world.context, orders, "received")
    chosen = {world.parcel(one).service_code for one in orders}
    assert chosen == {"ZTO.standard"}
    world.wait(minutes=1)
    for one in orders:
        routing.change_service(world.context, one, "SF.standard", "li", "buyer_confirmed")
    (found,) = overriding.overridden(world.context, "routing")
    assert (found.act, found.count) == ("carrier", 3)


@pytest.mark.long
def test_a_hundred_thousand_decisions_stay_quick(world: Any) -> None:
    _content(world)
    leaves = [{"text": "order.total > 1", "result": True, "values": {"order.total": "1 CNY"}}] * 3
    with world.context.store.unscoped() as session:
        for start in range(0, 100_000, 5_000):
            rows = [
                {
                    "tenant_id": world.context.tenant_id, "gate": "review", "ruleset_id": "review",
                    "ruleset_hash": "h", "trigger": "received", "verdict": "hold", "applied": True,
                    "decided_at": world.now - timedelta(seconds=5 * (100_000 - n)), "facts": {},
                    "result": {
                        "rules": [
                            {"id": f"r{n % 40 + k}", "result": "fired", "leaves": leaves}
                            for k in range(3)
                        ],
                        "actions": [{"action": "hold", "args": {}, "rule": f"r{n % 40}"}],
                    },
                }
                for n in range(start, start + 5_000)
            ]  # fmt: skip
            session.execute(insert(Decision), rows)
        session.commit()
    began = time.perf_counter()
    first = feedback.hits(world.context, "review")
    folding = time.perf_counter() - began
    began = time.perf_counter()
    again = feedback.hits(world.context, "review")
    looking = time.perf_counter() - began
    print(f"first {folding:.2f} s, again {looking * 1000:.0f} ms")
    assert sum(one.total for one in first.values()) == sum(one.total for one in again.values())
    assert looking < folding  # the days that are over are not folded again
    with world.context.store.begin(world.context.tenant_id, readonly=True) as work:
        assert sum(work.session.scalars(select(RuleHitDay.hits))) > 299_000
