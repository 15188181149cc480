"""What the compiled evaluator promises beyond agreement."""

from __future__ import annotations

import itertools
import random
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tidegate.engine.agreement import compare
from tidegate.engine.compiled import FactDocument, compile_set
from tidegate.engine.explain import away, flipped, span
from tidegate.engine.logic import Truth, conjunction, disjunction, negation
from tidegate.engine.reference import evaluate
from tidegate.engine.rulesets import Condition, Leaf
from tidegate.engine.values import Money
from tidegate.errors import InputError

NOON = datetime(2026, 11, 11, 4, tzinfo=UTC)
HEAD = "tidegate: ruleset/1\nid: t\ngate: review\n"


def rules(*entries: str) -> str:
    return "rules:\n" + "".join(f"  - {entry}\n" for entry in entries)


COLLECT = HEAD + "policy: collect\n"


def tags(*conditions: str) -> str:
    """One rule tagging `t0`, `t1` … for each condition."""
    lines = (f"{{id: r{n}, if: ['{c}'], then: [tag: t{n}]}}" for n, c in enumerate(conditions))
    return COLLECT + rules(*lines)


def fired(read: Any, text: str, facts: dict[str, Any]) -> tuple[str, ...]:
    ruleset = read(text)
    program = compile_set(ruleset)
    assert compare(program, facts, NOON) is None
    return program.decide(facts, NOON).fired


def test_thresholds_decide_exactly_at_their_value(read: Any) -> None:
    text = tags(
        "order.total >= 100 CNY", "order.total > 100 CNY", "order.total = 100 CNY",
        "order.total < 100 CNY", "order.total <= 100 CNY", "order.total in (100 CNY..200 CNY]",
    )  # fmt: skip
    at = lambda total: fired(read, text, {"order": {"total": total}})  # noqa: E731
    assert at("99.99 CNY") == ("r3", "r4")
    assert at("100 CNY") == ("r0", "r2", "r4")
    assert at("100.00000001 CNY") == ("r0", "r1", "r5")
    assert at("200 CNY") == ("r0", "r1", "r5")
    assert at("200.01 CNY") == ("r0", "r1")


def test_another_currency_is_unknown_except_against_a_bare_zero(read: Any) -> None:
    text = tags("order.total > 100 CNY", "order.total > 0", "order.total > 5 USD")
    ruleset = read(text)
    ruling = compile_set(ruleset).decide({"order": {"total": "99 USD"}}, NOON)
    assert ruling.fired == ("r1", "r2")
    assert ruling.unknown == ("r0",)
    assert ruling.missing == ("order.total",)


def test_text_is_folded_and_unseen_texts_are_looked_up(read: Any) -> None:
    text = tags(
        'order.channel = "JD"', 'order.channel in ("抖音", "tmall")', 'order.channel != "jd"'
    )
    for channel, wanted in (
        ("ｊｄ ", ("r0",)),
        ("抖音", ("r1", "r2")),
        ("TMALL", ("r1", "r2")),
        ("x", ("r2",)),
    ):
        assert fired(read, text, {"order": {"channel": channel}}) == wanted


def test_exact_text_beside_folded_text_is_compared_letter_by_letter(read: Any) -> None:
    text = tags(
        'order.channel = exact("JD")',
        'order.channel = "JD"',
        'order.channel in ("tmall", exact("jd"))',
        'not(order.channel = exact("jd"))',
    )
    channel = lambda value: fired(read, text, {"order": {"channel": value}})  # noqa: E731
    assert channel("JD") == ("r0", "r1", "r3")
    assert channel("jd") == ("r1", "r2")
    assert channel("Jd") == ("r1", "r3")
    assert channel("TMALL") == ("r2", "r3")


def test_words_in_a_text_are_found_whatever_its_length(read: Any) -> None:
    text = tags('contains(order.buyer_memo, "加急")', 'not(contains(order.buyer_memo, "发票"))')
    assert fired(read, text, {"order": {"buyer_memo": "请加急"}}) == ("r0", "r1")
    assert fired(read, text, {"order": {"buyer_memo": "请加急，开发票" + "。" * 500}}) == ("r0",)
    assert fired(read, text, {}) == ()


