"""Every invariant holds after a day's work, and sees the one row that somebody breaks."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, insert, text, update
from sqlalchemy.event import listen

from tidegate.jobs.runner import drain
from tidegate.services.chain import advance
from tidegate.services.handover import hand_over
from tidegate.services.invariants.checks import Look, check, invariants
from tidegate.services.labels import print_labels
from tidegate.services.shipping import cancel_order
from tidegate.services.tracking import pull_scans
from tidegate.store.audit_tables import AuditLink
from tidegate.store.stock_tables import StockMove
from tidegate.store.tables import (
    Decision,
    Effect,
    Event,
    Order,
    OrderLine,
    Parcel,
    PrintRecord,
    Reservation,
    RulesetContent,
    Scan,
    Stock,
)
from tidegate.store.unit_of_work import UnitOfWork
from tidegate.store.webhook_tables import HookAddress, HookMessage, WebhookEvent


def a_day(world: Any) -> None:
    """Four orders: left and scanned, printed, cancelled after its waybill, waiting for stock."""
    world.stock("KETTLE", 5)
    ids = [world.order() for _ in range(3)]
    waiting = world.order(("CUP", 1))
    for order_id in (*ids, waiting):
        advance(world.context, order_id, "received")
    cancel_order(world.context, ids[2], "li", "买家取消")
    printed = [world.parcel(order_id).id for order_id in ids[:2]]
    print_labels(world.context, printed, "li")
    hand_over(world.context, printed[:1], "li")
    world.wait(hours=2)
    world.carrier.scan(world.parcel(ids[0]).waybill_no, "picked_up", world.now)
    pull_scans(world.context)
    drain(world.context)
    world.wait(minutes=2)
    drain(world.context)
    world.add(
        HookAddress(
            connector="sandbox", name="a", account="a", token_hash="h", token="", secrets="",
            created_by="li", created_at=world.now,
        )
    )  # fmt: skip


def broken(world: Any) -> dict[str, tuple[str, ...]]:
    found = check(world.context)
    assert len(found) == len(invariants()) >= 10
    assert all(set(one.texts) == {"zh", "en"} for one in found)
    return {one.id: one.offenders for one in found if one.count}


def test_after_a_day_of_work_all_hold_on_both_databases(both: Any) -> None:
    a_day(both)
    assert {both.state(1), both.state(2), both.state(3), both.state(4)} == {
        "in_transit", "printed", "cancelled", "waiting_stock",
    }  # fmt: skip
    assert broken(both) == {}
    both.wait(days=3)
    assert broken(both) == {}


def change(table: Any, row_id: Any, **values: Any) -> Any:
    return update(table).where(table.id == row_id).values(**values)


def history(world: Any, to: str) -> Any:
    row = world.all(Event, Event.kind == "order_moved", Event.order_id == 2)[-1]
    return change(Event, row.id, data={**row.data, "to": to})


BREAKS: dict[str, tuple[str, Callable[[Any], Any], str]] = {
    "a number that differs in a space": (
        "I1", lambda w: change(Order, 1, number=" " + w.get(Order, Order.id == 2).number), "order 2",
    ),
    "an order that lost its lines": (
        "I1", lambda _: delete(OrderLine).where(OrderLine.order_id == 4), "order 4",
    ),
    "an order nobody works on": (
        "I2", lambda w: change(Order, 4, state="approved", state_since=w.now - timedelta(hours=1)),
        "order 4",
    ),
    "an act cut out of the audit": (
        "I10", lambda _: delete(AuditLink).where(AuditLink.number == 1), "audit_link 2",
    ),
    "a hold without a reason": (
        "I2", lambda _: change(Order, 4, state="on_hold", hold_reason=None), "order 4",
    ),
    "a second live waybill": (
        "I3", lambda _: text(
            "INSERT INTO effect (tenant_id, parcel_id, kind, generation, client_key, state, attempts, answer, updated_at)"
            " SELECT tenant_id, parcel_id, kind, 7, 'twice', 'confirmed', 1, answer, updated_at FROM effect"
            " WHERE parcel_id = 1 AND kind = 'waybill'"
        ), "parcel 1",
    ),
    "a number on two parcels": (
        "I3", lambda w: change(Effect, 2, answer=w.get(Effect, Effect.id == 1).answer), "parcel 2",
    ),
    "a waybill of an older generation still alive": (
        "I4", lambda _: change(Parcel, 2, generation=2), "parcel 2",
    ),
    "a request that was never resolved": (
        "I4", lambda w: change(Effect, 2, state="sending", updated_at=w.now - timedelta(hours=1)),
        "parcel 2",
    ),
    "a label with another number": (
        "I5", lambda _: update(PrintRecord).where(PrintRecord.parcel_id == 2).values(waybill_no="X"),
        "parcel 2",
    ),
    "a counter that does not add up": ("I6", lambda _: change(Stock, 1, reserved=3), "stock 1"),
    "a level that its moves do not explain": (
        "I6", lambda w: insert(StockMove).values(
            tenant_id=1, warehouse_id=1, sku="KETTLE", kind="opening", units=99, at=w.now, source="li"
        ), "stock 1",
    ),
    "a call from outside that lies there": (
        "I9", lambda w: insert(HookMessage).values(
            tenant_id=1, address_id=1, source="s", event_id="e", kind="k", repeats=0, attempts=0,
            received_at=w.now - timedelta(hours=1), due_at=w.now - timedelta(hours=1), state="waiting",
        ), "hook_message 1",
    ),
    "an event nobody was told of": (
        "I11", lambda w: insert(WebhookEvent).values(
            tenant_id=1, public_id="evt", kind="order.received", at=w.now - timedelta(hours=1)
        ), "webhook_event 1",
    ),
    "a promise for what is not there": (
        "I6", lambda _: change(Reservation, 2, sku="NOWHERE"), "reservation 2",
    ),
    "stock held by an order that left": (
        "I7", lambda _: change(Reservation, 1, state="active"), "reservation 1",
    ),
    "a printed order without its stock": (
        "I7", lambda _: change(Reservation, 2, state="released"), "order 2",
    ),
    "a move that is not allowed": ("I8", lambda w: history(w, "returned"), "order 2"),
    "a state without a move": ("I8", lambda _: change(Parcel, 2, state="delivered"), "parcel 2"),
    "a scan nobody looked at": ("I9", lambda w: change(Scan, 1, at=w.now), "scan 1"),
    "a last scan that moved nothing": ("I9", lambda _: change(Scan, 1, state="delivered"), "scan 1"),
    "a decision that comes out otherwise": (
        "I12", lambda w: change(
            Decision, 1, result={**w.get(Decision, Decision.id == 1).result, "actions": ["other"]}
        ), "decision 1",
    ),
    "rules that decided and are gone": (
        "I12", lambda w: update(RulesetContent)
        .where(RulesetContent.hash == w.get(Decision, Decision.id == 1).ruleset_hash)
        .values(content=""), "decision 1",
    ),
}  # fmt: skip


def test_each_break_is_seen_with_the_row_that_breaks_it(both: Any) -> None:
    a_day(both)
    assert {found for found, _, _ in BREAKS.values()} == {one.id for one in invariants()}
    for what, (expected, make, offender) in BREAKS.items():
        statement = make(both)
        with both.context.store.unscoped() as session:
            session.execute(statement)
            session.flush()
            found = _on_this_session(both, session)
            session.rollback()
        assert offender in found.get(expected, ()), (what, found)
    assert broken(both) == {}


def _on_this_session(world: Any, session: Any) -> dict[str, tuple[str, ...]]:
    """The invariants as the transaction that breaks them sees the data."""
    look = Look(UnitOfWork(session, 1), world.context, world.now)
    session.expire_all()
    return {one.id: tuple(one.broken(look)) for one in invariants()}


SAME_FOR_MOST = {"tenant_id", "kind", "state", "name"}  # columns that lead to half of a table


def test_no_look_reads_a_table_once_for_each_row(open_world: Any, sqlite_url: str) -> None:
    """Ten times the orders must not take a hundred times as long: what is looked up per row is found by its own key."""
    world = open_world(sqlite_url)
    a_day(world)
    engine, seen = world.context.store.engine, []
    listen(engine, "before_cursor_execute", lambda *given: seen.append(given[2:4]))
    check(world.context)
    per_row = []
    with engine.connect() as connection:
        for statement, values in [one for one in seen if one[0].startswith("SELECT")]:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
            inner = {row[0] for row in plan if "CORRELATED" in row[3]}
            per_row += [row[3] for row in plan if row[1] in inner]
    assert len(per_row) > 5
    for step in per_row:
        assert set(re.findall(r"(\w+)=\?", step)) - SAME_FOR_MOST, step


def test_another_merchants_trouble_is_not_ours(world: Any, intruder: Any) -> None:
    a_day(world)
    world.add(Stock(warehouse_id=1, sku="ODD", on_hand=5, reserved=2, updated_at=world.now))
    assert set(broken(world)) == {"I6"}
    assert broken(intruder) == {}
