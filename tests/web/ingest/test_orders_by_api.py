"""Orders brought in by programs: stored like those of files, once per key, told row by row."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from tidegate.jobs.runner import drain
from tidegate.store.stock_tables import KeptAnswer
from tidegate.store.tables import Event, Job, Order, OrderLine, Shop


def together(count: int, act: Callable[[int], Any]) -> list[Any]:
    found: list[Any] = [None] * count
    start = threading.Barrier(count)

    def run(n: int) -> None:
        start.wait()
        found[n] = act(n)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_an_order_comes_in_and_the_chain_takes_it_on(program: Any, make_order: Any) -> None:
    made = program("/orders", make_order())
    assert made.status_code == 201, made.get_json()
    told = made.get_json()
    (order,) = program.rows(Order)
    assert told == {"order_id": order.id, "number": "A1", "outcome": "created", "issues": []}
    assert (order.state, order.total_minor, order.payment_status) == ("received", 12900, "paid")
    assert (order.region_code, order.phone_valid) == ("330110", True)
    assert [line.sku for line in program.rows(OrderLine)] == ["KETTLE"]
    assert [event.actor for event in program.rows(Event)] == ["token:erp"]
    assert [job.name for job in program.rows(Job)] == ["advance_order"]
    drain(program.context)
    assert program.rows(Order)[0].state != "received"


def test_the_same_again_changes_nothing_and_another_content_does(
    program: Any, make_order: Any
) -> None:
    program("/orders", make_order())
    again = program("/orders", make_order())
    assert (again.status_code, again.get_json()["outcome"]) == (200, "unchanged")
    changed = program("/orders", make_order(order={"total": "99.00 CNY"}))
    assert (changed.status_code, changed.get_json()["outcome"]) == (200, "updated")
    (order,) = program.rows(Order)
    assert order.total_minor == 9900


def test_one_key_at_once_from_two_processes_is_one_order_and_ten_equal_answers(
    open_program: Any, url: str, make_order: Any
) -> None:
    one, other = open_program(url), open_program(url)
    answers = together(
        10,
        lambda n: (one if n % 2 else other)("/orders", make_order(), Idempotency_Key="k-1"),
    )
    assert {(answer.status_code, answer.get_data()) for answer in answers} == {
        (201, answers[0].get_data())
    }
    assert len(one.rows(Order)) == len(one.rows(KeptAnswer)) == 1
    late = one("/orders", make_order(), Idempotency_Key="k-1")
    assert (late.status_code, late.get_data()) == (201, answers[0].get_data())
    other_body = other("/orders", make_order("B2"), Idempotency_Key="k-1")
    assert (other_body.status_code, other_body.get_json()["code"]) == (
        422, "idempotency.other_request",
    )  # fmt: skip
    elsewhere = one("/orders/bulk", {"orders": [make_order()]}, Idempotency_Key="k-1")
    assert elsewhere.status_code == 422
    assert len(one.rows(Order)) == 1


def test_one_key_with_two_bodies_at_once_is_one_of_them(program: Any, make_order: Any) -> None:
    answers = together(
        10, lambda n: program("/orders", make_order(f"N{n % 2}"), Idempotency_Key="k")
    )
    assert sorted(answer.status_code for answer in answers) == [201] * 5 + [422] * 5
    assert len(program.rows(Order)) == 1


def test_different_keys_and_orders_at_once_are_all_there(program: Any, make_order: Any) -> None:
    answers = together(
        24, lambda n: program("/orders", make_order(f"N{n % 12}"), Idempotency_Key=f"k{n}")
    )
    assert sorted(answer.get_json()["outcome"] for answer in answers) == (
        ["created"] * 12 + ["unchanged"] * 12
    )
    assert len(program.rows(Order)) == 12
    assert len(program.rows(Shop)) == 1


def test_keys_belong_to_the_token_that_used_them(program: Any, make_order: Any) -> None:
    second = program.with_token("manager")
    assert program("/orders", make_order("A1"), Idempotency_Key="k").status_code == 201
    assert second("/orders", make_order("A2"), Idempotency_Key="k").status_code == 201


@pytest.mark.parametrize("key", ["", "a b", "ü", "x" * 256])
def test_a_key_that_is_none_is_refused(program: Any, make_order: Any, key: str) -> None:
    answer = program("/orders", make_order(), Idempotency_Key=key)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "api.idempotency_key")
    assert program.rows(Order) == []


def test_a_bulk_tells_each_row_and_read_is_accepted_and_rejected(
    program: Any, make_order: Any
) -> None:
    rows = [
        make_order("A1"), make_order("A2", items=[]), make_order("A3", order={"total": "much"}),
        {"order": {"number": "A4"}}, make_order("A1"), make_order("A5", order={"shop": "南岸"}),
    ]  # fmt: skip
    answer = program("/orders/bulk", {"orders": rows})
    told = answer.get_json()
    assert (answer.status_code, told["read"], told["accepted"], told["created"]) == (200, 6, 3, 3)
    assert [(one["row"], one["number"]) for one in told["orders"]] == [
        (1, "A1"), (2, "A2"), (6, "A5"),
    ]  # fmt: skip
    assert told["orders"][1]["issues"] == [{"field": "item.quantity", "code": "import.no_lines"}]
    assert [(one["row"], one["pointer"], one["code"]) for one in told["rejected"]] == [
        (3, "/orders/2/order/total", "import.json_field"),
        (4, "/orders/3/order/channel", "orders.no_place"),
        (5, "/orders/4/order/number", "orders.repeated"),
    ]
    assert {one.number for one in program.rows(Order)} == {"A1", "A2", "A5"}
    assert {one.name for one in program.rows(Shop)} == {"北岸器物", "南岸"}


def test_a_bulk_with_a_key_is_done_once(program: Any, make_order: Any) -> None:
    rows = {"orders": [make_order("A1"), {"order": {"number": ""}}, make_order("A2")]}
    answers = together(4, lambda _: program("/orders/bulk", rows, Idempotency_Key="k"))
    assert {answer.get_data() for answer in answers} == {answers[0].get_data()}
    assert answers[0].get_json()["created"] == 2
    assert len(program.rows(Order)) == 2


def test_wrong_fields_are_named_by_pointer_in_the_language_that_was_asked(
    program: Any, make_order: Any
) -> None:
    wrong = make_order(order={"total": "much", "none": 1}, items=[{"sku": "X", "quantity": 1.5}])
    answer = program("/orders", wrong)
    assert answer.status_code == 422
    assert {one["pointer"] for one in answer.get_json()["errors"]} == {
        "/order/total", "/order/none", "/items/0/quantity",
    }  # fmt: skip
    program.language = "zh-CN"
    nowhere = make_order()
    del nowhere["order"]["shop"]
    told = program("/orders", nowhere).get_json()
    assert (told["code"], told["errors"][0]["pointer"]) == ("orders.no_place", "/order/shop")
    assert "店铺" in told["detail"]
    foreign = make_order(order={"currency": "EUR", "total": "5 EUR", "goods_total": "5 CNY"})
    assert program("/orders", foreign).get_json()["errors"][0]["pointer"] == "/order/goods_total"
    assert program("/orders", b"{").status_code == 400
    assert program("/orders/bulk", {"orders": []}).status_code == 422
    assert program("/orders/bulk", {"orders": [{}] * 1001}).status_code == 422
    assert program.rows(Order) == []


def test_a_token_of_some_shops_brings_orders_of_those_only(program: Any, make_order: Any) -> None:
    program(
        "/orders/bulk", {"orders": [make_order("A1"), make_order("A2", order={"shop": "南岸"})]}
    )
    limited = program.with_token("integrator", [program.shop("南岸")])
    assert limited("/orders", make_order("B1", order={"shop": "南岸"})).status_code == 201
    for shop in ("北岸器物", "新店"):
        refused = limited("/orders", make_order("B2", order={"shop": shop}))
        assert (refused.status_code, refused.get_json()["code"]) == (404, "orders.no_shop")
    told = limited(
        "/orders/bulk",
        {"orders": [make_order("B3"), make_order("B4", order={"shop": "南岸"})]},
    ).get_json()
    assert [one["number"] for one in told["orders"]] == ["B4"]
    assert [one["code"] for one in told["rejected"]] == ["orders.no_shop"]
    assert {one.number for one in program.rows(Order)} == {"A1", "A2", "B1", "B4"}


def test_who_may_not_bring_orders_is_refused(program: Any, make_order: Any) -> None:
    for role, status in (("reader", 403), ("operator", 403), ("manager", 201)):
        assert program.with_token(role)("/orders", make_order()).status_code == status


def test_old_answers_are_forgotten_as_new_ones_come(program: Any, make_order: Any) -> None:
    for n in range(4):
        program("/orders", make_order(f"A{n}"), Idempotency_Key=f"k{n}")
    with program.context.store.begin(program.context.tenant_id) as work:
        old = program.context.clock() - timedelta(hours=49)
        work.session.execute(update(KeptAnswer).values(created_at=old))
        work.commit()
    program("/orders", make_order("B1"), Idempotency_Key="new")
    assert [one.key for one in program.rows(KeptAnswer)] == ["k2", "k3", "new"]
    program("/orders", make_order("B2"), Idempotency_Key="newer")
    assert [one.key for one in program.rows(KeptAnswer)] == ["new", "newer"]