def test_lines_are_indexed_for_some_and_no(read: Any) -> None:
    text = tags(
        'some item in items satisfies item.category = "茶具"',
        'no item in items satisfies item.category = "茶具"',
        "some item in items satisfies item.fragile",
        "every item in items satisfies item.available >= item.quantity",
    )
    lines = [{"category": "茶具", "fragile": False, "quantity": 2, "available": 2},
             {"category": "布艺", "fragile": True, "quantity": 1, "available": 0}]  # fmt: skip
    assert fired(read, text, {"items": lines}) == ("r0", "r2")
    assert fired(read, text, {"items": lines[:1]}) == ("r0", "r3")
    assert fired(read, text, {"items": lines[1:]}) == ("r1", "r2")
    assert fired(read, text, {"items": []}) == ("r1",)
    unknown = compile_set(read(text)).decide({"items": [{"quantity": 1}]}, NOON)
    assert (unknown.fired, unknown.unknown) == ((), ("r0", "r1", "r2", "r3"))


def test_a_document_of_typed_values_decides_like_the_same_document_as_json(read: Any) -> None:
    text = tags("order.total > 100 CNY", "order.quantity >= 2", "since(order.paid_at) > 24h")
    paid = datetime(2026, 11, 10, 3, 59, 59, tzinfo=UTC)
    typed = FactDocument(
        order={"total": Money(Decimal("100.01"), "CNY"), "quantity": 2, "paid_at": paid}
    )
    plain = {"order": {"total": "100.01 CNY", "quantity": "2", "paid_at": paid.isoformat()}}
    program = compile_set(read(text))
    assert program.decide(typed, NOON).fired == ("r0", "r1", "r2")
    assert program.decide(plain, NOON).fired == ("r0", "r1", "r2")


def test_a_value_of_the_wrong_kind_is_refused_by_name_even_where_no_rule_gets_to_it(
    read: Any,
) -> None:
    text = HEAD + "policy: first\n" + rules(
        "{id: a, if: ['order.channel = \"jd\"'], then: [approve]}",
        "{id: b, if: ['order.total > 1 CNY'], then: [approve]}",
    )  # fmt: skip
    ruleset = read(text)
    facts = {"order": {"channel": "jd", "total": "plenty"}}
    for decide in (
        lambda: evaluate(ruleset, facts, NOON),
        lambda: compile_set(ruleset).decide(facts, NOON),
    ):
        with pytest.raises(InputError) as caught:
            decide()
        assert caught.value.code == "facts.bad_value"
        assert caught.value.fields["fact"] == "order.total"


def test_equal_actions_of_several_rules_come_once(read: Any) -> None:
    text = HEAD + "policy: priority\nseverity: [hold, approve]\n" + rules(
        "{id: a, if: ['order.quantity > 1'], then: [approve]}",
        "{id: b, if: ['order.quantity > 2'], then: [approve]}",
        "{id: c, if: ['order.quantity > 3'], then: [hold: {reason: many, queue: finance}]}",
        "{id: d, if: ['order.quantity > 3'], then: [hold: {reason: very_many, queue: finance}]}",
    )  # fmt: skip
    program = compile_set(read(text))
    for quantity in range(6):
        facts = {"order": {"quantity": quantity}}
        assert compare(program, facts, NOON) is None
    actions = program.decide({"order": {"quantity": 3}}, NOON).actions
    assert [(one.action, one.rule) for one in actions] == [("approve", "a")]
    held = program.decide({"order": {"quantity": 4}}, NOON)
    assert [one.args["reason"] for one in held.actions] == ["many", "very_many"]
    assert [(o.outcome.rule, o.by, o.reason) for o in held.overridden] == [
        ("a", "c", "severity"), ("b", "c", "severity"),
    ]  # fmt: skip


def test_near_misses_are_rules_that_one_leaf_kept_from_firing(read: Any) -> None:
    text = COLLECT + rules(
        "{id: one, if: ['order.quantity > 5', 'order.channel = \"jd\"'], then: [tag: a]}",
        "{id: two, if: ['order.quantity > 5', 'order.channel = \"tmall\"'], then: [tag: b]}",
        "{id: alternative, if: [{any: ['order.quantity > 9', 'order.channel = \"tmall\"']}], then: [tag: c]}",
        "{id: unknown, if: ['order.total > 1 CNY'], then: [tag: d]}",
        "{id: none, if: [{none: ['order.channel = \"jd\"', 'order.quantity > 5']}], then: [tag: e]}",
        "{id: fires, if: ['order.channel = \"jd\"'], then: [tag: f]}",
    )
    ruling = compile_set(read(text)).decide({"order": {"quantity": 1, "channel": "jd"}}, NOON)
    assert ruling.fired == ("fires",)
    assert ruling.near_misses == ("one", "alternative", "unknown", "none")


