"""Documents: everything wrong is reported together, with place, code and remedy; hostile ones
are refused.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tidegate.engine.problems import RuleProblems
from tidegate.engine.reader import read_ruleset
from tidegate.engine.sourced import read_yaml
from tidegate.engine.vocabulary import Vocabulary, load_vocabulary
from tidegate.errors import ConfigError, RuleError

GOOD = """\
tidegate: ruleset/1
id: t
gate: review
policy: first
parameters:
  large: {type: money, value: 500 CNY, min: 100 CNY, max: 900 CNY}
rules:
  - id: a
    if: [order.total > large]
    then: [hold: big]
"""


def problems(text: Any, vocabulary: Vocabulary) -> list[tuple[str, int]]:
    with pytest.raises(RuleProblems) as caught:
        read_ruleset(text, vocabulary)
    assert isinstance(caught.value, RuleError)
    for problem in caught.value.problems:
        assert problem.zh
        assert problem.en
        assert problem.zh != problem.en
    return [(problem.code, problem.line) for problem in caught.value.problems]


def test_a_good_document_tells_what_it_holds(vocabulary: Vocabulary) -> None:
    found = read_ruleset(GOOD, vocabulary)
    assert (found.id, found.gate, len(found.rules), found.facts_read) == (
        "t",
        "review",
        1,
        frozenset({"order.total"}),
    )
    assert found.title == {"zh": "t", "en": "t"}
    assert len(found.hash) == 64


def test_all_problems_of_a_document_are_reported_at_once_in_its_order(
    vocabulary: Vocabulary,
) -> None:
    text = """\
tidegate: ruleset/1
id: t
gate: review
polcy: first
policy: first
parameters:
  large: {type: money, value: 50 CNY, min: 100 CNY}
rules:
  - id: a
    if: [order.totl > large, order.total > 5]
    then: [holdd: big]
  - id: a
    if:
      - recipient.phone_valid = "yes"
      - parcel.fragile
    then: [hold: {queue: finances}, approve: now]
