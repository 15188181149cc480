"""Rule sets as DMN: valid files, and the same decisions when they are imported again."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from random import Random
from xml.etree.ElementTree import Element, fromstring

import pytest
from exchanging import DMN, brought, errors
from hypothesis import HealthCheck, given, settings
from strategies import NOW, FactDocuments, a_ruleset, a_vocabulary, seeds

from tidegate.engine.cases import discover, load_pack, run_cases
from tidegate.engine.reader import read_ruleset
from tidegate.engine.reference import evaluate
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.values import Money
from tidegate.engine.vocabulary import Vocabulary
from tidegate.errors import TidegateError
from tidegate.interchange.dmn_writing import write_dmn
from tidegate.interchange.importing import import_file
from tidegate.interchange.options import Options
from tidegate.interchange.remarks import Exported

ROOT = Path(__file__).parents[2]
PACKS = discover(ROOT / "rules")
ORDER = [  # what the schema allows inside of definitions and decisions, in its order
    "extensionElements", "itemDefinition", "inputData", "decision", "DMNDI",
]  # fmt: skip
INSIDE = ["description", "variable", "informationRequirement", "decisionTable", "literalExpression"]


def tag(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def returned(ruleset: RuleSet, made: Exported) -> RuleSet:
    found = import_file("set.dmn", made.data, ruleset.vocabulary, Options(gate=ruleset.gate))
    assert found.complete, [remark.en for remark in found.remarks]
    assert found.read == found.accepted == made.written
    return read_ruleset(dict(found.document), ruleset.vocabulary)


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.ruleset.stem)
def test_shipped_sets_make_valid_files(vocabulary: Vocabulary, pack: object) -> None:
    ruleset, _ = load_pack(pack, vocabulary)  # type: ignore[arg-type]  # a Pack
    made = write_dmn(ruleset)
    root = fromstring(made.data)
    assert root.tag == f"{{{DMN}}}definitions"
    tags = [tag(child) for child in root]
    assert tags == sorted(tags, key=ORDER.index)
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert [name for name, count in Counter(ids).items() if count > 1] == []
    assert all(re.fullmatch(r"[A-Za-z_][\w.-]*", str(one)) for one in ids)
    targets = [str(element.get("href"))[1:] for element in root.iter() if element.get("href")]
    assert targets
    assert set(targets) <= set(ids)
    decisions = root.findall(f"{{{DMN}}}decision")
    names = [decision.get("name") for decision in decisions]
    assert len(set(names)) == len(names)
    for decision in decisions:
        inside = [tag(child) for child in decision]
        assert inside == sorted(inside, key=INSIDE.index)
        for table in decision.findall(f"{{{DMN}}}decisionTable"):
            width = Counter(tag(child) for child in table)
            assert width["input"] >= 1
            assert width["output"] >= 1
            for rule in table.findall(f"{{{DMN}}}rule"):
                cells = Counter(tag(child) for child in rule)
                assert cells["inputEntry"] == width["input"]
                assert cells["outputEntry"] == width["output"]
                assert cells["annotationEntry"] == width["annotation"]


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.ruleset.stem)
def test_shipped_sets_come_back_with_what_dmn_can_say(vocabulary: Vocabulary, pack: object) -> None:
    """Cases whose outcome rests on a rule that DMN can't say are left out, and counted."""
    ruleset, cases = load_pack(pack, vocabulary)  # type: ignore[arg-type]  # a Pack
    made = write_dmn(ruleset)
    lost = {remark.place.table for remark in made.remarks}
    assert made.written == made.rules - len(lost)
    assert {remark.code for remark in made.remarks} <= {"interchange.not_in_feel"}
    back = returned(ruleset, made)
    own = {result.case.name: result for result in run_cases(ruleset, cases)}
    held = 0
    for result in run_cases(back, cases):
        before = own[result.case.name].decision
        if before is None or any(
            trace.rule.id in lost and trace.result != "not" for trace in before.rules
        ):
            continue
        if any(name in str(result.case.expect) for name in lost):
            continue
        assert result.passed, (result.case.name, [one.en for one in result.differences])
        held += 1
    assert held >= len(cases) // 2 > 0


