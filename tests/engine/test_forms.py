"""Conditions as forms: golden shapes, what the editor is offered, and what it may not send."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tidegate.engine.form_operators import operators_for, type_form
from tidegate.engine.form_reading import MAX_LEVELS
from tidegate.engine.forms import (
    GROUPS,
    cell_form,
    cell_of,
    entries_of,
    expression_of,
    form_of,
    node_of,
    rule_keys_of,
)
from tidegate.engine.language.binding import Scope, bind
from tidegate.engine.language.parser import parse
from tidegate.engine.language.types import Type, list_of, of_fact
from tidegate.engine.problems import ExpressionError
from tidegate.engine.vocabulary import Vocabulary

TOTAL = {"name": "order.total"}
HIGH = {"name": "high"}
ITEM = {"subject": {"name": "item.fragile"}, "operator": "holds"}
GOLDEN: list[tuple[str, dict[str, Any]]] = [
    ("order.total >= high", {"subject": TOTAL, "operator": ">=", "value": HIGH}),
    (
        "order.total > 2000.50 CNY",
        {"subject": TOTAL, "operator": ">", "value": {"type": "money", "value": "2000.50 CNY"}},
    ),
    (
        "order.quantity = -5",
        {
            "subject": {"name": "order.quantity"},
            "operator": "=",
            "value": {"type": "number", "value": "-5"},
        },
    ),
    (
        "order.total between 1 CNY and high",
        {
            "subject": TOTAL,
            "operator": "between",
            "low": {"type": "money", "value": "1 CNY"},
            "high": HIGH,
        },
    ),
    (
        'not(order.channel in ("jd", remote))',
        {
            "subject": {"name": "order.channel"},
            "operator": "in",
            "tests": [{"is": {"type": "text", "value": "jd"}}, {"is": {"name": "remote"}}],
            "negated": True,
        },
    ),
    (
        "order.quantity in ([2..5), > 10)",
        {
            "subject": {"name": "order.quantity"},
            "operator": "in",
            "tests": [
                {
                    "low": {"type": "number", "value": "2"},
                    "high": {"type": "number", "value": "5"},
                    "low_closed": True,
                    "high_closed": False,
                },
                {"operator": ">", "value": {"type": "number", "value": "10"}},
            ],
        },
    ),
    (
        'contains(order.buyer_memo, "加急")',
        {
            "subject": {"name": "order.buyer_memo"},
            "operator": "contains",
            "value": {"type": "text", "value": "加急"},
        },
    ),
    ("order.total is missing", {"subject": TOTAL, "operator": "is_missing"}),
    ("order.invoice_wanted", {"subject": {"name": "order.invoice_wanted"}, "operator": "holds"}),
    (
        "since(order.paid_at, warehouse_hours) > 24h",
        {
            "subject": {"since": {"name": "order.paid_at"}, "calendar": "warehouse_hours"},
            "operator": ">",
            "value": {"type": "duration", "value": "24h"},
        },
    ),
    (
        "now in warehouse_hours",
        {
            "subject": {"name": "now"},
            "operator": "in",
            "tests": [{"is": {"name": "warehouse_hours"}}],
        },
    ),
    (
        "some item in items satisfies item.fragile",
        {
            "subject": {"name": "items"},
            "operator": "some",
            "variable": "item",
            "where": ITEM,
        },
    ),
    (
        "count(items[item.fragile]) >= 2",
        {
            "subject": {"count": {"name": "items"}, "where": ITEM},
            "operator": ">=",
            "value": {"type": "number", "value": "2"},
        },
    ),
    (
        "sum(items.quantity) > 20",
        {
            "subject": {"call": "sum", "args": [{"name": "items.quantity"}]},
            "operator": ">",
            "value": {"type": "number", "value": "20"},
        },
    ),
    (
        "history.similar_orders(24h) >= 1",
        {
            "subject": {
                "name": "history.similar_orders",
                "window": {"type": "duration", "value": "24h"},
            },
            "operator": ">=",
            "value": {"type": "number", "value": "1"},
        },
    ),
    (
        "order.total * 2 > high",
        {
            "subject": {
                "left": TOTAL,
                "arithmetic": "*",
                "right": {"type": "number", "value": "2"},
            },
            "operator": ">",
            "value": HIGH,
        },
    ),
    (
        "order.invoice_wanted or order.total is present",
        {
            "or": [
                {"subject": {"name": "order.invoice_wanted"}, "operator": "holds"},
                {"subject": TOTAL, "operator": "is_present"},
            ]
        },
    ),
    (
        "if order.invoice_wanted then true else false",
        {"text": "if order.invoice_wanted then true else false"},
    ),
]


@pytest.mark.parametrize(("text", "form"), GOLDEN, ids=[text for text, _ in GOLDEN])
def test_a_condition_as_a_form_and_back(text: str, form: dict[str, Any]) -> None:
    node = parse(text)
    assert form_of(node) == form
    assert expression_of(json.loads(json.dumps(form))) == text
    assert node_of(form) == node


@pytest.mark.parametrize(
    ("cell", "form"),
    [
        ("-", {"any": True}),
        (">= high", {"tests": [{"operator": ">=", "value": HIGH}]}),
        (
            'not("a", "b")',
            {
                "tests": [
                    {"is": {"type": "text", "value": "a"}},
                    {"is": {"type": "text", "value": "b"}},
                ],
                "negated": True,
            },
        ),
        (
            "? is missing",
            {"tests": [{"condition": {"subject": {"input": True}, "operator": "is_missing"}}]},
        ),
        ("true", {"tests": [{"is": {"type": "boolean", "value": True}}]}),
    ],
)
def test_a_cell_as_a_form_and_back(cell: str, form: dict[str, Any]) -> None:
    assert cell_form(cell) == form
    assert cell_of(form) == cell


def test_nested_groups_become_the_entries_of_a_rule() -> None:
    leaf = form_of(parse("order.invoice_wanted"))
    form = {"all": [leaf, {"any": [leaf, {"none": [{"text": "1 = 1"}]}]}]}
    assert entries_of(form) == [
        "order.invoice_wanted",
        {"any": ["order.invoice_wanted", {"none": ["1 = 1"]}]},
    ]
    assert rule_keys_of(form) == {"if": entries_of(form)}


# what comes from outside

WRONG: list[Any] = [
    None,
    5,
    "order.total > 1",
    [],
    {},
    {"subject": TOTAL},
    {"subject": TOTAL, "operator": "~", "value": HIGH},
    {"subject": TOTAL, "operator": ["="], "value": HIGH},
    {"subject": TOTAL, "operator": "=", "value": None},
    {"subject": TOTAL, "operator": "=", "value": HIGH, "extra": 1},
    {"subject": TOTAL, "operator": "="},
    {"subject": TOTAL, "operator": "in", "tests": []},
    {"subject": TOTAL, "operator": "some", "variable": "a.b", "where": {"text": "true"}},
    {"subject": TOTAL, "operator": "some", "variable": "x in y", "where": {"text": "true"}},
    {"subject": {"name": "order.total or true"}, "operator": "holds"},
    {"subject": {"name": "order.total"}, "operator": "holds", "negated": "x", "where": 1},
    {"subject": {"name": "true"}, "operator": "holds"},
    {"subject": {"type": "number", "value": 5}, "operator": "holds"},
    {"subject": {"type": "number", "value": "1e9999"}, "operator": "holds"},
    {"subject": {"type": "number", "value": "1; drop"}, "operator": "holds"},
    {"subject": {"type": "date", "value": "2026-02-30"}, "operator": "holds"},
    {"subject": {"type": "instant", "value": "2026-02-03T00:00:00"}, "operator": "holds"},
    {"subject": {"type": "any", "value": "x"}, "operator": "holds"},
    {"subject": {"call": "x.y", "args": []}, "operator": "holds"},
    {"subject": {"call": "f(", "args": []}, "operator": "holds"},
    {"subject": {"left": TOTAL, "arithmetic": "or", "right": TOTAL}, "operator": "holds"},
    {"subject": {"list": "abc"}, "operator": "holds"},
    {"text": "a >"},
    {"text": 5},
    {"and": [{"text": "true"}]},
    {"not": 1},
    {1: 2},
]


@pytest.mark.parametrize("form", WRONG, ids=lambda form: repr(form)[:60])
def test_what_is_no_form_is_refused_in_both_languages(form: Any) -> None:
    with pytest.raises(ExpressionError) as caught:
        expression_of(form)
    problem = caught.value.problem
    assert problem.zh
    assert problem.en
    assert problem.zh != problem.en


@pytest.mark.parametrize(
    "form", [None, {}, {"all": 1}, {"all": [], "any": []}, {"all": [{"any": [{"xor": []}]}]}]
)
def test_what_is_no_group_is_refused(form: Any) -> None:
    with pytest.raises(ExpressionError):
        entries_of(form)
    with pytest.raises(ExpressionError):
        rule_keys_of(form)


@pytest.mark.parametrize("form", [None, {}, {"tests": []}, {"tests": [{}]}, {"any": False}])
def test_what_is_no_cell_is_refused(form: Any) -> None:
    with pytest.raises(ExpressionError):
        cell_of(form)


def test_a_form_without_end_has_one() -> None:
    deep: dict[str, Any] = {"text": "true"}
    for _ in range(10_000):
        deep = {"not": deep}
    with pytest.raises(ExpressionError, match=str(MAX_LEVELS)):
        expression_of(deep)
    wide = {"or": [{"text": "true"}] * 100_000}
    with pytest.raises(ExpressionError):
        expression_of(wide)
    groups: dict[str, Any] = {"all": []}
    for _ in range(10_000):
        groups = {"any": [groups]}
    with pytest.raises(ExpressionError):
        entries_of(groups)


_KEYS = [
    "subject", "operator", "value", "tests", "name", "type", "window", "since", "until", "calendar", "count",
    "where", "call", "args", "list", "is", "low", "high", "low_closed", "high_closed", "and", "or", "not", "text",
    "variable", "negated", "filter", "field", "of", "minus", "left", "right", "arithmetic", "input", *GROUPS,
]  # fmt: skip
_ATOMS = st.sampled_from(
    [
        None,
        True,
        1,
        "=",
        "in",
        "some",
        "order.total",
        "item",
        "1",
        "text",
        "number",
        "(",
        "x or y",
        "",
    ]
)
_JSON = st.recursive(
    _ATOMS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(form=_JSON)
@example(form={"text": "in"})
@settings(max_examples=600, deadline=None)
def test_any_json_is_a_form_or_is_refused(form: Any) -> None:
    for read in (expression_of, cell_of, entries_of, rule_keys_of):
        try:
            found = read(form)
        except ExpressionError:
            continue
        if read is not entries_of:  # an empty group is no condition at all
            assert found
        if read is expression_of:
            assert isinstance(found, str)
            assert expression_of(form_of(parse(found))) == found


def test_a_damaged_form_is_a_form_or_is_refused() -> None:
    """Each golden form with one part replaced."""
    rng = Random(3)
    refused = 0
    for _ in range(3_000):
        form = json.loads(json.dumps(rng.choice(GOLDEN)[1]))
        place: Any = form
        while isinstance(place, dict) and place:
            key = rng.choice(list(place))
            if not isinstance(place[key], dict) or rng.random() < 0.3:
                place[key] = rng.choice(
                    [None, 1, "", "x y", [], {}, "in", True, ["="], {"text": "a"}]
                )
                break
            place = place[key]
        try:
            expression_of(form)
        except ExpressionError:
            refused += 1
    assert refused > 1_000


# what the editor is offered

SUBJECTS = [
    ("order.invoice_wanted", of_fact("boolean")),
    ("order.total", of_fact("money")),
    ("order.quantity", of_fact("number", "units")),
    ("order.shop", of_fact("text")),
    ("payment.status", of_fact("choice", "", ("paid", "unpaid"))),
    ("order.paid_at", of_fact("instant")),
    ("order.tags", list_of(of_fact("text"))),
    ("items", list_of(Type("line", line="items"))),
    ("items.unit_price", list_of(of_fact("money"))),
]
SAMPLES = {
    "number": "2",
    "money": "5 CNY",
    "duration": "24h",
    "text": "paid",
    "instant": "2026-11-11T00:00:00+00:00",
}


def _filled(name: str, offer: dict[str, Any]) -> dict[str, Any]:
    """The form an editor would make from the offer."""
    subject: dict[str, Any] = {"name": name}
    wrap = offer.get("wrap")
    if wrap in ("since", "until", "count"):
        subject = {wrap: subject}
    elif wrap == "sum":
        subject = {"call": "sum", "args": [subject]}
    form: dict[str, Any] = {"subject": subject, "operator": offer["operator"]}
    kind = offer.get("type", {}).get("kind", "")
    sample = {"type": kind, "value": SAMPLES.get(kind, "")}
    takes = offer["takes"]
    if takes == "value":
        form["value"] = sample
    elif takes == "range":
        form |= {"low": sample, "high": sample}
    elif takes == "tests":
        form["tests"] = [{"is": sample}, {"is": sample}]
    elif takes == "calendar":
        form["tests"] = [{"is": {"name": "warehouse_hours"}}]
    elif takes == "conditions":
        form |= {"variable": "x", "where": {"subject": {"name": "x"}, "operator": "is_present"}}
    return form | ({"negated": True} if offer.get("negated") else {})


@pytest.mark.parametrize(("name", "kind"), SUBJECTS, ids=[name for name, _ in SUBJECTS])
def test_every_offered_operator_makes_a_condition_that_type_checks(
    name: str, kind: Type, vocabulary: Vocabulary
) -> None:
    offers = operators_for(kind)
    assert len(offers) >= 4
    assert json.loads(json.dumps(offers)) == offers
    labels = [(offer["zh"], offer["en"]) for offer in offers]
    assert all(zh and en for zh, en in labels)
    assert len(set(labels)) == len(labels)
    for offer in offers:
        form = _filled(name, offer)
        node, found, problems = bind(node_of(form), Scope(vocabulary))
        assert (found.kind, problems) == ("boolean", []), (form, problems)
        assert form_of(node) == form


def test_a_type_says_what_an_editor_needs() -> None:
    assert type_form(of_fact("number", "g")) == {
        "kind": "number",
        "zh": "数字 (g)",
        "en": "number (g)",
        "unit": "g",
    }
    assert type_form(of_fact("choice", "", ("a", "b")))["values"] == ["a", "b"]
    assert type_form(list_of(Type("line", line="items")))["member"]["line"] == "items"
