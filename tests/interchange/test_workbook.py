"""Our own workbooks: what is exported reads back as an equal set, and survives editing."""

from __future__ import annotations

import html
import io
import zipfile
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from exchanging import brought, errors
from hypothesis import HealthCheck, given, settings
from strategies import a_ruleset, a_vocabulary, seeds

from tidegate.engine.cases import discover, load_pack, run_cases
from tidegate.engine.reader import read_ruleset
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.vocabulary import Vocabulary
from tidegate.engine.writing import document_of
from tidegate.interchange.cells import (
    actions_of,
    actions_text,
    cell_text,
    cell_value,
    conditions_of,
    conditions_text,
)
from tidegate.interchange.grids import read_workbook
from tidegate.interchange.importing import import_file
from tidegate.interchange.options import Options
from tidegate.interchange.workbook_layout import TABLE_HEAD, flat, nested
from tidegate.interchange.workbook_reading import WorkbookComposer, is_ours
from tidegate.interchange.workbook_writing import write_workbook

ROOT = Path(__file__).parents[2]
PACKS = discover(ROOT / "rules")


def returned(ruleset: RuleSet) -> RuleSet:
    made = write_workbook(ruleset)
    found = import_file("set.xlsx", made.data, ruleset.vocabulary, Options(gate=ruleset.gate))
    assert found.complete, [remark.en for remark in found.remarks]
    assert found.read == found.accepted == made.written == len(ruleset.rules)
    return read_ruleset(dict(found.document), ruleset.vocabulary)


def test_there_are_packs() -> None:
    assert len(PACKS) >= 5


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.ruleset.stem)
def test_shipped_sets_come_back_equal_with_their_tests(
    vocabulary: Vocabulary, pack: object
) -> None:
    ruleset, cases = load_pack(pack, vocabulary)  # type: ignore[arg-type]  # a Pack
    back = returned(replace(ruleset, cases=cases))
    assert back.hash == ruleset.hash
    assert document_of(back) == document_of(replace(ruleset, cases=cases))
    assert len(back.cases) == len(cases) > 0
    assert all(result.passed for result in run_cases(back))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seeds())
def test_random_sets_come_back_equal(seed: int) -> None:
    rng = Random(seed)
    ruleset = a_ruleset(rng, a_vocabulary(rng))
    assert returned(ruleset).hash == ruleset.hash


@pytest.mark.long
def test_a_thousand_random_sets_come_back_equal() -> None:
    compared = 0
    for seed in range(1_000):
        rng = Random(seed)
        ruleset = a_ruleset(rng, a_vocabulary(rng))
        assert returned(ruleset).hash == ruleset.hash, seed
        compared += 1
    assert compared == 1_000


SMALL = """
tidegate: ruleset/1
id: small
gate: review
title: {zh: 小规则集, en: Small}
policy: collect
lists:
  words: [改地址, "=1+1"]
rules:
  - id: lines
    title: 条件分行
    if:
      - order.quantity > 1
      - any: [order.channel = "jd", {all: [order.channel = "tb", order.invoice_wanted]}]
      - none: [recipient.phone_valid]
    then: [tag: '= "=SUM(A1)"', tag: "a: b", hold: {reason: "@cmd", queue: finance}, approve]
  - id: always
    title: 总是
    if: []
    then: [tag: "14"]
tables:
  - id: t
    title: {zh: "+表", en: "-table"}
    policy: first
    inputs: [order.quantity]
    outputs: [tag, hold]
    rows:
      - {id: a, when: ["> 5"], then: ["-", {reason: x, queue: finance}], why: {zh: "=danger", en: "+1"}, title: "@t"}
      - {id: b, when: ["-"], then: ["{b}", "-"]}
"""


def test_every_shape_of_condition_and_action_comes_back(vocabulary: Vocabulary) -> None:
    ruleset = read_ruleset(SMALL, vocabulary)
    assert returned(ruleset).hash == ruleset.hash


def test_a_workbook_made_before_has_one_column_for_the_reason() -> None:
    assert flat({"why": {"zh": "缘由", "en": "Reason"}}) == {"why.zh": "缘由", "why.en": "Reason"}
    assert nested({"why": "缘由"}) == {"why": {"zh": "缘由"}} == nested(flat({"why": "缘由"}))
    assert "why" in TABLE_HEAD


def test_equal_sets_give_equal_files(vocabulary: Vocabulary) -> None:
    ruleset = read_ruleset(SMALL, vocabulary)
    assert write_workbook(ruleset).data == write_workbook(ruleset).data


def test_no_cell_is_a_formula_or_a_link(vocabulary: Vocabulary) -> None:
    data = write_workbook(read_ruleset(SMALL, vocabulary)).data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
        assert len(sheets) == 4
        for name in sheets:
            text = archive.read(name).decode()
            assert "<f>" not in text
            assert "hyperlink" not in text
        shared = html.unescape(archive.read("xl/sharedStrings.xml").decode())
    for word in ("=SUM(A1)", "=1+1", "@cmd", "+表", "-table", "=danger"):
        assert word in shared


