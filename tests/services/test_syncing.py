"""Orders are pulled window by window; whatever breaks in between, none is missing and none is twice."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tidegate.domain.orders import LineDraft, OrderDraft
from tidegate.errors import Conflict, RemoteBroken, RemoteRetry
from tidegate.sdk.manifest import Sync
from tidegate.sdk.source import RowProblem
from tidegate.sdk.values import OrderPage, Window
from tidegate.sdk.window import NumberedPages
from tidegate.services.syncing import position
from tidegate.services.syncing.pulling import Source, pull_orders
from tidegate.store.tables import Order, OrderLine, Shop

SYNC = Sync(most_s=3600, overlap_s=300, lag_s=0, back_s=7_200)


@dataclass
class Mall:
    """A shop of orders that change; pages are numbered, as most platforms have them."""

    clock: Any
    pages: NumberedPages = field(default_factory=lambda: NumberedPages(10))
    orders: dict[str, OrderDraft] = field(default_factory=dict)
    changed: dict[str, datetime] = field(default_factory=dict)
    after_page: Any = None
    trouble: list[Exception] = field(default_factory=list)
    asked: list[tuple[Window, str]] = field(default_factory=list)

    def put(self, number: str, at: datetime, **fields: Any) -> None:
        lines = (LineDraft(1, sku="KETTLE", title="手冲壶"),)
        known = self.orders.get(number)
        self.orders[number] = replace(
            known or OrderDraft("mall", "旗舰店", number, total_minor=100, lines=lines), **fields
        )
        self.changed[number] = at

    def pull_orders(self, window: Window, cursor: str) -> OrderPage:
        self.asked.append((window, cursor))
        if self.trouble:
            raise self.trouble.pop(0)
        numbers = sorted(
            (n for n, at in self.changed.items() if window.start <= at < window.end),
            key=lambda n: (self.changed[n], n),
        )

        def fetch(page: int) -> tuple[list[str], int]:
            start = (page - self.pages.first) * self.pages.size
            return numbers[start : start + self.pages.size], len(numbers)

        rows, after = self.pages.read(fetch, cursor)
        drafts = [self.orders[number] for number in rows]
        if self.after_page:
            self.after_page(self)
        return OrderPage(drafts, len(rows), cursor=after)


def source(mall: Mall, sync: Sync = SYNC) -> Source:
    return Source("mall:7", mall, sync)


def stored(world: Any) -> list[str]:
    shop = world.get(Shop, Shop.channel == "mall").id
    return sorted(one.number for one in world.all(Order, Order.shop_id == shop))


def test_a_run_ends_although_the_clock_goes_on(world) -> None:
    mall = Mall(lambda: world.now)
    mall.put("M1", world.now - timedelta(seconds=60))
    start, ticks = world.now, iter(range(10_000))
    moving = replace(world.context, clock=lambda: start + timedelta(milliseconds=next(ticks)))
    done = pull_orders(moving, source(mall))
    assert (done.behind, done.report.created) == (False, 1)
    assert len(mall.asked) == 3  # two hours back by the hour, each beginning five minutes early


def test_all_orders_of_the_past_come_in_once(both) -> None:
    mall = Mall(lambda: both.now)
    for n in range(37):
        mall.put(f"M{n:03d}", both.now - timedelta(seconds=7_000 - n * 180))
    done = pull_orders(both.context, source(mall))
    assert (done.behind, done.rejected) == (False, 0)
    assert done.report.read == done.report.accepted >= 37  # overlaps are read twice …
    assert (done.report.created, done.report.updated) == (37, 0)  # … and change nothing
    assert stored(both) == sorted(mall.orders)
    calls = len(mall.asked)
    assert pull_orders(both.context, source(mall)).pages == 0
    assert len(mall.asked) == calls  # nothing new can have happened: nothing is asked


def test_a_changed_order_is_read_again_and_updated(world) -> None:
    mall = Mall(lambda: world.now)
    mall.put("M1", world.now - timedelta(seconds=50))
    pull_orders(world.context, source(mall))
    world.wait(minutes=10)
    mall.put("M1", world.now - timedelta(seconds=1), seller_memo="加急")
    done = pull_orders(world.context, source(mall))
    assert (done.report.created, done.report.updated) == (0, 1)
    assert world.get(Order, Order.number == "M1").seller_memo == "加急"
    assert world.count(OrderLine, OrderLine.sku == "KETTLE") == 1


def test_a_run_stops_after_its_pages_and_the_next_goes_on(world) -> None:
    mall = Mall(lambda: world.now)
    for n in range(95):
        mall.put(f"M{n:03d}", world.now - timedelta(seconds=100))
    first = pull_orders(world.context, source(mall), most_pages=4)
    assert (first.pages, first.behind) == (4, True)
    assert 0 < len(stored(world)) < 95
    rest = pull_orders(world.context, source(mall))
    assert not rest.behind
    assert stored(world) == sorted(mall.orders)


def test_whatever_breaks_and_changes_meanwhile_nothing_is_missing(world) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    dice = random.Random(seed)
    mall = Mall(lambda: world.now, NumberedPages(7, most=4))

    def shop_goes_on(found: Mall) -> None:
        for _ in range(dice.randrange(3)):
            number = f"M{dice.randrange(160):03d}"
            found.put(number, world.now, seller_memo=str(dice.randrange(1000)))
        if dice.random() < 0.15:
            raise RemoteRetry("mall.busy", zh="忙。", en="Busy.")

    for n in range(120):
        mall.put(f"M{n:03d}", world.now - timedelta(seconds=dice.randrange(6_000)))
    mall.after_page = shop_goes_on
    broken = 0
    for _ in range(40):
        world.wait(minutes=4)
        try:
            while pull_orders(world.context, source(mall), most_pages=3).behind:
                pass
        except RemoteRetry:
            broken += 1
    mall.after_page = None
    world.wait(minutes=1)
    while pull_orders(world.context, source(mall)).behind:
        pass
    assert broken > 0
    assert stored(world) == sorted(mall.orders), f"seed {seed}"
    for one in world.all(Order, Order.channel == "mall"):
        assert one.seller_memo == mall.orders[one.number].seller_memo, f"seed {seed}"


def test_a_window_with_too_many_pages_is_halved(world) -> None:
    mall = Mall(lambda: world.now, NumberedPages(5, most=2))
    for n in range(60):
        mall.put(f"M{n:03d}", world.now - timedelta(seconds=1 + n * 50))
    while pull_orders(world.context, source(mall)).behind:
        pass
    assert stored(world) == sorted(mall.orders)


def test_two_workers_on_one_account_do_not_turn_it_back(world) -> None:
    mall = Mall(lambda: world.now)
    for n in range(30):
        mall.put(f"M{n:03d}", world.now - timedelta(seconds=100))
    mine = source(mall)

    def another_one(found: Mall) -> None:
        found.after_page = None
        pull_orders(world.context, mine)

    mall.after_page = another_one
    with pytest.raises(Conflict, match="another process"):
        pull_orders(world.context, mine)
    assert stored(world) == sorted(mall.orders)
    assert position.load(world.context, "mall:7").position.watermark == world.now


def test_rejected_rows_are_counted_and_wrong_pages_refused(world) -> None:
    class Counting(Mall):
        def pull_orders(self, window: Window, cursor: str) -> OrderPage:
            found = super().pull_orders(window, cursor)
            bad = RowProblem("page", 1, "order.number", "import.missing_number")
            return replace(found, read=found.read + 1 + self.extra, rejected=[bad])

        extra = 0

    mall = Counting(lambda: world.now)
    mall.put("M1", world.now - timedelta(seconds=100))
    done = pull_orders(world.context, source(mall))
    assert (done.report.read, done.report.accepted) == (done.rejected + done.report.accepted, 1)
    assert done.report.rejected[0].code == "import.missing_number"
    world.wait(minutes=10)
    mall.extra = 1
    before = position.load(world.context, "mall:7").position.watermark
    with pytest.raises(RemoteBroken, match="wrong"):
        pull_orders(world.context, source(mall))
    assert position.load(world.context, "mall:7").position.watermark == before


def test_a_replay_reads_again_and_doubles_nothing(world) -> None:
    mall = Mall(lambda: world.now)
    mall.put("M1", world.now - timedelta(seconds=3_000))
    pull_orders(world.context, source(mall))
    position.reset(world.context, "mall:7", world.now - timedelta(seconds=3_100))
    done = pull_orders(world.context, source(mall))
    assert (done.report.created, done.report.unchanged) == (0, 1)


def test_a_platform_without_end_of_time_is_asked_for_the_past_only(world) -> None:
    mall = Mall(lambda: world.now)
    pull_orders(world.context, source(mall))
    assert {window.end <= world.now for window, _ in mall.asked} == {True}
    assert mall.asked[0][0].start == world.now - timedelta(seconds=SYNC.back_s)
