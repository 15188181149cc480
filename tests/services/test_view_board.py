"""The board's numbers on both databases: what is under way, what came to its end today, whom a carrier refuses."""

from __future__ import annotations

import random
import time
from datetime import timedelta
from typing import Any

from tidegate.errors import RemoteRefused
from tidegate.jobs.runner import drain
from tidegate.services import review
from tidegate.services.chain import advance
from tidegate.services.view_board import BUCKET, BUCKETS, board
from tidegate.services.view_connections import connections
from tidegate.services.view_marks import start_of_day
from tidegate.store.tables import Event


def test_open_orders_are_counted_and_of_the_delivered_those_of_today(both: Any) -> None:
    today = start_of_day(both.now, both.context.timezone)
    both.order(state="in_transit", state_since=both.now - timedelta(days=9))
    both.order(state="delivered", state_since=today - timedelta(minutes=1))
    for minutes in (0, 1):
        both.order(state="delivered", state_since=today + timedelta(minutes=minutes))
    found = {stage.id: stage for stage in board(both.context).stages}
    assert {name: one.count for name, one in found.items() if one.count} == {
        "transit": 1, "done": 2,
    }  # fmt: skip
    assert found["transit"].oldest_since == both.now - timedelta(days=9)


def test_arrivals_lie_in_their_half_hours(both: Any) -> None:
    seed = time.time_ns() % 10**9
    print(f"seed: {seed}")
    chance = random.Random(seed)
    start, order_id = both.now - BUCKET * BUCKETS, both.order()
    moments = [start + BUCKET * n for n in range(BUCKETS + 1)]  # every border, also the ends
    moments += [start - timedelta(microseconds=1), both.now + timedelta(seconds=1)]
    moments += [start + timedelta(seconds=chance.uniform(0, 43_200)) for _ in range(50)]
    both.add(*(
        Event(order_id=order_id, at=at, kind="received", actor_kind="system", actor="x", data={})
        for at in moments
    ))  # fmt: skip
    inside = [at for at in moments if start <= at <= both.now]
    wanted = [0] * BUCKETS
    for at in inside:
        wanted[min(int((at - start) / BUCKET), BUCKETS - 1)] += 1
    found = {stage.id: stage.passed for stage in board(both.context).stages}
    assert list(found["intake"]) == wanted
    assert sum(sum(passed) for passed in found.values()) == len(inside) == len(moments) - 2


def test_a_refusal_is_shown_until_a_person_settled_it(both: Any) -> None:
    both.stock("KETTLE", 5)
    order_id = both.order()
    no = RemoteRefused("carrier.address_not_served", zh="不送。", en="Not served.")
    both.carrier.trouble = [("before", no)]
    advance(both.context, order_id, "received")
    (line,) = connections(both.context).carriers
    assert (line.refused, line.health, line.last_answer_at) == (1, "bad", None)
    review.release(both.context, order_id, "li", "已与网点确认")
    both.wait(minutes=1)
    drain(both.context)
    (line,) = connections(both.context).carriers
    assert (line.refused, line.waiting, line.health) == (0, 0, "ok")
    assert line.last_answer_at == both.now


def test_a_shop_shows_what_came_lately_and_last(both: Any) -> None:
    long_ago = both.now - timedelta(days=3)
    both.order(state="delivered", imported_at=long_ago)
    (shop, *others) = connections(both.context).shops
    assert (shop.orders, shop.waiting, shop.last_at) == (0, 0, long_ago)
    both.order(imported_at=both.now)
    (shop, *others) = connections(both.context).shops
    assert (shop.orders, shop.waiting, shop.last_at) == (1, 1, both.now)
    assert [(other.orders, other.last_at) for other in others] == [(0, None)] * len(others)
    assert {figure.id: figure.value for figure in board(both.context).figures}["received"] == 1