def test_an_edited_cell_is_read_and_a_broken_one_named(vocabulary: Vocabulary) -> None:
    ruleset = read_ruleset(SMALL, vocabulary)
    grids = read_workbook("set.xlsx", write_workbook(ruleset).data)
    assert is_ours(grids)
    rows = {grid.name: [list(row) for row in grid.rows] for grid in grids}
    rules = rows["规则"]
    columns = [str(cell).split()[0] for cell in rules[1] if str(cell)]
    rules[2][columns.index("if")] = "order.quantitty > 1"
    rules[3][columns.index("then")] = "tag: {broken"
    table = rows["+表"]
    table[-1][1] = "< 3"
    edited = [replace(grid, rows=rows[grid.name]) for grid in grids]
    composer = WorkbookComposer(edited)
    from tidegate.interchange.settling import settle

    found = settle(composer, vocabulary, composer.read, [], "set.xlsx")
    assert (found.read, found.accepted) == (4, 2)
    assert sorted(errors(found)) == [
        ("规则", 1, "", "rule.unknown_field"),
        ("规则", 2, "then", "interchange.cell"),
    ]
    assert found.remarks[0].place.line
    assert found.document["tables"][0]["rows"][1]["when"] == ["< 3"]


def test_a_broken_head_is_refused_with_its_reason(vocabulary: Vocabulary) -> None:
    from tidegate.engine.problems import RuleProblems
    from tidegate.interchange.settling import settle

    grids = read_workbook("set.xlsx", write_workbook(read_ruleset(SMALL, vocabulary)).data)
    rows = [list(row) for row in grids[0].rows]
    for row in rows:
        if str(row[0]).startswith("policy"):
            row[1] = "frist"
    composer = WorkbookComposer([replace(grids[0], rows=rows), *grids[1:]])
    with pytest.raises(RuleProblems) as caught:
        settle(composer, vocabulary, composer.read, [], "set.xlsx")
    assert "first" in caught.value.text("en")


def test_sheet_names_are_valid_and_never_clash(vocabulary: Vocabulary) -> None:
    tables = "".join(
        f"  - {{id: t{n}, title: '{title}', inputs: [order.quantity], outputs: [tag], rows: "
        f"[{{id: a, when: ['> {n}'], then: [x]}}]}}\n"
        for n, title in enumerate(["a/b:c*[d]?", "规则集", "x" * 60, "X" * 60, "History", "''"])
    )
    text = f"tidegate: ruleset/1\nid: s\ngate: review\npolicy: collect\ntables:\n{tables}"
    ruleset = read_ruleset(text.replace("''''", "'q'"), vocabulary)
    assert returned(ruleset).hash == ruleset.hash


@pytest.mark.parametrize(
    "value",
    [
        "text", "SF.standard", "a: b", "{x}", "[x", '"q"', "true", "null", "14", "-1.50", "", " pad ",
        "12:30", "NO", "line\nbreak", "\x07bell", "= 1 + 1", True, False, None, 14, [1, "a", "b, c"],
        {"reason": "a, b: c", "n": 3, "deep": [{"k": "v"}]},
    ],
)  # fmt: skip
def test_any_value_fits_into_a_cell_and_comes_back(value: object) -> None:
    assert cell_value(cell_text(value)) == value
    assert type(cell_value(cell_text(value))) is type(value)


def test_conditions_and_actions_have_a_line_each() -> None:
    conditions = ["a > 1", {"any": ["b", {"none": ["c", "d"]}]}, "e"]
    text = conditions_text(conditions)
    assert text == "a > 1\nany:\n  b\n  none:\n    c\n    d\ne"
    assert conditions_of(text) == conditions
    actions = ["approve", {"tag": ["x", "y"]}, {"hold": {"reason": "r"}}]
    assert actions_text(actions) == "approve\ntag: [x, y]\nhold: {reason: r}"
    assert actions_of(actions_text(actions)) == actions


def test_a_text_too_long_for_a_cell_is_refused(vocabulary: Vocabulary) -> None:
    from tidegate.errors import InputError

    text = f"{SMALL}\nnote: {'x' * 33_000}\n"
    with pytest.raises(InputError) as caught:
        write_workbook(read_ruleset(text, vocabulary))
    assert caught.value.code == "interchange.cell_too_long"


def test_a_workbook_of_ours_ignores_the_gate_option(vocabulary: Vocabulary) -> None:
    data = write_workbook(read_ruleset(SMALL, vocabulary)).data
    assert brought(data, vocabulary, "set.xlsx", gate="routing").document["gate"] == "review"
