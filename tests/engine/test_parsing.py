"""Text to tree and back; wrong text to a place and a remedy."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tidegate.engine.language import tree
from tidegate.engine.language.binding import Scope, bind
from tidegate.engine.language.functions import FUNCTIONS
from tidegate.engine.language.parser import MAX_CHARACTERS, UnaryTests, parse, parse_unary
from tidegate.engine.language.rendering import render
from tidegate.engine.problems import ExpressionError
from tidegate.engine.values import (
    parse_date,
    parse_duration,
    parse_instant,
    parse_money,
    parse_months,
    parse_time,
)
from tidegate.engine.vocabulary import Vocabulary

NAMES = st.sampled_from(
    ["order.total", "高价值门槛", "item.sku", "x1", "订单.金额", "inner", "nothing", "order_in"]
)
LITERALS = st.one_of(
    st.decimals(min_value=0, max_value=10**12, allow_nan=False, places=3),
    st.text(max_size=12).filter(lambda text: text.isprintable()),
    st.sampled_from(
        ['a"b', "back\\slash", "“弯引号”", "，。", "line\nbreak", "tab\t", "\\n", 'x\\"']
    ),
    st.booleans(),
    st.none(),
    st.sampled_from([parse_money("2000 CNY"), parse_money("0.10 USD")]),
    st.sampled_from([parse_duration(text) for text in ("24h", "90m", "3d", "1s", "25h", "PT0.5S")]),
    st.just(parse_date("2026-11-11")),
    st.just(parse_instant("2026-11-11T09:00:00+08:00")),
    st.sampled_from([parse_time(text) for text in ("18:00", "09:30:15.25", "08:00+08:00")]),
    st.sampled_from([parse_months(text) for text in ("P1Y6M", "-P3M", "P0M")]),
).map(tree.Literal)
OPS = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])


def _many(
    nodes: st.SearchStrategy[tree.Node], low: int = 1
) -> st.SearchStrategy[tuple[tree.Node, ...]]:
    return st.lists(nodes, min_size=low, max_size=3).map(tuple)


def _bigger(inner: st.SearchStrategy[tree.Node]) -> st.SearchStrategy[tree.Node]:
    plain = inner.map(lambda node: tree.Not(node) if isinstance(node, tree.And | tree.Or) else node)
    ranges = st.builds(tree.Range, inner, inner, st.booleans(), st.booleans())
    tests = st.one_of(inner, st.builds(tree.Test, OPS, inner), ranges)
    return st.one_of(
        st.builds(tree.Compare, OPS, inner, inner),
        st.builds(tree.Arithmetic, st.sampled_from("+-*/"), inner, inner),
        st.builds(tree.Between, inner, inner, inner),
        st.builds(tree.In, inner, _many(tests)),
        st.builds(tree.And, _many(plain, 2)),
        st.builds(tree.Or, _many(plain, 2)),
        st.builds(tree.Not, inner),
        st.builds(tree.Negate, inner),
        st.builds(tree.If, inner, inner, inner),
        st.builds(
            tree.Quantified, st.sampled_from(["some", "every", "no"]), st.just("item"), inner, inner
        ),
        st.builds(tree.For, st.sampled_from(["item", "x", "商品"]), inner, inner),
        st.builds(tree.Filter, inner, inner),
        st.builds(
            tree.Member, st.builds(tree.Filter, inner, inner), st.sampled_from(["quantity", "数量"])
        ),
        st.builds(tree.Presence, inner, st.booleans()),
        st.builds(tree.ListOf, _many(inner, 0)),
        st.builds(
            tree.Call,
            st.sampled_from(["starts_with", "since", "round_half_up", "string_join", "未知"]),
            _many(inner, 2),
        ),
    )


TREES = st.recursive(st.one_of(LITERALS, NAMES.map(tree.Name)), _bigger, max_leaves=12)


@settings(max_examples=400, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
@given(TREES)
def test_the_canonical_text_of_any_tree_parses_back_to_it(node: tree.Node) -> None:
    text = render(node)
    if len(text) <= MAX_CHARACTERS:
        assert parse(text) == node


@settings(max_examples=300, deadline=None, print_blob=True)
@given(st.text(alphabet=' aitem.()[]"“”><=≥，+-*/0123456789?@andorinot订单', max_size=40))
def test_any_text_is_either_read_or_refused_with_a_place(text: str) -> None:
    try:
        again = render(parse(text))
    except ExpressionError as error:
        refused = error
    else:
        assert parse(again) == parse(text)
        return
    assert 0 <= refused.problem.at <= len(text)
    assert refused.text("zh") != refused.text("en")


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("a≥1", "a >= 1"),
        ("a ≠ “顺丰”", 'a != "顺丰"'),
        ("（a＋1）×2", "(a + 1) * 2"),
        ("contains(a，「加急，请」)", 'contains(a, "加急，请")'),
        ("a in (“x”、“y”)", 'a in ("x", "y")'),
        ('starts with( a , "b" )', 'starts with(a, "b")'),
        ("2000元", "2000 CNY"),
        ("48h", "48h"),
        ("24h>1d", "24h > 24h"),
        ("a and(b or c)", "a and (b or c)"),
        ("  a\n  and b ", "a and b"),
        ("１００", "100"),
    ],
)
def test_what_is_typed_has_one_canonical_text(typed: str, canonical: str) -> None:
    assert render(parse(typed)) == canonical


@pytest.mark.parametrize(
    ("text", "at", "word"),
    [
        ("a == 1", 3, "one ="),
        ("a && b", 2, "and"),
        ("a = 'x'", 4, "double quotes"),
        ("order.total >", 13, "too early"),
        ("(a", 2, "bracket"),
        ("a b", 2, "quotes"),
        ('a = "x', 4, "quote isn't closed"),
        ("not a", 4, "not(…)"),
        ('a > @"2026-11-11T00:00:00"', 4, "offset"),
        ("", 0, "empty"),
        ('date("2026-02-30")', 0, "valid value"),
    ],
)
def test_wrong_text_names_the_place_and_the_remedy(text: str, at: int, word: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert caught.value.problem.at == at
    assert word in caught.value.text("en")


def test_an_expression_of_two_thousand_characters_is_read_and_one_more_is_not() -> None:
    text = '"' + "x" * (MAX_CHARACTERS - 2) + '"'
    assert parse(text)
    with pytest.raises(ExpressionError, match="longer than 2000"):
        parse(text + " ")


def test_forty_levels_are_read_and_one_more_is_not() -> None:
    assert parse("not(" * 39 + "a" + ")" * 39)
    with pytest.raises(ExpressionError, match="deeper than 40"):
        parse("not(" * 40 + "a" + ")" * 40)


@pytest.mark.parametrize(
    "text", ["(" * 900 + "a" + ")" * 900, "a" + "+a" * 900, "[" * 600, "-" * 1_500 + "1"]
)
def test_hostile_nesting_is_answered_without_exhausting_the_stack(text: str) -> None:
    codes = set()
    try:
        parse(text)
    except ExpressionError as error:
        codes.add(error.code)
    assert codes <= {"rule.expression_too_deep", "rule.syntax"}


@pytest.mark.parametrize(
    ("cell", "tests", "negated"),
    [
        ("-", 0, False),
        (">= 2000", 1, False),
        ("[100..200)", 1, False),
        ('"SF","JD"', 2, False),
        ('not("新疆")', 1, True),
        ('not("新疆", "西藏")', 2, True),
        ("not(< 5)", 1, True),
        ("true", 1, False),
        ("> 5, < 2", 2, False),
        ('contains(?, "加急")', 1, False),
        ("-5", 1, False),
    ],
)
def test_table_cells_are_unary_tests(cell: str, tests: int, negated: bool) -> None:
    found = parse_unary(cell)
    assert isinstance(found, UnaryTests)
    assert (len(found.tests), found.negated) == (tests, negated)


@pytest.mark.parametrize(
    ("text", "code", "near"),
    [
        ("order.totl > 1 CNY", "rule.unknown_field", "order.total"),
        ("订单.金客 > 1 CNY", "rule.unknown_field", "订单.金额"),
        ("some item in items satisfies item.fragil", "rule.unknown_field", "item.fragile"),
        ("order.total > 100", "rule.type_compare", ""),
        ('order.invoice_wanted = "yes"', "rule.type_compare", ""),
        ("order.total + 1 > 1 CNY", "rule.type_arithmetic", ""),
        ("item.fragile", "rule.line_outside", ""),
        ("history.similar_orders > 1", "rule.window_missing", ""),
        ('contain(order.buyer_memo, "x")', "rule.unknown_function", FUNCTIONS["contains"].usage),
        ('contains(order.total, "x")', "rule.type_arguments", ""),
        ('payment.status = "payed"', "rule.unknown_choice", "paid"),
        ('payment.status in ("paid", "unpayed")', "rule.unknown_choice", "unpaid"),
        ("order.buyer_memo > null", "rule.compare_with_null", ""),
        ("order.weight_g > order.quantity", "rule.unit_mismatch", ""),
        ('order.paid_at > @"2026-11-11"', "rule.type_compare", ""),
        ("order.total and order.invoice_wanted", "rule.not_boolean", ""),
        ("some x in order.total satisfies x > 1", "rule.not_a_list", ""),
        ("order.channel = taobao", "rule.unknown_field", ""),
        ("since(order.paid_at) > 24", "rule.type_compare", ""),
        ('"老客" = order.tags', "rule.type_compare", ""),
        ("decided.exclude is missing", "rule.decided_outside_stages", ""),
        ("order.total.x = 1", "rule.unknown_field", "order.total"),
        ('now in "peak"', "rule.type_compare", ""),
        ("order.invoice_wanted > true", "rule.type_compare", ""),
    ],
)
def test_type_and_name_mistakes_have_their_code_and_nearest_name(
    text: str, code: str, near: str, vocabulary: Vocabulary
) -> None:
    _, _, problems = bind(parse(text), Scope(vocabulary))
    assert code in [problem.code for problem in problems], problems
    if near:
        assert problems[0].near == near
    assert all(problem.zh != problem.en for problem in problems)


def test_a_problem_knows_where_in_the_expression_it_is(vocabulary: Vocabulary) -> None:
    _, _, problems = bind(parse("order.quantity > 1 and order.totl > 1 CNY"), Scope(vocabulary))
    assert [problem.at for problem in problems] == [23]


def test_every_function_shows_a_usage_that_type_checks(vocabulary: Vocabulary) -> None:
    usages = [text for function in FUNCTIONS.values() for text in function.usage.split(" or ")]
    assert len(usages) >= 28
    for usage in usages:
        inside = f"some item in items satisfies coalesce({usage}, null) is present"
        _, _, problems = bind(parse(inside if "item." in usage else usage), Scope(vocabulary))
        assert not problems, (usage, [problem.en for problem in problems])


def test_literals_keep_their_exact_digits() -> None:
    node: Any = parse("0.10")
    assert node.value == Decimal("0.10")
    assert render(node) == "0.10"


def test_true_is_no_one() -> None:
    assert parse("true") != parse("1")
    assert parse("1.0") == parse("1")
    assert parse("[true]") != parse("[1]")