"""
    assert problems(text, vocabulary) == [
        ("rule.unknown_key", 4),
        ("rule.out_of_bounds", 7),
        ("rule.unknown_field", 10),
        ("rule.type_compare", 10),
        ("rule.unknown_action", 11),
        ("rule.duplicate_id", 12),
        ("rule.type_compare", 14),
        ("rule.fact_not_at_gate", 15),
        ("rule.missing_argument", 16),
        ("rule.unknown_choice", 16),
        ("rule.no_argument", 16),
    ]


def test_a_message_names_set_rule_place_and_nearest_name(vocabulary: Vocabulary) -> None:
    text = GOOD.replace("order.total", "order.totl")
    with pytest.raises(RuleProblems) as caught:
        read_ruleset(text, vocabulary, name="large.yaml")
    problem = caught.value.problems[0]
    assert (problem.where, problem.line, problem.column, problem.near) == (
        "t/a rules[0].if[0]",
        9,
        10,
        "order.total",
    )
    assert "did you mean order.total" in caught.value.text("en")
    assert "large.yaml" in caught.value.text("zh")
    assert problem.as_document("zh")["code"] == "rule.unknown_field"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("tidegate: ruleset/1", "tidegate: ruleset/9", "rule.not_a_ruleset"),
        ("gate: review", "gate: revue", "rule.unknown_gate"),
        ("policy: first", "policy: frist", "rule.unknown_policy"),
        ("policy: first", "note: x", "rule.no_policy"),
        ("policy: first", "policy: priority", "rule.no_severity"),
        ("policy: first", "policy: first\nseverity: [hold]", "rule.severity_unused"),
        ("policy: first", "policy: first\non_missing: wait", "rule.unknown_on_missing"),
        ("id: t", "id: Bad Id", "rule.bad_id"),
        ("type: money", "type: cash", "rule.unknown_type"),
        ("value: 500 CNY", "value: 500", "rule.bad_value"),
        ("value: 500 CNY", "value: 901 CNY", "rule.out_of_bounds"),
        ("value: 500 CNY", "value: 500 USD", "rule.out_of_bounds"),
        ("large:", "not:", "rule.bad_name"),
        ("[order.total > large]", "[order.total]", "rule.not_boolean"),
        ("[order.total > large]", "[{some: [x]}]", "rule.unknown_key"),
        ("[order.total > large]", "[{any: []}]", "rule.empty_group"),
        ("[order.total > large]", "[[order.total > large]]", "rule.not_an_expression"),
        ("[order.total > large]", "[order.total > larg]", "rule.unknown_field"),
        ("    if: [order.total > large]\n", "", "rule.no_condition"),
        ("    then: [hold: big]\n", "", "rule.no_action"),
        ("[hold: big]", "hold", "rule.not_a_list"),
        ("[hold: big]", "[{hold: big, tag: x}]", "rule.bad_action"),
        ("[hold: big]", "[hold: {reasn: big}]", "rule.unknown_argument"),
        ("[hold: big]", "[allocate: nearest]", "rule.unknown_action"),
        ("[hold: big]", '[tag: "= order.total"]', "rule.type_argument"),
        ("- id: a", "- title: {fr: x}\n    id: a", "rule.bad_title"),
        ("- id: a", "- why: {fr: x}\n    id: a", "rule.bad_why"),
        ("- id: a", "- why: [x]\n    id: a", "rule.bad_why"),
        ("- id: a", "- active: {from: 2026-02-30}\n    id: a", "rule.bad_value"),
        ("- id: a", "- active: {from: 2026-03-02, to: 2026-03-01}\n    id: a", "rule.never_active"),
        ("- id: a", "- pattern: {over: scans}\n    id: a", "rule.pattern_empty"),
        ("rules:", "derive: {x: y, y: order.total > 1 CNY}\nrules:", "rule.cycle"),
        ("rules:", "derive: {x: x}\nrules:", "rule.cycle"),
        ("rules:", "derive: {large: order.total}\nrules:", "rule.name_taken"),
        ("rules:", "lists: {l: {type: number, values: [1, x]}}\nrules:", "rule.bad_value"),
        ("rules:", "fields: {age: {type: number}}\nrules:", "rule.bad_field"),
        ("rules:", "fields: {custom.age: {type: years}}\nrules:", "rule.bad_field"),
        ("rules:", "stages: []\nrules:", "rule.stages_policy"),
        ("policy: first", "policy: stages", "rule.belongs_to_stage"),
        ("rules:", "tests: [{name: x, given: {}}]\nrules:", "case.expects_nothing"),
        ("rules:", "tests: [{name: x, expct: {}}]\nrules:", "rule.unknown_key"),
    ],
)
def test_each_mistake_has_its_code(old: str, new: str, code: str, vocabulary: Vocabulary) -> None:
    assert old in GOOD
    found = problems(GOOD.replace(old, new, 1), vocabulary)
    assert code in [name for name, _ in found], found
    assert all(line > 0 for _, line in found)


@pytest.mark.parametrize(
    ("value", "fine"), [("99.99", False), ("100", True), ("900", True), ("900.01", False)]
)
def test_a_parameter_may_lie_on_its_bounds(value: str, fine: bool, vocabulary: Vocabulary) -> None:
    text = GOOD.replace("value: 500 CNY", f"value: {value} CNY")
    if fine:
        assert read_ruleset(text, vocabulary).parameters["large"].value
    else:
        assert problems(text, vocabulary) == [("rule.out_of_bounds", 6)]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ('{id: r, when: [">= 1 CNY"], then: [SF]}', "rule.row_width"),
        ('{id: r, when: [">= 1", -], then: [SF]}', "rule.type_compare"),
        ("{id: r, when: [-, 新疆], then: [SF]}", "rule.unknown_field"),
        ('{id: r, when: [-, "> "], then: [SF]}', "rule.syntax"),
        ("{id: r, when: [-, -], then: [{servce: SF}]}", "rule.unknown_argument"),
        ("{when: [-, -], then: [SF]}", "rule.bad_id"),
        ("{id: r, when: [-, {}], then: [SF]}", "rule.bad_cell"),
    ],
)
def test_mistakes_in_tables(row: str, code: str, vocabulary: Vocabulary) -> None:
    text = f"""
