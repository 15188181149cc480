"""FEEL and our language say the same: what is written as FEEL reads back as it was."""

from __future__ import annotations

import pytest

from tidegate.engine.language.binding import Scope, bind
from tidegate.engine.language.parser import parse, parse_unary
from tidegate.engine.language.rendering import render
from tidegate.engine.vocabulary import Vocabulary
from tidegate.interchange.feel import Feel
from tidegate.interchange.feel_arguments import output_of
from tidegate.interchange.feel_writing import FeelWriter, normal
from tidegate.interchange.model import Arguments
from tidegate.interchange.remarks import NotOurs
from tidegate.interchange.typed import Typed


@pytest.mark.parametrize(
    ("ours", "feel"),
    [
        ("order.total > 500 CNY", "order.total > 500"),
        ("order.buyer_memo is missing", "order.buyer_memo = null"),
        ("order.buyer_memo is present", "order.buyer_memo != null"),
        ("since(order.paid_at) > 24h", 'now - order.paid_at > duration("P1D")'),
        ("until(order.ship_by) < 90m", 'order.ship_by - now < duration("PT1H30M")'),
        (
            "every item in items satisfies item.fragile",
            "count(items) > 0 and (every item in items satisfies item.fragile)",
        ),
        ("no item in items satisfies item.fragile", "not(some item in items satisfies item.fragile)"),
        ('coalesce(order.channel, "jd") = "jd"', '(if order.channel = null then "jd" else order.channel) = "jd"'),
        ("sum(items.quantity) >= 3", "sum(items.quantity) >= 3"),
        ('matches(order.number, "A*-??")', 'matches(order.number, "^A.*-..$", "i")'),
        ('order.number = exact("Ab.c")', 'matches(order.number, "^Ab\\\\.c$")'),
        ("hour(order.paid_at) >= 18", "order.paid_at.hour >= 18"),
        ('weekday(order.paid_at) = "Sat"', 'substring(day of week(order.paid_at), 1, 3) = "Sat"'),
        ("round(order.total) > 100 CNY", "round half up(order.total, 0) > 100"),
        ('list contains(order.tags, "老客")', 'list contains(order.tags, "老客")'),
        ('order.paid_at > @"2026-11-11T00:00:00+08:00"', 'order.paid_at > @"2026-11-10T16:00:00+00:00"'),
    ],
)  # fmt: skip
def test_an_expression_goes_to_feel_and_back(vocabulary: Vocabulary, ours: str, feel: str) -> None:
    scope = Scope(vocabulary)
    node = bind(parse(ours), scope)[0]
    written = FeelWriter(scope, "CNY").expression(node)
    assert written == feel
    back = Typed(scope, "CNY").expression(Feel({}, closed=False).expression(written))
    assert normal(bind(back, scope)[0]) == normal(node)


@pytest.mark.parametrize(
    "ours",
    [
        "since(order.paid_at, warehouse_hours) > 1h",
        "now in warehouse_hours",
        "history.similar_orders(24h) >= 1",
        "order.total > 5 CNY and order.freight > 5 USD",
        'order.number in (exact("a"), exact("b"))',
    ],
)
def test_what_feel_cannot_say_is_refused_with_its_text(vocabulary: Vocabulary, ours: str) -> None:
    scope = Scope(vocabulary)
    with pytest.raises(NotOurs) as caught:
        FeelWriter(scope).expression(bind(parse(ours), scope)[0])
    assert caught.value.zh
    assert caught.value.en


@pytest.mark.parametrize(
    ("ours", "feel"),
    [
        ("-", "-"),
        ("= 5", "5"),
        ("!= 5", "? != 5"),
        ("[2..5)", "[2..5)"),
        ("not(1, > 7)", "not(1, > 7)"),
        ("? is missing", "? = null"),
        ("(? > 1 and ? < 5)", "(? > 1 and ? < 5)"),
    ],
)
def test_a_cell_goes_to_feel_and_back(vocabulary: Vocabulary, ours: str, feel: str) -> None:
    scope = Scope(vocabulary)
    subject = bind(parse("order.quantity"), scope)[0]
    assert FeelWriter(scope).tests(parse_unary(ours), subject) == feel


def test_names_with_spaces_and_signs_are_found_longest_first() -> None:
    names = {"Net": "a", "Net Income": "b", "Approved/Declined": "c", "Net Income.Monthly": "d"}
    feel = Feel(names)
    text = 'Net + Net  Income + Approved/Declined + Net Income.Monthly > 5 and "Net" != ""'
    assert render(feel.expression(text)) == 'a + b + c + d > 5 and "Net" != ""'


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(NotOurs) as caught:
        Feel({"Applicant": "a"}).expression("Aplicant > 5")
    assert "Applicant" in caught.value.en
    assert "Applicant" in caught.value.zh


@pytest.mark.parametrize("pattern", ["a|b", "[ab]", "a+", "(a)", "a{2}", "\\\\d"])
def test_regular_expressions_are_refused(pattern: str) -> None:
    with pytest.raises(NotOurs) as caught:
        Feel({"x": "x"}).expression(f'matches(x, "{pattern}")')
    assert caught.value.code == "interchange.regex"


def test_an_output_may_name_several_arguments() -> None:
    said = output_of(Feel({"n": "n"}), '{reason: "a, b: {c}", "queue": if n > 1 then "x" else "y"}')
    assert isinstance(said, Arguments)
    assert {key: render(node) for key, node in said.values.items()} == {
        "reason": '"a, b: {c}"',
        "queue": 'if n > 1 then "x" else "y"',
    }


def test_a_hostile_expression_ends_at_once() -> None:
    for text in ("x" * 30_000, '""+' * 3_000 + '""', "(" * 2_500 + ")" * 2_500, "x[" * 900):
        with pytest.raises(NotOurs):
            Feel({"x": "x"}).expression(text)