def compare(seed: int, tally: Counter[str]) -> None:
    rng = Random(seed)
    ruleset = a_ruleset(rng, a_vocabulary(rng))
    made = write_dmn(ruleset)
    tally["rules"] += made.rules
    tally["written"] += made.written
    if made.written == 0:
        return
    back = returned(ruleset, made)
    if made.written < made.rules:
        return
    maker = FactDocuments(ruleset)
    for _ in range(8):
        facts = maker.document(rng)
        assert _decided(ruleset, facts) == _decided(back, facts), seed
        tally["decisions"] += 1


def _decided(ruleset: RuleSet, facts: dict[str, object]) -> object:
    """Actions with arguments and the rule each came from; the order within a rule may differ."""
    try:
        decision = evaluate(ruleset, facts, NOW)
    except TidegateError as error:
        return error.code
    return sorted(
        repr((o.action, {name: _said(value) for name, value in o.args.items()}, o.rule))
        for o in decision.actions
    )


def _said(value: object) -> object:
    """An amount without its needless zeros."""
    return (value.amount.normalize(), value.currency) if isinstance(value, Money) else value


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seeds())
def test_random_sets_decide_the_same_after_a_round_trip(seed: int) -> None:
    compare(seed, Counter())


@pytest.mark.long
def test_a_thousand_random_sets_decide_the_same() -> None:
    tally: Counter[str] = Counter()
    for seed in range(1_000):
        compare(seed, tally)
    print(tally)
    assert tally["decisions"] >= 2_000
    assert tally["written"] >= 0.6 * tally["rules"]


TABLE = """
tidegate: ruleset/1
id: fees
gate: routing
title: {zh: 快递选择, en: Carrier}
policy: first
parameters:
  high: {type: money, value: 2000 CNY, min: 1 CNY, max: 9000 CNY, title: {zh: 高值, en: High value}}
lists:
  remote: [新疆, 西藏]
derive:
  heavy: {title: {zh: 重货, en: Heavy}, value: parcel.weight_g > 10000}
tables:
  - id: carrier
    title: {zh: 选快递, en: Choose}
    why: {zh: 贵的走顺丰, en: Dear goods go by SF}
    policy: unique
    inputs: [parcel.goods_value, recipient.province, heavy]
    outputs: [use_service]
    rows:
      - {id: dear, when: [">= high", -, -], then: [SF.standard], why: {zh: 保价, en: Insured}, note: 高价值}
      - {id: far, when: ["< high", remote, "false"], then: [CHINAPOST.parcel]}
"""
EDITED = (
    ("&lt; high", "&lt;= high"),
    ('"CHINAPOST.parcel"', '"ZTO.standard"'),
    (">2000<", ">1500<"),
    ("<description>贵的走顺丰<", "<description>高值走顺丰<"),
    (">Insured<", ">Insured by SF<"),
)


def test_a_table_keeps_its_cells_names_and_policy_in_feel(vocabulary: Vocabulary) -> None:
    made = write_dmn(read_ruleset(TABLE, vocabulary))
    text = made.data.decode()
    assert 'hitPolicy="UNIQUE"' in text
    for part in ("&gt;= high", "&lt; high", ">remote<", '["新疆", "西藏"]', ">2000<",
                 "parcel.weight_g &gt; 10000", '"SF.standard"'):  # fmt: skip
        assert part in text, part


def test_what_another_tool_edits_is_what_comes_back(vocabulary: Vocabulary) -> None:
    text = write_dmn(read_ruleset(TABLE, vocabulary)).data.decode()
    for old, new in EDITED:
        assert old in text
        text = text.replace(old, new)
    found = brought(text, vocabulary, "fees.dmn")
    assert found.complete
    (table,) = found.document["tables"]
    assert table["rows"][1] == {
        "id": "far", "when": ["<= high", "remote", "false"], "then": ["ZTO.standard"],
    }  # fmt: skip
    assert table["why"] == {"zh": "高值走顺丰", "en": "Dear goods go by SF"}
    assert table["rows"][0]["why"] == {"zh": "保价", "en": "Insured by SF"}
    assert found.document["parameters"]["high"] == {
        "type": "money", "value": "1500 CNY", "min": "1 CNY", "max": "9000 CNY",
        "title": {"zh": "高值", "en": "High value"},
    }  # fmt: skip


