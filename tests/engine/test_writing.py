"""Rule sets written back: what people read in a diff, and texts no YAML may change."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tidegate.engine.reader import read_ruleset
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.sourced import read_yaml
from tidegate.engine.vocabulary import Vocabulary
from tidegate.engine.writing import document_of, write
from tidegate.engine.yaml_text import yaml_text

PACKS = sorted((Path(__file__).parents[2] / "rules" / "tidegate_rules").glob("*/*.yaml"))
WRITTEN = """\
tidegate: ruleset/1
id: t
gate: review
title: {zh: 订单审核, en: Order review}
note: the whole set
policy: priority
severity: [reject, hold]
otherwise:
  - approve
on_missing: skip
parameters:
  large: {type: money, value: 500.00 CNY, min: 100 CNY, title: {zh: 大额, en: 'Large, really'}, note: agreed in 2026}
  share: {type: number, value: 2.50}
lists:
  remote: [新疆, 'NO', '12:30', '', '- x']
  sums: {type: money, values: [1 CNY, 2 USD]}
fields:
  custom.age: {type: number, unit: years, window: true, title: {zh: 年龄, en: Age}}
derive:
  vip: recipient.kind = "token"
  big: {value: order.total > large, title: {zh: 大单, en: Big}}
rules:
  - id: a
    title: 甲
    why: 'because: it is so'
    note: rule note
    active: {from: 2026-11-01}
    if:
      - vip
      - any:
          - 'contains(order.buyer_memo, "a: b")'
          - none:
              - big
    then:
      - hold: {reason: '= order.buyer_memo', queue: finance}
      - tag: [x, y]
  - id: b
    if: []
    then:
      - reject: '= "=1"'
tables:
  - id: t1
    title: {zh: 表, en: Table}
    why: {zh: 表的缘由, en: 'table: why'}
    policy: first
    inputs: [order.total, order.invoice_wanted]
    outputs: [tag, hold]
    rows:
      - {id: r1, title: 行, why: {zh: 缘由, en: row why}, when: ['>= large', true], then: [x, -], note: row note}
      - {id: r2, active: {to: 2026-11-12}, when: [-, not(?)], then: [-, {reason: r, queue: finance}]}
tests:
  - name: one
    at: 2026-11-22T09:00:00+08:00
    given: {order: {total: 500.01 CNY}, items: []}
    expect: {actions: [approve]}
"""


def test_what_is_written_in_house_style_comes_back_letter_by_letter(vocabulary: Vocabulary) -> None:
    assert write(read_ruleset(WRITTEN, vocabulary)) == WRITTEN


def test_names_are_written_as_ids_and_defaults_are_left_out(vocabulary: Vocabulary) -> None:
    typed = WRITTEN.replace("- vip\n", "- 订单.金额 ＞ 大额\n").replace(
        "  - approve\n", "  - hold: {reason: x, queue: manual_review}\n", 1
    )
    written = write(read_ruleset(typed, vocabulary))
    assert "- order.total > large\n" in written
    assert "  - hold: x\n" in written
    assert read_ruleset(written, vocabulary).hash == read_ruleset(typed, vocabulary).hash


def test_stages_keep_what_is_theirs(vocabulary: Vocabulary) -> None:
    text = """\
tidegate: ruleset/1
id: t
gate: routing
policy: stages
stages:
  - id: exclude
    title: {zh: 排除, en: Exclude}
    note: stage note
    policy: collect
    rules:
      - id: a
        if:
          - parcel.hazardous
        then:
          - exclude: [SF.*, INTRACITY.instant]
  - id: choose
    policy: first
    otherwise: []
    on_missing: fail
    tables:
      - id: c
        inputs: [parcel.goods_value]
        outputs: [use_service]
        rows:
          - {id: x, when: ['[100 CNY..200 CNY)'], then: [SF.standard]}
    rules:
      - id: b
        if: []
        then:
          - choose: cheapest