def test_a_decision_traces_the_rules_that_matter_and_all_on_request(read: Any) -> None:
    text = COLLECT + rules(
        "{id: fires, if: ['order.channel = \"jd\"'], then: [tag: f]}",
        "{id: near, if: ['order.channel = \"jd\"', 'order.quantity > 5'], then: [tag: a]}",
        "{id: far, if: ['order.channel = \"tmall\"', 'order.quantity > 5'], then: [tag: b]}",
    )
    facts = {"order": {"quantity": 1, "channel": "jd"}}
    ruleset = read(text)
    ruling = compile_set(ruleset).decide(facts, NOON)
    brief = ruling.decision()
    assert [trace.rule.id for trace in brief.rules] == ["fires", "near"]
    assert not brief.full
    assert ruling.full() == evaluate(ruleset, facts, NOON)


def test_a_brief_decision_keeps_of_a_near_miss_the_leaf_it_failed_by(read: Any) -> None:
    text = COLLECT + rules(
        "{id: fires, if: ['order.channel = \"jd\"'], then: [tag: f]}",
        "{id: near, if: ['order.channel = \"jd\"', 'order.quantity > 5'], then: [tag: a]}",
        "{id: far, if: ['order.channel = \"tmall\"', 'order.quantity > 5'], then: [tag: b]}",
        "{id: unknown, if: ['order.total > 1 CNY'], then: [tag: d]}",
    )
    ruling = compile_set(read(text)).decide({"order": {"quantity": 1, "channel": "jd"}}, NOON)
    document = ruling.brief().as_document()
    assert [row["id"] for row in document["rules"]] == ["fires", "near", "unknown"]  # type: ignore[index]
    assert document["rules"][1:] == [  # type: ignore[index]
        {"id": "near", "result": "not", "near": 1, "leaves": [{"text": "order.quantity > 5", "result": False}]},
        {"id": "unknown", "result": "unknown", "near": 0, "leaves": [
            {"text": "order.total > 1 CNY", "result": "unknown"},
        ]},
    ]  # fmt: skip
    assert document["untraced"] == 1


def test_one_leaf_away_is_what_turning_each_leaf_round_finds(read: Any) -> None:
    """Against the definition: some one leaf, true or false instead, and the condition holds."""
    rng = random.Random(20261129)
    leaf = (
        read(COLLECT + rules("{id: a, if: ['order.quantity > 5'], then: [tag: a]}"))
        .rules[0]
        .leaves[0]
    )

    def grown(depth: int) -> Condition:
        parts = [
            grown(depth - 1) if depth and rng.random() < 0.4 else leaf
            for _ in range(rng.randint(1, 3))
        ]
        return Condition(rng.choice(("all", "any", "none")), tuple(parts))

    def holds(condition: Condition, rest: Iterator[Truth]) -> Truth:
        found = [next(rest) if isinstance(p, Leaf) else holds(p, rest) for p in condition.parts]
        if condition.kind == "all":
            return conjunction(found)
        return disjunction(found) if condition.kind == "any" else negation(disjunction(found))

    seen = Counter[bool]()
    for _ in range(4_000):
        condition = grown(3)
        truths = [rng.choice((True, False, None)) for _ in condition.leaves()]
        first = None
        if holds(condition, iter(truths)) is not True:
            turned = (
                (place, [*truths[:place], other, *truths[place + 1 :]])
                for place in range(len(truths))
                for other in (True, False)
            )
            first = next((n for n, one in turned if holds(condition, iter(one)) is True), None)
            assert away(span(condition), truths.__getitem__, fails=True) == first, (
                condition,
                truths,
            )
        assert flipped(condition, truths) == first, (condition, truths)
        seen[first is None] += 1
    assert min(seen.values()) > 500