def test_a_reason_in_one_text_is_read_from_a_file_made_before(vocabulary: Vocabulary) -> None:
    text = write_dmn(read_ruleset(TABLE, vocabulary)).data.decode()
    before = text.replace('name="why.zh"', 'name="why"').replace('name="why.en"', 'name="x"')
    before = re.sub(r' tidegate:why-en="[^"]*"', "", before)
    (table,) = brought(before, vocabulary, "fees.dmn").document["tables"]
    assert table["why"] == "贵的走顺丰"
    assert table["rows"][0]["why"] == "保价"


def test_a_row_another_tool_broke_is_named(vocabulary: Vocabulary) -> None:
    text = write_dmn(read_ruleset(TABLE, vocabulary)).data.decode()
    found = brought(text.replace("&lt; high", "&lt; hihg"), vocabulary, "fees.dmn")
    assert (found.read, found.accepted) == (2, 1)
    assert errors(found) == [("carrier", 2, "parcel.goods_value", "rule.unknown_field")]


def test_without_our_extension_the_file_is_read_as_any_other(vocabulary: Vocabulary) -> None:
    """Another tool may drop what it does not know; the table itself still says what it says."""
    text = write_dmn(read_ruleset(TABLE, vocabulary)).data.decode()
    plain = re.sub(r"<extensionElements>.*?</extensionElements>", "", text, flags=re.S)
    plain = re.sub(r' tidegate:[\w-]+="[^"]*"', "", plain)
    found = brought(plain, vocabulary, "fees.dmn", gate="routing")
    assert found.complete, [remark.en for remark in found.remarks]
    facts = {
        "parcel": {"goods_value": "2000 CNY", "weight_g": 1},
        "recipient": {"province": "西藏"},
    }
    for value, wanted in (("2000 CNY", "SF.standard"), ("1999.99 CNY", "CHINAPOST.parcel")):
        facts["parcel"]["goods_value"] = value
        decision = evaluate(read_ruleset(dict(found.document), vocabulary), facts, NOW)
        assert [outcome.main for outcome in decision.actions] == [wanted]


def test_what_dmn_cannot_say_is_named_rule_by_rule(vocabulary: Vocabulary) -> None:
    text = """
tidegate: ruleset/1
id: odd
gate: review
policy: collect
derive:
  lately: history.similar_orders(24h) >= 1
rules:
  - {id: window, title: w, if: [lately], then: [tag: a]}
  - {id: hours, title: h, if: ["since(order.paid_at, warehouse_hours) > 1h"], then: [tag: b]}
  - {id: euros, title: e, if: ["order.total > 5 EUR"], then: [tag: c]}
  - {id: yuan, title: y, if: ["order.freight > 5 CNY"], then: [tag: d]}
  - {id: fine, title: f, if: [order.quantity > 1], active: {from: 2026-11-01, to: 2026-11-12}, then: [tag: e]}
"""
    ruleset = read_ruleset(text, vocabulary)
    made = write_dmn(ruleset)
    assert (made.rules, made.written) == (5, 2)
    assert {remark.place.table: remark.code for remark in made.remarks} == {
        "lately": "interchange.not_in_feel",
        "window": "interchange.derived_absent",
        "hours": "interchange.not_in_feel",
        "yuan": "interchange.two_currencies",
    }
    back = returned(ruleset, made)
    for day, wanted in (("2026-11-12", ["e"]), ("2026-11-13", [])):
        now = NOW.fromisoformat(f"{day}T12:00:00+08:00")
        decision = evaluate(back, {"order": {"quantity": 2, "total": "1 EUR"}}, now)
        assert [outcome.main for outcome in decision.actions] == wanted


def test_conditions_on_one_fact_never_replace_each_other(vocabulary: Vocabulary) -> None:
    text = """
tidegate: ruleset/1
id: odd
gate: review
policy: collect
rules:
  - {id: both, title: b, if: [order.quantity > 1, order.quantity < 5, order.quantity != 3], then: [tag: a]}
  - {id: never, title: n, if: [{none: [recipient.phone_valid]}, recipient.phone_valid], then: [tag: b]}
"""
    ruleset = read_ruleset(text, vocabulary)
    back = returned(ruleset, write_dmn(ruleset))
    for quantity, valid, wanted in (
        (2, True, ["a"]),
        (3, False, []),
        (5, True, []),
        (1, False, []),
    ):
        facts = {"order": {"quantity": quantity}, "recipient": {"phone_valid": valid}}
        decision = evaluate(back, facts, NOW)
        assert [outcome.main for outcome in decision.actions] == wanted