"""
    assert write(read_ruleset(text, vocabulary)) == text


@pytest.mark.parametrize("path", PACKS, ids=lambda path: path.stem)
def test_every_shipped_pack_comes_back(path: Path, vocabulary: Vocabulary) -> None:
    if path.stem.endswith("_test"):
        return
    ruleset = read_ruleset(path, vocabulary)
    again = read_ruleset(write(ruleset), vocabulary)
    assert again.hash == ruleset.hash
    assert again.tables == ruleset.tables


def test_there_are_packs_to_write() -> None:
    assert len([path for path in PACKS if not path.stem.endswith("_test")]) >= 5


def test_a_set_changed_in_the_program_is_written_as_changed(vocabulary: Vocabulary) -> None:
    ruleset = read_ruleset(WRITTEN, vocabulary)
    share = replace(ruleset.parameters["share"], value=Decimal("3.75"))
    changed = replace(ruleset, parameters={**ruleset.parameters, "share": share})
    assert "share: {type: number, value: 3.75}" in write(changed)
    assert read_ruleset(write(changed), vocabulary).hash == changed.hash != ruleset.hash


def test_the_document_is_json_that_reads_as_the_same_set(vocabulary: Vocabulary) -> None:
    ruleset = read_ruleset(WRITTEN, vocabulary)
    text = json.dumps(document_of(ruleset), default=str, ensure_ascii=False)
    assert read_ruleset(text, vocabulary).hash == ruleset.hash
    assert read_ruleset(json.loads(text), vocabulary).hash == ruleset.hash


def test_a_row_without_its_cells_is_refused(vocabulary: Vocabulary) -> None:
    ruleset: RuleSet = read_ruleset(WRITTEN, vocabulary)
    stage = ruleset.stages[0]
    broken = replace(stage, rules=tuple(replace(rule, row=None) for rule in stage.rules))
    with pytest.raises(ValueError, match=r"t1\.r1"):
        write(replace(ruleset, stages=(broken,)))


TEXTS = [
    "", " ", "x ", " x", "NO", "no", "yes", "true", "True", "null", "~", "12:30", "1", "1.50", "-0", "+1", ".5",
    "1e5", "0x1F", "0o7", "1_000", "2026-11-11", "= 1", "=", "-", "- a", "-a", "?", "? a", ":", ": a", "a:", "a: b",
    "a:b", "a #b", "#a", "a#b", "&a", "*a", "!a", "|", ">", "%a", "@a", "`a", "'", '"', "it's", 'say "hi"',
    "it's \"so\"", "a, b", "[a]", "{a}", "a]", "a}", "<<", "<", "---", "...", "--- a", "\\", "\\n", "a\\", "line\nbreak",
    "tab\t", "\r", "\x00", "\x07", "\x1b", "\x7f", "\x85", "\xa0", "\u2028", "\u2029", "\ufeff", "\ufffe", "😀", "中文",
    "（括号）", "“引号”", "，。；", "a" * 500, "a" * 5_000, "'" * 30, '"' * 30, "\n", "\n\n", " \n ", "trailing\n", "\tlead",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: repr(text)[:20])
def test_any_text_survives_as_value_key_and_member(text: str) -> None:
    data = {
        "key": text,
        "list": [text, [text], {"a": text}],
        "map": {text: 1, "inner": {text: text}},
        "then": [text, {text: [text]}],
        text: {"x": [text]},
    }
    assert read_yaml(yaml_text(data), "x").data == data


@pytest.mark.parametrize(
    "value",
    [0, -5, 10**29, 10**40, Decimal("2.50"), Decimal("-0.10"), Decimal("1E+50"), Decimal("1E-50"), True, False, None, [], {}, [[]], [{}], [[], [[1]]]],
    ids=str,
)  # fmt: skip
def test_any_value_survives(value: Any) -> None:
    found = read_yaml(yaml_text({"a": value, "b": [value], "c": {"d": value}}), "x").data
    for place in (found["a"], found["b"][0], found["c"]["d"]):
        if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
            assert Decimal(place) == value
        else:
            assert place == value


def test_an_empty_document_is_an_empty_mapping() -> None:
    assert read_yaml(yaml_text({}), "x").data == {}