tidegate: ruleset/1
id: t
gate: routing
policy: first
tables:
  - id: c
    inputs: [parcel.goods_value, recipient.province]
    outputs: [use_service]
    rows:
      - {row}
"""
    assert code in [name for name, _ in problems(text, vocabulary)]


def test_rules_that_wait_for_each_other_are_refused_by_name(vocabulary: Vocabulary) -> None:
    text = """
tidegate: ruleset/1
id: t
gate: review
policy: collect
derive: {tagged: '"x" in order.tags'}
rules:
  - {id: one, if: [tagged], then: [tag: y]}
  - {id: two, if: ['"y" in order.tags'], then: [tag: x]}
  - {id: three, if: [], then: [tag: z]}
"""
    with pytest.raises(RuleProblems) as caught:
        read_ruleset(text, vocabulary)
    assert [p.code for p in caught.value.problems][:1] == ["rule.cycle"]
    assert "one" in caught.value.text("en")


def test_plain_data_and_yaml_make_the_same_set(vocabulary: Vocabulary) -> None:
    from_text = read_ruleset(GOOD, vocabulary)
    data = json.loads(json.dumps(read_yaml(GOOD, "x").data))
    assert read_ruleset(data, vocabulary).hash == from_text.hash


def test_a_file_and_its_text_make_the_same_set(vocabulary: Vocabulary, tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text("\ufeff" + GOOD, encoding="utf-8")
    assert read_ruleset(path, vocabulary).hash == read_ruleset(GOOD, vocabulary).hash
    assert read_ruleset(str(path), vocabulary).source == "t.yaml"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[order.total > large]", "[订单.金额 ＞ large]  # a comment"),
        ("[order.total > large]", "['order.total   >   (large)']"),
        ("policy: first", "policy: first\ntests: [{name: n, given: {}, expect: {actions: []}}]"),
        ("[hold: big]", "[hold: {reason: big, queue: manual_review}]"),
        ("parameters:", "on_missing: hold\nparameters:"),
    ],
)
def test_layout_comments_tests_and_spelling_do_not_change_the_hash(
    old: str, new: str, vocabulary: Vocabulary
) -> None:
    assert (
        read_ruleset(GOOD.replace(old, new), vocabulary).hash == read_ruleset(GOOD, vocabulary).hash
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("order.total > large", "order.total >= large"),
        ("value: 500 CNY", "value: 501 CNY"),
        ("hold: big", "hold: bigger"),
        ("policy: first", "policy: collect"),
        ("- id: a", "- id: b"),
        ("policy: first", "policy: first\non_missing: skip"),
    ],
)
def test_whatever_changes_a_decision_changes_the_hash(
    old: str, new: str, vocabulary: Vocabulary
) -> None:
    assert (
        read_ruleset(GOOD.replace(old, new), vocabulary).hash != read_ruleset(GOOD, vocabulary).hash
    )


# YAML itself


def test_yaml_is_version_1_2_and_numbers_are_exact() -> None:
    data = read_yaml(
        "{a: NO, b: 12:30, c: 1.10, d: 2026-11-01, e: yes, f: 0x1F, g: '5', h: ~}", "x"
    ).data
    assert (data["a"], data["b"], str(data["c"]), data["d"]) == (
        "NO",
        "12:30",
        "1.10",
        "2026-11-01",
    )
    assert (data["e"], data["f"], data["g"], data["h"]) == ("yes", "0x1F", "5", None)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join(['*' + old] * 9)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (BOMB, "yaml.too_many_values"),
        ("a: &a [*a]", "yaml.loop"),
        ("a: &a {b: *a}", "yaml.loop"),
        ("a: 1\na: 2", "yaml.duplicate_key"),
        ("a: !x y", "yaml.tag"),
        ("a: !!python/name:os.system y", "yaml.tag"),
        ("a: [", "yaml.invalid"),
        ("a: b: c", "yaml.invalid"),
        ("a: 1\n---\nb: 2", "yaml.invalid"),
        ("? [x]\n: y", "yaml.key"),
        ("x: " + "[" * 60 + "]" * 60, "yaml.too_deep"),
        ("x: " + "[" * 20_000, "yaml.invalid"),
        ("a: |\n" + ("  " + "x" * 99_997 + "\n") * 81, "yaml.too_large"),
        ("a: '" + "x" * 200_000 + "'", "yaml.too_long"),
        ("a: \x07", "yaml.invalid"),
        ("<<: 5", "yaml.merge"),
    ],
)
def test_hostile_and_broken_yaml_is_refused(text: str, code: str) -> None:
    with pytest.raises(RuleProblems) as caught:
        read_yaml(text, "x")
    assert caught.value.problems[0].code in (code, "yaml.too_deep")


@pytest.mark.parametrize("text", ["", "just text\n", "- 1\n", "5\n", "null\n"])
def test_a_document_that_is_no_mapping_is_refused_as_no_ruleset(
    text: str, vocabulary: Vocabulary
) -> None:
    assert [code for code, _ in problems(text + "\n", vocabulary)] == ["rule.not_a_ruleset"]


def test_a_file_that_is_missing_or_not_utf8_is_a_problem_not_a_crash(
    vocabulary: Vocabulary, tmp_path: Path
) -> None:
    assert problems(tmp_path / "none.yaml", vocabulary) == [("rule.unreadable", 0)]
    path = tmp_path / "gbk.yaml"
    path.write_bytes("id: 订单".encode("gb18030"))
    assert problems(path, vocabulary) == [("rule.unreadable", 0)]


# vocabulary


def test_the_shipped_vocabulary_answers_to_both_languages(vocabulary: Vocabulary) -> None:
    fact = vocabulary.fact("订单.金额")
    assert fact is not None
    assert (fact.id, fact.type, vocabulary.fact("order.total")) == ("order.total", "money", fact)
    assert vocabulary.nearest("recipient.provnce") == "recipient.province"
    assert vocabulary.variables["商品"] == "items"
    assert vocabulary.actions["exclude"].excludes == "routing.service"
    assert len(vocabulary.facts) > 100


def test_every_name_of_the_vocabulary_is_unambiguous(vocabulary: Vocabulary) -> None:
    chinese = [
        f"{vocabulary.groups[f.group].title['zh']}.{f.title['zh']}"
        for f in vocabulary.facts.values()
    ]
    assert len(chinese) == len(set(chinese))


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\n",
        "tidegate: vocabulary/1\n",
        "tidegate: vocabulary/1\ngroups: {o: {title: x, each: none}}\nactions: {}\ngates: {}\n",
    ],
)
def test_a_broken_vocabulary_is_a_configuration_error(text: str) -> None:
    with pytest.raises(ConfigError):
        load_vocabulary(text)


# what must still mean the same once it is written with ids


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("some order in items satisfies 订单.金额 > 1 CNY", "rule.name_taken"),
        ("some o in items satisfies 订单.金额 > 1 CNY", ""),
        ("some large in items satisfies 大额 > 1 CNY", "rule.name_taken"),
        ("some x in items satisfies 大额 > 1 CNY", ""),
        (" or ".join(["订单.金额 > 1 CNY"] * 100), "rule.expression_too_long"),
        (" or ".join(["订单.金额 > 1 CNY"] * 80), ""),
    ],
)
def test_a_variable_may_not_catch_a_name_of_the_canonical_form(
    condition: str, code: str, vocabulary: Vocabulary
) -> None:
    text = GOOD.replace("max: 900 CNY}", "max: 900 CNY, title: {zh: 大额, en: Large}}")
    text = text.replace("order.total > large", condition)
    if code:
        assert [found for found, _ in problems(text, vocabulary)] == [code]
    else:
        assert read_ruleset(text, vocabulary)


def test_a_cell_may_not_catch_a_name_of_its_column(vocabulary: Vocabulary) -> None:
    def table(variable: str) -> str:
        cell = f"some {variable} in items satisfies ? > 1 CNY"
        rows = f"rows: [{{id: r, when: ['{cell}'], then: [x]}}]"
        head = "tables: [{id: t1, inputs: [订单.金额], outputs: [tag], "
        return GOOD.replace("policy: first", "policy: collect") + f"{head}{rows}}}]\n"

    assert [code for code, _ in problems(table("order"), vocabulary)] == ["rule.name_taken"]
    assert read_ruleset(table("o"), vocabulary).tables["t1"].inputs == ("order.total",)


def test_derived_facts_may_build_on_one_another_for_a_hundred_levels(
    vocabulary: Vocabulary,
) -> None:
    def chained(count: int) -> str:
        derive = "".join(f"  d{n}: not(d{n - 1})\n" for n in range(1, count))
        return GOOD.replace("rules:", f"derive:\n  d0: order.invoice_wanted\n{derive}rules:")

    # not(d) is two levels, and d0 is one
    deepest = read_ruleset(chained(50), vocabulary).derive["d49"]
    assert deepest.text == "not(d48)"
    assert [code for code, _ in problems(chained(51), vocabulary)] == ["rule.derived_too_deep"]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("gate: review", "gate: [review]", "rule.unknown_gate"),
        ("rules:", "derive: {x: {value: '1 = 1', titel: X}}\nrules:", "rule.unknown_key"),
        ("rules:", "fields: {custom.a: {type: text, tpye: x}}\nrules:", "rule.unknown_key"),
        ("rules:", "fields: {custom.a: {type: choice, values: 5}}\nrules:", "rule.not_a_list"),
        ("max: 900 CNY", "max: 900 CNY, values: 5", "rule.not_a_list"),
        ("[order.total > large]", "[{}]", "rule.empty_group"),
        ("[order.total > large]", "[{all: [{}]}]", "rule.empty_group"),
        ("[order.total > large]", "[{any: []}]", "rule.empty_group"),
    ],
)
def test_more_mistakes_have_their_code(
    old: str, new: str, code: str, vocabulary: Vocabulary
) -> None:
    assert old in GOOD
    assert code in [found for found, _ in problems(GOOD.replace(old, new, 1), vocabulary)]


def test_json_text_reads_and_its_problems_have_places(vocabulary: Vocabulary) -> None:
    text = json.dumps(read_yaml(GOOD, "x").data, indent=1)
    assert read_ruleset(text, vocabulary).hash == read_ruleset(GOOD, vocabulary).hash
    broken = text.replace("order.total > large", "order.totl > large")
    line = next(n for n, row in enumerate(broken.split("\n"), 1) if "totl" in row)
    assert problems(broken, vocabulary) == [("rule.unknown_field", line)]


def test_strata_follow_what_is_written_and_read(vocabulary: Vocabulary) -> None:
    text = (
        GOOD.replace("policy: first", "policy: collect")
        + """\
  - {id: reader, if: [seen], then: [hold: x]}
  - {id: writer, if: [], then: [tag: y]}
"""
    )
    text = text.replace("rules:", "derive: {seen: 'list contains(order.tags, \"y\")'}\nrules:")
    found = {rule.id: rule.stratum for rule in read_ruleset(text, vocabulary).rules}
    assert found == {"a": 0, "reader": 1, "writer": 0}
