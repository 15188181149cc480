"""Windows overlap and end in the past; numbered pages lose nothing while orders change."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from tidegate.errors import RemoteBroken
from tidegate.sdk.manifest import Sync
from tidegate.sdk.values import Window
from tidegate.sdk.window import NumberedPages, WindowTooLarge, halved, next_window

NOW = datetime(2026, 11, 11, 12, tzinfo=UTC)
SYNC = Sync(most_s=3600, overlap_s=300, lag_s=30, back_s=86_400)


def ago(seconds: int) -> datetime:
    return NOW - timedelta(seconds=seconds)


def test_the_first_window_begins_as_far_back_as_wanted() -> None:
    assert next_window(None, NOW, SYNC) == Window(ago(86_400), ago(86_400 - 3600))


def test_windows_overlap_and_end_before_the_lag() -> None:
    assert next_window(ago(600), NOW, SYNC) == Window(ago(900), ago(30))
    assert next_window(ago(31), NOW, SYNC) == Window(ago(331), ago(30))


def test_nothing_is_asked_before_there_is_something_new() -> None:
    assert next_window(ago(30), NOW, SYNC) is None
    assert next_window(NOW + timedelta(hours=1), NOW, SYNC) is None  # the clock went back


def test_the_way_back_to_now_has_no_gap() -> None:
    watermark, seen = ago(86_400), ago(86_400)
    steps = 0
    while window := next_window(watermark, NOW, SYNC):
        assert window.start <= seen
        assert window.end > watermark
        watermark = seen = window.end
        steps += 1
        assert steps < 100
    assert watermark == ago(30)


def test_a_window_is_halved_down_to_a_second() -> None:
    assert halved(Window(ago(10), ago(0))) == Window(ago(10), ago(5))
    with pytest.raises(RemoteBroken):
        halved(Window(ago(1), ago(0)))


def pull(pages: NumberedPages, shop: list[int], leave) -> list[int]:
    """Everything read from a shop that loses orders (`leave`) after each page."""
    found: list[int] = []
    cursor: str | None = ""
    while cursor is not None:

        def fetch(page: int) -> tuple[list[int], int]:
            start = (page - pages.first) * pages.size
            return shop[start : start + pages.size], len(shop)

        rows, cursor = pages.read(fetch, cursor)
        found += rows
        leave(shop)
    return found


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 95])
def test_a_quiet_shop_is_read_once(first: int, count: int) -> None:
    shop = list(range(count))
    found = pull(NumberedPages(10, first), list(shop), lambda _: None)
    assert sorted(found) == shop


def test_orders_that_change_while_we_read_cost_no_other_order() -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    dice = random.Random(seed)
    for _ in range(300):
        shop = list(range(dice.randrange(1, 120)))
        gone: set[int] = set()

        def leave(left: list[int], gone: set[int] = gone) -> None:
            for _ in range(dice.randrange(4)):
                if left:
                    gone.add(left.pop(dice.randrange(len(left))))

        found = pull(NumberedPages(10), list(shop), leave)
        assert set(shop) - gone <= set(found)


def test_more_pages_than_may_be_read_ask_for_a_shorter_window() -> None:
    pages = NumberedPages(10, most=3)
    assert pages.read(lambda _: ((), 30), "") == ((), "3")
    with pytest.raises(WindowTooLarge):
        pages.read(lambda _: ((), 31), "")
