"""Never more promised than there is, with many hands on one SKU."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError, OperationalError

from tidegate.errors import Conflict
from tidegate.services.chain import advance_many
from tidegate.services.shipping import cancel_order
from tidegate.store.tables import Order, Reservation, Stock

THREADS = 8


def together(work: Callable[[int], None]) -> list[BaseException]:
    """Run `work(n)` in eight threads that start at once; what they raised."""
    start, raised = threading.Barrier(THREADS), list[BaseException]()

    def run(n: int) -> None:
        start.wait()
        try:
            work(n)
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def patiently(act: Callable[[], object]) -> None:
    """As the job runner does: a transaction that lost a race is run again."""
    for _ in range(8):
        try:
            act()
            return
        except (Conflict, OperationalError, IntegrityError):
            continue
    raise AssertionError("eight times in a row somebody was faster")


def test_eight_threads_on_one_sku_reserve_exactly_what_is_there(both: Any) -> None:
    both.stock("KETTLE", 50)
    both.stock("CUP", 1000)
    ids = [both.order(("CUP", 1), ("KETTLE", 2)) for _ in range(40)]  # 80 wanted of 50
    shares = [ids[n::THREADS] for n in range(THREADS)]
    raised = together(
        lambda n: patiently(lambda: advance_many(both.context, shares[n], "received"))
    )
    assert raised == []
    rows = {row.sku: row for row in both.all(Stock)}
    assert (rows["KETTLE"].on_hand, rows["KETTLE"].reserved) == (50, 50)
    assert (rows["CUP"].on_hand, rows["CUP"].reserved) == (1000, 25)
    states = [row.state for row in both.all(Order)]
    assert (states.count("waybill"), states.count("waiting_stock")) == (25, 15)
    held = both.all(Reservation, Reservation.state == "active")
    assert sum(row.quantity for row in held if row.sku == "KETTLE") == 50
    assert len({row.order_line_id for row in held}) == len(held) == 50
    assert len(both.carrier.live()) == 25


def test_the_same_orders_advanced_by_eight_threads_get_one_reservation_and_one_waybill(
    both: Any,
) -> None:
    both.stock("KETTLE", 100)
    ids = [both.order(("KETTLE", 1)) for _ in range(10)]
    raised = together(lambda _: patiently(lambda: advance_many(both.context, ids, "received")))
    assert raised == []
    both.wait(minutes=2)
    advance_many(both.context, ids)
    assert [both.state(id_) for id_ in ids] == ["waybill"] * 10
    assert [(row.on_hand, row.reserved) for row in both.all(Stock)] == [(100, 10)]
    assert both.count(Reservation) == 10
    assert len(both.carrier.made) == 10


def test_cancelling_and_reserving_at_once_keeps_the_books(both: Any) -> None:
    both.stock("KETTLE", 16)
    first = [both.order(("KETTLE", 2)) for _ in range(8)]
    advance_many(both.context, first, "received")
    later = [both.order(("KETTLE", 2)) for _ in range(8)]

    def work(n: int) -> None:
        if n % 2:
            patiently(lambda: cancel_order(both.context, first[n], "li", "test"))
        else:
            patiently(lambda: advance_many(both.context, later[n : n + 2], "received"))

    assert together(work) == []
    held = both.all(Reservation, Reservation.state == "active")
    (row,) = both.all(Stock)
    assert row.reserved == sum(found.quantity for found in held) <= 16


def test_the_database_itself_refuses_to_oversell(both: Any) -> None:
    both.stock("KETTLE", 3)
    with both.context.store.begin(both.context.tenant_id) as work:
        work.session.execute(update(Stock).values(reserved=3))
        work.commit()
    with (
        both.context.store.begin(both.context.tenant_id) as work,
        pytest.raises(IntegrityError),
    ):
        work.session.execute(update(Stock).values(reserved=4))
