"""GoRules decision graphs as rule sets: what they decided, they decide here."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from exchanging import brought, errors, outcome, warnings

from tidegate.engine.vocabulary import Vocabulary
from tidegate.errors import InputError
from tidegate.interchange.remarks import Imported


def table(
    name: str, inputs: list[str], outputs: list[str], rows: list[list[str]], **more: Any
) -> dict[str, Any]:
    """A decision table node; an input named "" holds whole conditions."""
    ids = [f"i{n}" for n in range(len(inputs))], [f"o{n}" for n in range(len(outputs))]
    content = {
        "hitPolicy": "first",
        "passThrough": True,
        "inputs": [
            {"id": i, "name": f or "Condition", "field": f or None}
            for i, f in zip(ids[0], inputs, strict=True)
        ],
        "outputs": [{"id": o, "name": f, "field": f} for o, f in zip(ids[1], outputs, strict=True)],
        "rules": [
            {
                "_id": f"r{n}",
                "_description": f"row {n}",
                **dict(zip([*ids[0], *ids[1]], row, strict=False)),
            }
            for n, row in enumerate(rows, 1)
        ],
        **more,
    }
    return {"id": name, "name": name, "type": "decisionTableNode", "content": content}


def node(name: str, kind: str, **content: Any) -> dict[str, Any]:
    return {"id": name, "name": name, "type": kind, "content": content}


def formulas(name: str, passed: bool = True, **expressions: str) -> dict[str, Any]:
    listed = [{"id": key, "key": key, "value": value} for key, value in expressions.items()]
    return node(name, "expressionNode", expressions=listed, passThrough=passed)


def graph(
    *nodes: dict[str, Any], edges: list[tuple[str, str]] | None = None, schema: Any = None
) -> str:
    """Nodes one after another behind an input node."""
    every = [node("in", "inputNode", schema=json.dumps(schema) if schema else ""), *nodes]
    names = [str(one["id"]) for one in every]
    pairs = edges if edges is not None else list(pairwise(names))
    links = [{"id": f"e{n}", "sourceId": a, "targetId": b} for n, (a, b) in enumerate(pairs)]
    return json.dumps({"nodes": every, "edges": links})


def read(text: str, vocabulary: Vocabulary, **options: Any) -> Imported:
    return brought(text, vocabulary, "graph.json", **options)


TIER = table(
    "tier", ["spend"], ["level"], [["> 1000", "'gold'"], ["> 100", "'silver'"], ["", "'basic'"]]
)
PRICE = table(
    "price", ["level", "weight"], ["price", "note"],
    [["'gold'", "", "0", "'free for ' + level"], ["", "<= 10", "weight * 2", ""], ["", "", "50", "'heavy'"]],
)  # fmt: skip


@pytest.mark.parametrize(
    ("spend", "weight", "wanted"),
    [
        (1001, 99, {"level": "gold", "price": 0, "note": "free for gold"}),
        (1000, 10, {"level": "silver", "price": 20}),
        (100, 11, {"level": "basic", "price": 50, "note": "heavy"}),
    ],
)
def test_chained_tables_decide_as_the_graph_did(
    vocabulary: Vocabulary, spend: int, weight: int, wanted: dict[str, object]
) -> None:
    found = read(graph(TIER, PRICE), vocabulary)
    assert found.complete
    assert (found.read, found.accepted) == (6, 6)
    assert dict(outcome(found, vocabulary, {"spend": spend, "weight": weight})) == wanted


def test_expressions_are_derived_facts_and_may_use_one_another(vocabulary: Vocabulary) -> None:
    values = formulas(
        "calc", passed=False, half="total / 2", big="$.half > 10", words="`is ${total}`"
    )
    found = read(graph(values), vocabulary)
    assert found.complete
    assert dict(outcome(found, vocabulary, {"total": 22})) == {
        "half": 11,
        "big": True,
        "words": "is 22",
    }
    assert dict(outcome(found, vocabulary, {"total": 20})) == {
        "half": 10,
        "big": False,
        "words": "is 20",
    }


def test_whole_conditions_become_columns_of_their_own(vocabulary: Vocabulary) -> None:
    rows = [["a > 1 and b == 'x'", "1"], ["", "2"]]
    found = read(graph(table("t", [""], ["out"], rows)), vocabulary)
    assert found.document["tables"][0]["inputs"] == ['custom.a > 1 and custom.b = "x"']
    assert outcome(found, vocabulary, {"a": 2, "b": "x"}) == [("out", 1)]
    assert outcome(found, vocabulary, {"a": 1, "b": "x"}) == [("out", 2)]


def test_an_overwritten_value_stands_where_the_later_table_says_nothing(
    vocabulary: Vocabulary,
) -> None:
    first = table("first", ["n"], ["x"], [["> 0", "1"]])
    later = table("later", ["n"], ["x"], [["> 10", "2"]])
    found = read(graph(first, later), vocabulary)
    assert outcome(found, vocabulary, {"n": 11}) == [("x", 2)]
    assert outcome(found, vocabulary, {"n": 10}) == [("x", 1)]
    assert outcome(found, vocabulary, {"n": 0}) == []


def test_without_passing_through_only_the_last_table_answers(vocabulary: Vocabulary) -> None:
    last = table("last", ["level"], ["out"], [["'gold'", "1"]], passThrough=False)
    found = read(graph(TIER, last), vocabulary)
    assert outcome(found, vocabulary, {"spend": 1001}) == [("out", 1)]
    assert outcome(found, vocabulary, {"spend": 5}) == []


def test_what_a_node_does_not_pass_on_cannot_be_read_behind_it(vocabulary: Vocabulary) -> None:
    first = table("first", ["n"], ["x"], [["> 0", "1"]], passThrough=False)
    later = table("later", ["n", "x"], ["y"], [["> 0", "1", "2"], ["", "1", "3"]])
    found = read(graph(first, later), vocabulary)
    assert errors(found) == [("later", 1, "n", "interchange.not_passed")]
    assert (found.read, found.accepted) == (3, 2)


def test_collect_lists_every_match_under_its_path(vocabulary: Vocabulary) -> None:
    rows = [["> 1", "'a'"], ["> 2", "'b'"]]
    text = graph(table("t", ["n"], ["tag"], rows, hitPolicy="collect", outputPath="found"))
    found = read(text, vocabulary)
    assert outcome(found, vocabulary, {"n": 3}) == [("found.tag", "a"), ("found.tag", "b")]


def test_types_come_from_the_schema_or_from_the_cells(vocabulary: Vocabulary) -> None:
    schema = {
        "type": "object",
        "properties": {
            "size": {"type": "string", "enum": ["S", "L"]},
            "codes": {"type": "array", "items": {"type": "string"}},
            "n": {"type": "object", "properties": {"deep": {"type": "integer"}}},
        },
    }
    rows = [
        [
            "'S'",
            "contains($, 'x')",
            "> 1",
            "> 2",
            "true",
            "contains($, 'y')",
            "contains($, 'z')",
            "1",
        ]
    ]
    inputs = ["size", "codes", "n.deep", "plain", "flag", "labels", "memo"]
    found = read(graph(table("t", inputs, ["out"], rows), schema=schema), vocabulary)
    types = {name: field["type"] for name, field in found.document["fields"].items()}
    assert types == {
        "custom.size": "choice", "custom.codes": "texts", "custom.n_deep": "number",
        "custom.plain": "number", "custom.flag": "boolean", "custom.labels": "texts", "custom.memo": "text",
    }  # fmt: skip
    # a text or a list? the plural decides, and it is said
    assert warnings(found) == ["interchange.type_guessed"] * 2


def test_a_missing_type_is_guessed_aloud_and_can_be_said(vocabulary: Vocabulary) -> None:
    text = graph(table("t", ["code"], ["out"], [["!= other", "1"]]))
    assert warnings(read(text, vocabulary)) == ["interchange.type_guessed"] * 2
    said = read(
        text, vocabulary, targets={"code": "custom.code:number", "other": "custom.other:number"}
    )
    assert warnings(said) == []
    assert outcome(said, vocabulary, {"code": 1, "other": 2}) == [("out", 1)]


@pytest.mark.parametrize(
    "kind", ["switchNode", "functionNode", "decisionNode", "customNode", "graphNode"]
)
def test_other_nodes_are_named_with_a_way_out(vocabulary: Vocabulary, kind: str) -> None:
    found = read(graph(TIER, node("odd", kind), PRICE), vocabulary)
    codes = [code for _, _, _, code in errors(found)]
    assert codes[0] == "interchange.node"
    assert found.read == 6
    assert found.accepted == (3 if kind == "switchNode" else 6)
    assert ("interchange.below_switch" in codes) == (kind == "switchNode")


def test_what_a_function_gives_has_to_be_given_here(vocabulary: Vocabulary) -> None:
    later = table("later", ["score"], ["out"], [["> 5", "1"]])
    found = read(graph(node("js", "functionNode"), later), vocabulary)
    assert errors(found) == [("js", 0, "", "interchange.node")]
    assert outcome(found, vocabulary, {"score": 6}) == [("out", 1)]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"executionMode": "loop"}, "interchange.loop"),
        ({"inputField": "x"}, "interchange.input_field"),
    ],
)
def test_tables_over_lists_or_parts_are_refused_as_a_whole(
    vocabulary: Vocabulary, more: dict[str, Any], code: str
) -> None:
    found = read(graph(table("t", ["n"], ["x"], [["1", "2"], ["2", "3"]], **more)), vocabulary)
    assert errors(found) == [("t", 0, "", code)]
    assert (found.document, found.read, found.accepted) == ({}, 2, 0)


def test_a_bad_cell_costs_its_row_and_nothing_else(vocabulary: Vocabulary) -> None:
    rows = [
        ["> 1", "'a'"],
        ["keys($)", "'b'"],
        ["> 1 > 2 >", "'c'"],
        ["'text'", "'d'"],
        ["> 0", "x.y[0]"],
    ]
    found = read(graph(table("t", ["n"], ["out"], rows)), vocabulary)
    assert (found.read, found.accepted) == (5, 1)
    assert sorted(errors(found)) == [
        ("t", 2, "n", "interchange.zen_function"),
        ("t", 3, "n", "interchange.zen_syntax"),
        ("t", 4, "n", "rule.type_compare"),
        ("t", 5, "out", "interchange.index"),
    ]


def test_descriptions_of_rows_become_notes(vocabulary: Vocabulary) -> None:
    (made,) = read(graph(TIER), vocabulary).document["tables"]
    assert [row["note"] for row in made["rows"]] == ["row 1", "row 2", "row 3"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{}", "interchange.not_jdm"),
        ("[1]", "interchange.not_jdm"),
        ('{"nodes": 1, "edges": []}', "interchange.not_jdm"),
        ('{"nodes": [', "interchange.json_invalid"),
        ('{"a": NaN}', "interchange.json_invalid"),
        ("[" * 5_000 + "]" * 5_000, "interchange.json"),
        (graph(TIER, PRICE, edges=[("tier", "price"), ("price", "tier")]), "interchange.cycle"),
    ],
)
def test_what_is_no_graph_is_said(vocabulary: Vocabulary, text: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        read(text, vocabulary)
    assert caught.value.code.startswith(code)


def test_strange_content_never_breaks_the_reader(vocabulary: Vocabulary) -> None:
    strange = [
        {"id": 1, "type": None},
        {
            "id": "t",
            "type": "decisionTableNode",
            "content": {"inputs": [1, None], "outputs": ["x"], "rules": [3, {}]},
        },
        {"id": "e", "type": "expressionNode", "content": {"expressions": [None, {"key": 5}]}},
        "text",
    ]
    found = read(json.dumps({"nodes": strange, "edges": [{}, 7]}), vocabulary)
    assert found.read == 1
    assert found.accepted + found.rejected == found.read
