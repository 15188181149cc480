"""Copies of one order that cross on their way: whatever the order of arrival, the newest is what stays."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

from tidegate.domain.orders import LineDraft, OrderDraft
from tidegate.services.ingest import take_orders
from tidegate.services.intake import import_orders
from tidegate.services.intake_store import UNCHANGED, UPDATED
from tidegate.store.tables import Event, Order

FIRST = OrderDraft(
    "mall", "旗舰店", "R1", total_minor=100, lines=(LineDraft(1, sku="KETTLE", title="手冲壶"),)
)
COPIES = (
    replace(FIRST, revision=1),
    replace(FIRST, revision=2, seller_memo="第二版"),
    replace(FIRST, revision=3, seller_memo="第三版", total_minor=300),
    replace(FIRST, revision=4),  # changed back: the same as the first, and newer than all
)


def brought(world: Any, *drafts: OrderDraft) -> Order:
    import_orders(world.context, drafts, source="mall:7")
    return world.get(Order, Order.number == drafts[0].number)


def test_the_newest_copy_stays_whatever_came_first(world) -> None:
    for case, order in enumerate(permutations(range(4))):
        for n in order:
            kept = brought(world, replace(COPIES[n], number=f"A{case}"))
        assert (kept.total_minor, kept.seller_memo, kept.source_revision) == (100, None, 4), order


def test_in_one_batch_the_newest_copy_counts(world) -> None:
    for case, order in enumerate(permutations(range(3))):
        kept = brought(world, *(replace(COPIES[n], number=f"B{case}") for n in order))
        assert (kept.total_minor, kept.seller_memo, kept.source_revision) == (300, "第三版", 3), (
            order
        )


def test_an_older_copy_leaves_no_trace_and_wakes_nobody(both) -> None:
    new = brought(both, COPIES[2])
    version = new.version
    done = import_orders(both.context, [COPIES[1]], source="mall:7")
    assert (done.created, done.updated, done.unchanged) == (0, 0, 1)
    assert both.get(Order, Order.number == "R1").version == version
    assert not both.all(Event, Event.kind == "source_changed")


def test_a_change_and_its_change_back_are_not_undone_by_the_copy_between(both) -> None:
    brought(both, COPIES[0])
    assert import_orders(both.context, [COPIES[3]], source="mall:7").unchanged == 1
    assert brought(both, COPIES[1]).seller_memo is None


def test_copies_that_do_not_say_how_new_they_are_are_taken_as_they_come(world) -> None:
    brought(world, COPIES[2])
    kept = brought(world, replace(FIRST, seller_memo="来自表格"))
    assert (kept.seller_memo, kept.source_revision) == ("来自表格", 3)
    assert brought(world, COPIES[1]).seller_memo == "来自表格"


def test_of_equal_revisions_the_later_one_is_taken(world) -> None:
    brought(world, COPIES[2])
    assert brought(world, replace(COPIES[2], seller_memo="同一秒")).seller_memo == "同一秒"


def test_programs_are_held_to_it_too(world) -> None:
    outcomes = [take_orders(world.context, [COPIES[n]], source="api")[0].outcome for n in (1, 2, 0)]
    assert outcomes[1:] == [UPDATED, UNCHANGED]
    assert world.get(Order, Order.number == "R1").source_revision == 3


def test_revisions_of_64_bits_are_kept_exactly(both) -> None:
    kept = brought(both, replace(FIRST, revision=2**63 - 1))
    assert kept.source_revision == 2**63 - 1
