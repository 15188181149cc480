"""What differs between a draft and the live set, counted by hand."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.engine.ledgers import ledger_of
from tidegate.engine.simulation import Subject, simulate, simulate_in_order
from tidegate.errors import InputError
from tidegate.simulation.world import renew_stock, service_chosen

HIGH = "{id: high, if: ['order.total >= 2000 CNY'], then: [hold: {reason: high, queue: finance}]}"
HIGHER = HIGH.replace("2000", "3000")
PASS = "{id: pass, if: [], then: [approve]}"


@pytest.fixture
def subject(settings: Any) -> Any:
    return lambda key, facts: Subject(key, facts, settings.now)


def test_a_raised_threshold_moves_the_orders_between(
    program: Any, text_of: Any, subject: Any
) -> None:
    live, draft = program(text_of(HIGH, PASS)), program(text_of(HIGHER, PASS))
    totals = {"a": "1999.99 CNY", "b": "2000 CNY", "c": "2999.99 CNY", "d": "3000 CNY"}
    tally = simulate(live, draft, [subject(k, {"order": {"total": v}}) for k, v in totals.items()])
    document = tally.as_document()
    assert (document["subjects"], document["changed"]) == (4, 2)
    assert document["outcomes"] == {
        "before": {"approve": 1, "hold": 3},
        "after": {"approve": 3, "hold": 1},
        "moved": [{"from": "hold", "to": "approve", "count": 2}],
    }
    assert document["rules"] == [
        {"rule": "high", "before": 3, "after": 1, "gained": 0, "lost": 2, "changed": 2},
        {"rule": "pass", "before": 1, "after": 3, "gained": 2, "lost": 0, "changed": 2},
    ]
    assert [one["key"] for one in document["examples"]] == ["b", "c"]


def test_another_detail_of_the_same_outcome_is_a_change(
    program: Any, text_of: Any, subject: Any
) -> None:
    live, draft = program(text_of(HIGH)), program(text_of(HIGH.replace("finance", "warehouse")))
    facts = {"order": {"total": "5000 CNY"}}
    document = simulate(live, draft, [subject("a", facts)]).as_document()
    assert document["outcomes"]["moved"] == [{"from": "hold", "to": "hold", "count": 1}]


def test_the_same_outcome_from_another_rule_is_no_change(
    program: Any, text_of: Any, subject: Any
) -> None:
    live, draft = program(text_of(HIGH)), program(text_of(HIGH.replace("id: high", "id: renamed")))
    document = simulate(live, draft, [subject("a", {"order": {"total": "5000 CNY"}})]).as_document()
    assert document["changed"] == 0
    assert [(one["rule"], one["gained"], one["lost"]) for one in document["rules"]] == [
        ("high", 0, 1),
        ("renamed", 1, 0),
    ]


def test_a_document_a_version_refuses_is_counted_not_lost(
    program: Any, text_of: Any, subject: Any
) -> None:
    live, draft = program(text_of(HIGH)), program(text_of(PASS))
    document = simulate(live, draft, [subject("a", {"order": {"total": "plenty"}})]).as_document()
    assert document["outcomes"]["before"] == {"refused": 1}
    assert document["outcomes"]["after"] == {"approve": 1}
    assert document["refused"] == {"facts.bad_value": 1}
    assert document["changed"] == 1


def test_tallies_of_parts_add_up_to_the_whole(program: Any, text_of: Any, subject: Any) -> None:
    live, draft = program(text_of(HIGH, PASS)), program(text_of(HIGHER, PASS))
    subjects = [subject(str(n), {"order": {"total": f"{n * 100} CNY"}}) for n in range(60)]
    whole = simulate(live, draft, subjects)
    parts = simulate(live, draft, subjects[:25])
    parts.add(simulate(live, draft, subjects[25:]))
    assert parts.as_document() == whole.as_document()
    assert whole.changed == 10


ENOUGH = "{id: enough, if: ['every item in items satisfies item.available >= item.quantity'], then: [allocate]}"
SHORT = "{id: short, if: ['stock.short_units > 0'], then: [hold_for_stock]}"


def test_stock_is_used_up_in_order_where_a_set_allocates(
    program: Any, text_of: Any, subject: Any
) -> None:
    live = program(text_of(ENOUGH, SHORT, gate="inventory"))
    draft = program(
        text_of(
            "{id: never, if: ['order.quantity > 1000'], then: [allocate]}", SHORT, gate="inventory"
        )
    )
    orders = [
        subject(str(n), {"order": {"quantity": 2}, "stock": {"short_units": 0},
                         "items": [{"sku": "a1", "quantity": 2, "available": 99}]})
        for n in range(4)
    ]  # fmt: skip
    amounts = {"item.available": {"A1": 5}}
    pairs = [(p, ledger_of(p.ruleset.vocabulary, amounts, renew_stock)) for p in (live, draft)]
    document = simulate_in_order((pairs[0], pairs[1]), orders).as_document()
    assert document["outcomes"]["before"] == {"allocate": 2, "hold_for_stock": 2}
    assert document["outcomes"]["after"] == {"none": 4}


def test_what_is_left_of_a_resource_never_falls_below_nothing(
    program: Any, text_of: Any, subject: Any
) -> None:
    always = program(text_of("{id: a, if: [], then: [allocate]}", gate="inventory"))
    ledger = ledger_of(always.ruleset.vocabulary, {"item.available": {"A1": 3}})
    other = ledger_of(always.ruleset.vocabulary, {"item.available": {"A1": 3}})
    orders = [subject(str(n), {"items": [{"sku": "A1", "quantity": 2}]}) for n in range(3)]
    simulate_in_order(((always, ledger), (always, other)), orders)
    assert ledger.left == {"item.available": {"a1": 0}}


def test_carrier_capacity_is_used_up_and_the_next_service_is_taken(
    program: Any, text_of: Any, subject: Any
) -> None:
    room = (
        'some quote in quotes satisfies quote.service = "SF.standard" and quote.capacity_left > 0'
    )
    live = program(text_of(
        f"{{id: sf, if: ['{room}'], then: [use_service: SF.standard]}}",
        "{id: rest, if: [], then: [choose: cheapest]}", gate="routing",
    ))  # fmt: skip
    quotes = [
        {"service": "SF.standard", "cost": "12 CNY", "transit": "24h", "capacity_left": 50},
        {"service": "ZTO.standard", "cost": "5 CNY", "transit": "48h", "capacity_left": 50},
    ]
    orders = [subject(str(n), {"quotes": quotes}) for n in range(5)]
    amounts = {"quote.capacity_left": {"SF.standard": 2, "ZTO.standard": 10}}
    ways = {"choose": service_chosen}
    pairs = [(live, ledger_of(live.ruleset.vocabulary, amounts, None, ways)) for _ in range(2)]
    document = simulate_in_order((pairs[0], pairs[1]), orders).as_document()
    assert document["outcomes"]["before"] == {"use_service": 2, "choose": 3}
    assert {k: int(v) for k, v in pairs[0][1].left["quote.capacity_left"].items()} == {
        "sf.standard": 0,
        "zto.standard": 7,
    }


@pytest.mark.parametrize(
    ("amounts", "code"),
    [
        ({"item.weight_g": {"A": 1}}, "simulation.unknown_resource"),
        ({"item.available": {"A": "many"}}, "simulation.bad_amount"),
        ({"item.available": [1]}, "simulation.bad_amount"),
    ],
)
def test_a_wrong_resource_is_refused_by_name(vocabulary: Any, amounts: Any, code: str) -> None:
    with pytest.raises(InputError) as caught:
        ledger_of(vocabulary, amounts)
    assert caught.value.code == code
    assert caught.value.text("zh") != caught.value.text("en")