def test_one_program_serves_many_threads(read: Any) -> None:
    text = tags(*(f"order.quantity = {n}" for n in range(50)), 'contains(order.buyer_memo, "x")')
    program = compile_set(read(text))
    wrong: list[object] = []

    def work(number: int) -> None:
        for step in range(2_000):
            quantity = (number + step) % 50
            facts = FactDocument(order={"quantity": quantity, "buyer_memo": f"{number} {step}"})
            if program.decide(facts, NOON).fired != (f"r{quantity}",):
                wrong.append((number, step))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def looks_of(program: Any, kind: type) -> list[Any]:
    """The objects of this class that the code of the first part may ask."""
    kept = program.parts[0].code.namespace.values()
    looks = [getattr(value, "__self__", None) for value in kept]
    return [look for look in looks if isinstance(look, kind)]


def test_what_is_remembered_of_texts_is_bounded(read: Any) -> None:
    from tidegate.engine.compiled.columns import MEMO, OpenTexts

    program = compile_set(read(tags('order.channel = "jd"', 'recipient.city = "a"')))
    tables = [look.seen for look in looks_of(program, OpenTexts)]
    assert len(tables) == 2
    for number in range(MEMO * 2):
        program.decide(
            FactDocument(order={"channel": f"c{number}"}, recipient={"city": f"s{number}"}), NOON
        )
    assert all(len(table) == MEMO for table in tables)


def test_two_texts_looked_up_as_one_are_bounded_and_mean_the_same(read: Any) -> None:
    from tidegate.engine.compiled.columns import MEMO, OpenPairs

    channels = ('= "jd"', 'in ("JD", "x")', '!= "x"', '= "z"')
    shops = ('= "a"', 'in ("A", "b")', '!= "a"', '= "z"')
    text = tags(*(f"order.channel {c}" for c in channels), *(f"order.shop {c}" for c in shops))
    program = compile_set(read(text))
    (pairs,) = looks_of(program, OpenPairs)
    for channel in ("jd", "ＪＤ", "x", "y", None):
        for shop in ("a", "Ａ", "b", None):
            assert compare(program, {"order": {"channel": channel, "shop": shop}}, NOON) is None
    assert compare(program, {"order": {"channel": "jd"}}, NOON) is None
    assert compare(program, {}, NOON) is None
    for number in range(MEMO * 2):
        order = {"channel": f"c{number}", "shop": f"s{number}"}
        assert program.decide(FactDocument(order=order), NOON).fired == ("r2", "r6")
    assert sum(map(len, pairs.seen.values())) == MEMO


PRIORITY = """
policy: priority
severity: [hold, approve]
on_missing: hold
otherwise: [hold: {reason: nothing_said}]
rules:
  - {id: one, if: [order.quantity > 1], then: [hold: {reason: one}]}
  - {id: two, if: [order.weight_g > 1], then: [hold: {reason: two}]}
  - {id: again, if: [order.line_count > 1], then: [hold: {reason: two}]}
  - {id: both, if: [order.total > 1 CNY], then: [hold: {reason: both}, tag: x]}
  - {id: fine, if: [order.invoice_wanted], then: [approve]}
  - {id: mark, if: ['order.kind = "gift"'], then: [tag: gift]}
"""
VALUES: dict[str, tuple[object, ...]] = {
    "quantity": (1, 2, None),
    "weight_g": (1, 2, None),
    "line_count": (1, 2),
    "total": ("1 CNY", "2 CNY"),
    "invoice_wanted": (False, True, None),
    "kind": ("normal", "gift"),
}


@pytest.mark.parametrize("on_missing", ["hold", "skip"])
def test_what_stands_with_the_most_severe_outcome_is_said_at_once(
    read: Any, on_missing: str
) -> None:
    program = compile_set(
        read(HEAD + PRIORITY.replace("on_missing: hold", f"on_missing: {on_missing}"))
    )
    short = 0
    for values in itertools.product(*VALUES.values()):
        order = dict(zip(VALUES, values, strict=True))
        assert compare(program, {"order": order}, NOON) is None, order
        short += {"one", "two"} & {
            o.rule for o in program.decide({"order": order}, NOON).actions
        } != set()
    assert short > 100


def test_rules_that_collect_what_others_say_too_are_put_together(read: Any) -> None:
    text = tags("order.quantity > 1", "order.weight_g > 1", "order.line_count > 1")
    program = compile_set(read(text.replace("tag: t2", "tag: t1")))
    for values in itertools.product((1, 2, None), repeat=3):
        order = dict(zip(("quantity", "weight_g", "line_count"), values, strict=True))
        assert compare(program, {"order": order}, NOON) is None, order
