"""Every way to write an expression wrongly has a code, a place and, where a name is meant, the
nearest one.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tidegate.engine.language import binding, constants, parser
from tidegate.engine.language.binding import Scope, bind
from tidegate.engine.language.parser import MAX_CHARACTERS, parse, parse_unary
from tidegate.engine.language.rendering import render
from tidegate.engine.language.types import Type, list_of, of_fact
from tidegate.engine.problems import ExpressionError, Problem
from tidegate.engine.vocabulary import Vocabulary

UNREADABLE = [
    ("", "rule.expression_empty", 0, ""),
    ("x" * (MAX_CHARACTERS + 1), "rule.expression_too_long", 0, ""),
    ("not(" * 41 + "a" + ")" * 41, "rule.expression_too_deep", 0, ""),
    ("order.total >", "rule.syntax", 13, ""),
    ("in", "rule.syntax", 0, ""),
    ("count(or) > 1", "rule.syntax", 6, ""),
    ("order.total > is", "rule.syntax", 14, ""),
    ("some a.b in items satisfies true", "rule.syntax", 5, ""),
    ('date("2026-02-30")', "rule.bad_literal", 0, ""),
    ('order.total > 1 CNY and time(now) > time("25:00")', "rule.bad_literal", 36, ""),
    ('x = duration("P1Y2D")', "rule.bad_literal", 4, ""),
    ('x in range("[1..y)")', "rule.bad_literal", 5, ""),
    ("1e99 > x", "rule.bad_literal", 0, ""),
    ('@"11.11.2026" = x', "rule.bad_literal", 0, ""),
    ('starts with(strin: "a", match: "b")', "rule.unknown_parameter", 12, "string"),
    ('starts with(string: "a", "b")', "rule.unknown_parameter", 12, ""),
]
UNFIT = [
    ("order.quantity > 1 and order.totl > 1 CNY", "rule.unknown_field", 23, "order.total"),
    ("高价直 > 1 CNY", "rule.unknown_field", 0, "高价值"),
    ("count(items[fragil]) > 1", "rule.unknown_field", 12, "item.fragile"),
    ("some item in items satisfies item.skuu = item.sku", "rule.unknown_field", 29, "item.sku"),
    ('contain(order.buyer_memo, "x")', "rule.unknown_function", 0, 'contains(order.buyer_memo, "加急")'),
    ('string joins(order.tags, "x")', "rule.syntax", 7, ""),
    ("开头为(order.buyer_memo, “x”)", "rule.unknown_function", 0, 'starts with(item.sku, "GIFT-")'),
    ("1 > 0 and contains(order.total, order.buyer_memo)", "rule.type_arguments", 10, ""),
    ("element(order.tags)", "rule.type_arguments", 0, ""),
    ('payment.status in ("paid", "unpayed")', "rule.unknown_choice", 27, "unpaid"),
    ('day of week(now) = "Mondey"', "rule.unknown_choice", 19, "Monday"),
    ("order.total > 100", "rule.type_compare", 0, ""),
    ("1 > 0 or order.paid_at > order.buyer_memo", "rule.type_compare", 9, ""),
    ('time(now) > date(now)', "rule.type_compare", 0, ""),
    ("[1..2] < [1..3]", "rule.type_compare", 1, ""),
    ("order.quantity > 2 and order.buyer_memo > null", "rule.compare_with_null", 23, ""),
    ("null in (1, 2)", "rule.compare_with_null", 9, ""),
    ("2 > 1 and order.total + 1 > 1 CNY", "rule.type_arithmetic", 10, ""),
    ('order.paid_at + duration("P1M") > now', "rule.type_arithmetic", 0, ""),
    ('-"a" = "b"', "rule.type_wanted", 0, ""),
    ("order.quantity in warehouse_hours", "rule.type_wanted", 18, ""),
    ('["a", 1] = order.tags', "rule.type_list", 6, ""),
    ('(if true then 1 else "a") = 1', "rule.type_branches", 4, ""),
    ("count(for item in items return item) = 1", "rule.type_result", 6, ""),
    ("true and order.total", "rule.not_boolean", 9, ""),
    ("count(items[item.quantity + 1]) > 0", "rule.not_boolean", 12, ""),
    ("true and some x in order.total satisfies x > 1", "rule.not_a_list", 9, ""),
    ("order.total[1] > 1 CNY", "rule.not_a_list", 0, ""),
    ("true and order.weight_g > order.quantity", "rule.unit_mismatch", 9, ""),
    ("item.fragile", "rule.line_outside", 0, ""),
    ("true and history.similar_orders > 1", "rule.window_missing", 9, ""),
    ("history.similar_orders(24h, 24h) > 1", "rule.window_missing", 0, ""),
    ("recipient.city = order.channel", "rule.fact_not_at_gate", 0, ""),
    ("decided.exclude is missing", "rule.decided_outside_stages", 0, ""),
    ("high.cents = 1", "rule.unknown_field", 0, ""),
    ("items[1].quantity.x > 1", "rule.no_members", 0, ""),
    ("order.quantity > 1 and ? > 2", "rule.input_outside", 23, ""),
]  # fmt: skip


def a_scope(vocabulary: Vocabulary) -> Scope:
    return Scope(
        vocabulary,
        parameters={"high": of_fact("money")},
        lists={"remote": list_of(of_fact("text"))},
        aliases={"高价值": "high"},
        gate="review",
        gate_facts=frozenset(vocabulary.groups) - {"recipient"},
    )


def problems_of(text: str, scope: Scope) -> list[Problem]:
    try:
        return bind(parse(text), scope)[2]
    except ExpressionError as error:
        return [error.problem]


@pytest.mark.parametrize(("text", "code", "at", "near"), UNREADABLE + UNFIT)
def test_a_mistake_has_its_code_its_place_and_the_nearest_name(
    text: str, code: str, at: int, near: str, vocabulary: Vocabulary
) -> None:
    problems = problems_of(text, a_scope(vocabulary))
    found = [(problem.code, problem.at) for problem in problems]
    assert (code, at) in found, [p.en for p in problems]
    mine = next(p for p in problems if (p.code, p.at) == (code, at))
    assert mine.near == near
    assert mine.zh != mine.en
    assert all(letter in mine.zh + mine.en for letter in near)


def test_a_name_of_the_pattern_and_of_the_set_is_ambiguous(vocabulary: Vocabulary) -> None:
    line = Type("line", line="scans")
    scope = Scope(
        vocabulary,
        lists={"state": list_of(of_fact("text"))},
        variables={"moving": line},
        own="moving",
    )
    assert [p.code for p in problems_of('state = "delivered"', scope)] == ["rule.ambiguous_name"]


def test_an_action_that_no_stage_decides_is_told_with_the_nearest(vocabulary: Vocabulary) -> None:
    scope = Scope(vocabulary, gate="routing", decided={"exclude": list_of(of_fact("text"))})
    (problem,) = problems_of("true and decided.exclud is missing", scope)
    assert (problem.code, problem.at, problem.near) == ("rule.unknown_action", 9, "decided.exclude")


def test_every_code_of_the_language_has_its_mistake() -> None:
    sources = [
        Path(str(module.__file__)).read_text(encoding="utf-8")
        for module in (parser, constants, binding)
    ]
    codes = set(re.findall(r'"(rule\.\w+)"', "".join(sources)))
    shown = {code for _, code, _, _ in UNREADABLE + UNFIT}
    assert len(codes) >= 25
    of_patterns = {"rule.ambiguous_name", "rule.name_taken"}
    assert codes - shown <= of_patterns | {"rule.unknown_action"}


@pytest.mark.parametrize(
    ("cell", "at"), [("> ", 2), ('"SF", ', 6), ("not(", 4), ("[1..", 4), ("1 2", 2), ("= = 1", 2)]
)
def test_a_cell_that_cannot_be_read_tells_where(cell: str, at: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_unary(cell)
    assert caught.value.problem.at == at


def test_a_word_of_the_language_may_be_a_part_of_a_name() -> None:
    assert render(parse("order.in = 1")) == "order.in = 1"
