"""The language against published cases of DMN, JsonLogic and CEL.

Only cases that can be said in our subset are run; the numbers are asserted so that a case
cannot vanish unseen. Where we differ on purpose, the reason stands beside the case.
"""

from __future__ import annotations

import json
import lzma
import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tidegate.engine import clock
from tidegate.engine.evaluation import Context, Interval
from tidegate.engine.facts import Facts
from tidegate.engine.language import tree
from tidegate.engine.language.binding import Scope, bind
from tidegate.engine.language.parser import over, parse, parse_unary, put
from tidegate.engine.language.rendering import literal_text
from tidegate.engine.problems import ExpressionError
from tidegate.engine.values import parse_date, parse_decimal, parse_duration, parse_instant
from tidegate.engine.vocabulary import Vocabulary

pytestmark = pytest.mark.shared_data
NOW = datetime(2026, 11, 11, 4, tzinfo=UTC)

# comparing with null is unknown here and refused when read; FEEL calls it false
NULL = re.compile(r"\bnull\b")
# instants need an offset here; the cases mean local time throughout
LOCAL = re.compile(r'date and time\("(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?)"\)')


class NotOurs(Exception):
    """The case says something our subset leaves out."""


def evaluate(text: str | tree.Node, names: Mapping[str, Any], vocabulary: Vocabulary) -> object:
    """The value of an expression whose free names are constants."""
    try:
        node = parse(text) if isinstance(text, str) else text
    except ExpressionError as error:
        raise NotOurs(error.code) from error
    bound, _, problems = bind(_filled(node, names), Scope(vocabulary))
    if problems:
        raise NotOurs(problems[0].code)
    return Context(Facts({}, vocabulary, {}), NOW, clock.zone("UTC"), {}, {}, {}, {}).value(bound)


def _filled(node: tree.Node, names: Mapping[str, Any]) -> tree.Node:
    """Constants in place of names; an unknown name is an unknown fact."""
    if isinstance(node, tree.Name):
        value = names.get(node.path, node)
        if value is None:
            return tree.Fact("order.buyer_memo")
        return value if isinstance(value, tree.Node) else _literal(value)
    changes: dict[str, Any] = {}
    for key, value in vars(node).items():
        if isinstance(value, tree.Node):
            changes[key] = _filled(value, names)
        elif isinstance(value, tuple):
            changes[key] = tuple(
                _filled(part, names) if isinstance(part, tree.Node) else part for part in value
            )
        else:
            changes[key] = value
    return type(node)(**changes)


def _literal(value: Any) -> tree.Node:
    if isinstance(value, list):
        return tree.ListOf(tuple(_literal(member) for member in value))
    exact = isinstance(value, (int, float)) and not isinstance(value, bool)
    return tree.Literal(parse_decimal(value) if exact else value)


def _typed(value: Mapping[str, Any] | None) -> Any:
    """A value of the DMN cases."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise NotOurs("structures")
    kind, raw = value.get("t"), value.get("v")
    readers: dict[str, Any] = {
        "number": lambda: parse_decimal(raw),
        "string": lambda: raw,
        "boolean": lambda: raw,
        "date": lambda: parse_date(raw),
        "dateTime": lambda: parse_instant(
            str(raw) if re.search(r"(Z|[+-]\d\d:\d\d)$", str(raw)) else f"{raw}Z"
        ),
        "duration": lambda: parse_duration(raw),
    }
    if kind not in readers:
        raise NotOurs(str(kind))
    try:
        return readers[kind]()
    except ValueError as error:
        raise NotOurs(str(error)) from error


def lines(path: Path) -> list[dict[str, Any]]:
    with lzma.open(path, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


# DMN

DIFFERENT = {
    # text comparison ignores letter case here; exact(…) compares strictly
    '"foo" = "Foo"': "case",
    '"foo" != "Foo"': "case",
    # instants are exact to the microsecond here; these cases want whole seconds
    'date and time("2018-12-08T00:00:00.0001Z") = '
    'date and time("2018-12-08T00:00:00.0000Z")': "fractions",
}
# `if` over an unknown condition is unknown here, in FEEL it takes the else branch
UNKNOWN_HERE = ("if bool then num+10 else num-10",)


def test_dmn_expressions(shared_data: Path, vocabulary: Vocabulary) -> None:
    cases = [c for c in lines(shared_data / "dmn_tck" / "cases_dev.jsonl.xz") if c["translatable"]]
    assert len(cases) == 340
    tally: Counter[str] = Counter()
    wrong = []
    for case in (c for c in cases if c["kind"] == "literal"):
        text = LOCAL.sub(r'date and time("\1Z")', case["model"])
        if NULL.search(text):
            tally["null"] += 1
            continue
        try:
            names = {key: _typed(value) for key, value in case["inputs"].items()}
            expected = _typed(case["expected"])
            came = evaluate(text, names, vocabulary)
        except NotOurs as reason:
            tally[f"left out: {reason}"] += 1
            continue
        if isinstance(came, Interval):
            tally["left out: a range as a result"] += 1
        elif text in UNKNOWN_HERE and "bool" in names and names["bool"] is None:
            assert came is None
            tally["different on purpose"] += 1
        elif text in DIFFERENT:
            assert came is (not expected), text
            tally["different on purpose"] += 1
        elif came == expected and type(came) is type(expected):
            tally["agrees"] += 1
        else:
            wrong.append((case["dir"], case["case"], text, expected, came))
    assert not wrong, wrong[:10]
    assert tally["agrees"] >= 160, tally
    assert tally["different on purpose"] == 4, tally


POLICIES = {
    "UNIQUE": "unique",
    "ANY": "any",
    "FIRST": "first",
    "RULE ORDER": "collect",
    "COLLECT": "collect",
}


def test_dmn_tables(shared_data: Path, vocabulary: Vocabulary, read: Any) -> None:
    """Each table becomes a set whose rows tag what they say, so that our own policies judge it."""
    from tidegate.engine.reader import read_ruleset
    from tidegate.engine.reference import evaluate as decide

    cases = [
        c
        for c in lines(shared_data / "dmn_tck" / "cases_dev.jsonl.xz")
        if c["translatable"] and c["kind"] == "table"
    ]
    assert len(cases) == 24
    tally: Counter[str] = Counter()
    for case in cases:
        model, policy = case["model"], POLICIES.get(case["model"]["hitPolicy"])
        if policy is None:
            tally[f"left out: {model['hitPolicy']}"] += (
                1  # MIN, SUM, COUNT, OUTPUT ORDER aggregate values; we collect actions
            )
            continue
        named = all(name in case["inputs"] for name in model["inputs"])
        across = any("dateE" in cell for when, _ in model["rules"] for cell in when)
        if (
            not named or across
        ):  # a cell that reads another column's name, or a field of a structure
            tally["left out: inputs of a structure"] += 1
            continue
        fields = {f"custom.{name}": _field(case, name) for name in model["inputs"]}
        rows = [
            {"id": f"r{i}", "when": when, "then": [json.dumps(_said(then), sort_keys=True)]}
            for i, (when, then) in enumerate(model["rules"])
        ]
        inputs = [f"custom.{name}" for name in model["inputs"]]
        ruleset = read_ruleset(
            {
                "tidegate": "ruleset/1",
                "id": "t",
                "gate": "review",
                "policy": policy,
                "fields": fields,
                "tables": [{"id": "t", "inputs": inputs, "outputs": ["hold"], "rows": rows}],
            },
            vocabulary,
        )
        custom = {name: value["v"] for name, value in case["inputs"].items()}
        came = [outcome.main for outcome in decide(ruleset, {"custom": custom}, NOW).actions]
        expected = case["expected"] if isinstance(case["expected"], list) else [case["expected"]]
        # equal rows act once here; DMN lists them twice
        want = list(dict.fromkeys(json.dumps(_plain(value), sort_keys=True) for value in expected))
        assert came == want, (case["dir"], case["case"], came, want)
        tally["agrees"] += 1
    assert tally["agrees"] == 14, tally


def _field(case: Mapping[str, Any], name: str) -> dict[str, Any]:
    kinds = {"number": "number", "string": "text", "boolean": "boolean", "date": "date"}
    return {"type": kinds[case["inputs"][name]["t"]], "title": name}


def _said(then: list[str]) -> list[Any]:
    return [json.loads(cell) for cell in then]


def _plain(value: Mapping[str, Any]) -> list[Any]:
    return [value["v"]] if "t" in value else [part["v"] for part in value.values()]


# JsonLogic


class _JsonLogic:
    """JsonLogic rules as our text."""

    BINARY: ClassVar = {"==": "=", "===": "=", "!=": "!=", "!==": "!="}
    QUANTIFIERS: ClassVar = {"all": "every", "some": "some", "none": "no"}

    def __init__(self, data: Any) -> None:
        self.data = data
        self.item = ""

    def text(self, rule: Any) -> str:
        if not isinstance(rule, dict):
            if isinstance(rule, list):
                return f"[{', '.join(self.text(part) for part in rule)}]"
            return literal_text(_literal(rule).value)  # type: ignore[attr-defined]
        if len(rule) != 1:
            raise NotOurs("null")
        ((name, raw),) = rule.items()
        args = raw if isinstance(raw, list) else [raw]
        if name == "var":
            return self._variable(args)
        if name in self.QUANTIFIERS:
            return self._quantified(name, args)
        parts = [f"({self.text(arg)})" for arg in args]
        if name in self.BINARY:
            return f"{parts[0]} {self.BINARY[name]} {parts[1]}"
        if name in ("<", "<=", ">", ">="):
            return " and ".join(f"{a} {name} {b}" for a, b in pairwise(parts))
        if name in ("and", "or", "+", "*", "-", "/"):
            return (
                f" {name} ".join(parts)
                if len(parts) > 1
                else f"{'-' if name == '-' else ''}{parts[0]}"
            )
        simple = {"!": "not({0})", "!!": "{0}", "%": "modulo({0}, {1})", "in": "contains({1}, {0})"}
        if name in simple:
            return simple[name].format(*parts)
        if name in ("min", "max"):
            return f"{name}({', '.join(parts)})"
        if name == "cat":
            return " + ".join(parts)
        if name in ("if", "?:") and len(args) == 3:
            return "if {} then {} else {}".format(*parts)
        raise NotOurs(name)

    def _variable(self, args: list[Any]) -> str:
        path = str(args[0]) if args else ""
        if len(args) != 1 or isinstance(args[0], dict):
            raise NotOurs("var with a default")
        if self.item:
            if path:
                raise NotOurs("fields of free-form list elements")
            return self.item
        value = self.data
        for part in path.split(".") if path else ():
            value = value.get(part) if isinstance(value, dict) else None
        if value is None or isinstance(value, dict):
            raise NotOurs("null")
        return self.text(value)

    def _quantified(self, name: str, args: list[Any]) -> str:
        source = self.text(args[0])
        if self.item or "{" in source:
            raise NotOurs("nested")
        if source == "[]" and name == "all":
            raise NotOurs("every over nothing is false here")
        self.item = "x"
        condition = self.text(args[1])
        self.item = ""
        return f"{self.QUANTIFIERS[name]} x in {source} satisfies {condition}"


def test_json_logic(shared_data: Path, vocabulary: Vocabulary) -> None:
    path = shared_data / "json_logic" / "typeclean_dev.jsonl"
    cases = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(cases) == 162
    tally: Counter[str] = Counter()
    wrong = []
    for case in cases:
        try:
            text = _JsonLogic(case["data"]).text(case["rule"])
            came = evaluate(text, {}, vocabulary)
        except (NotOurs, AttributeError) as reason:
            tally[f"left out: {reason}"] += 1
            continue
        expected = case["expected"]
        if text == 'contains(("Springfield"), ("spring"))':
            assert came is True  # letter case does not count here
            tally["different on purpose"] += 1
            continue
        if isinstance(expected, (int, float)) and not isinstance(expected, bool):
            expected = Decimal(str(expected))
        if came == expected:
            tally["agrees"] += 1
        else:
            wrong.append((text, expected, came))
    assert not wrong, wrong[:10]
    assert tally["agrees"] >= 112, tally


# CEL

CEL_REWRITES = [
    (re.compile(r"'([^'\"\\]*)'"), r'"\1"'),
    (re.compile(r"=="), "="),
    (re.compile(r"&&"), " and "),
    (re.compile(r"\|\|"), " or "),
    (re.compile(r"!(true|false)"), r"not(\1)"),
    (re.compile(r"\[([^\[\]]*)\]\.exists\((\w+), (.*)\)$"), r"some \2 in [\1] satisfies \3"),
    (re.compile(r"\[([^\[\]]+)\]\.all\((\w+), (.*)\)$"), r"every \2 in [\1] satisfies \3"),
    (re.compile(r'("[^"]*")\.(contains|startsWith)\(("[^"]*")\)'), r"\2(\1, \3)"),
    (re.compile(r"startsWith"), "starts with"),
    (re.compile(r'timestamp\("([^"]*)"\)'), r'@"\1"'),
    (re.compile(r'duration\("(\d+)s"\)'), r"\1s"),
    (re.compile(r"^(.*) \? (.*) : (.*)$"), r"if \1 then \2 else \3"),
]
# letter case and width do not count in our text comparison
CEL_DIFFERENT = ('"abc" = "ABC"', '["case"] = ["cAse"]', '"abc" > "aBc"')


def test_cel(shared_data: Path, vocabulary: Vocabulary) -> None:
    cases = [c for c in lines(shared_data / "cel_spec" / "cases_dev.jsonl.xz") if c["translatable"]]
    assert len(cases) == 163
    tally: Counter[str] = Counter()
    wrong = []
    for case in cases:
        text, value = case["expr"], case["value"] or {}
        for pattern, replacement in CEL_REWRITES:
            text = pattern.sub(replacement, text)
        if "boolValue" not in value or NULL.search(text) or "[]" in text:
            tally["left out"] += 1
            continue
        try:
            came = evaluate(text, {}, vocabulary)
        except NotOurs as reason:
            tally[f"left out: {reason}"] += 1
            continue
        if text in CEL_DIFFERENT:
            assert came is not value["boolValue"], text
            tally["different on purpose"] += 1
        elif came is value["boolValue"]:
            tally["agrees"] += 1
        elif came is None and "/0.0" in text:
            tally["different on purpose"] += (
                1  # division by zero is unknown here, an error or NaN there
            )
        else:
            wrong.append((text, value["boolValue"], came))
    assert not wrong, wrong[:10]
    assert tally["agrees"] >= 66, tally


# GoRules


def test_gorules_tables(shared_data: Path, vocabulary: Vocabulary) -> None:
    """Cells of the published decision tables, as unary tests on the value their own test gives
    the column.
    """
    with lzma.open(
        shared_data / "gorules_zen" / "graphs_dev.json.xz", "rt", encoding="utf-8"
    ) as stream:
        graphs = json.load(stream)
    assert len(graphs) == 44
    read_cells = judged = 0
    for graph in graphs.values():
        for node in (n for n in graph["nodes"] if n["type"] == "decisionTableNode"):
            for column in node["content"]["inputs"]:
                for row in node["content"]["rules"]:
                    cell = (row.get(column["id"]) or "-").replace("'", '"').replace("==", "=")
                    try:
                        tests = parse_unary(cell)
                    except ExpressionError:
                        continue
                    read_cells += 1
                    judged += _judge(graph, column, tests, cell, vocabulary)
    assert read_cells >= 900, read_cells
    assert judged >= 100, judged


def _judge(graph: Any, column: Any, tests: Any, cell: str, vocabulary: Vocabulary) -> int:
    """Compare with a plain reading of `>= n`, `"text"` and lists of texts; 0 when the cell says
    more than that.
    """
    found = 0
    for case in graph["tests"]:
        value = case["input"].get(column.get("field")) if isinstance(case["input"], dict) else None
        simple = re.fullmatch(r"(>=|<=|>|<) (\d+(?:\.\d+)?)", cell)
        texts = (
            re.findall(r'"([^"]*)"', cell) if re.fullmatch(r'"[^"]*"(, ?"[^"]*")*', cell) else []
        )
        condition = over(tree.Name("value"), tests)
        if condition is None or value is None or not (simple or texts):
            continue
        if simple and isinstance(value, (int, float)) and not isinstance(value, bool):
            one, other = Decimal(str(value)), Decimal(simple[2])
            signs = {">=": one >= other, "<=": one <= other, ">": one > other, "<": one < other}
            expected = signs[simple[1]]
        elif texts and isinstance(value, str):
            expected = value in texts
        else:
            continue
        assert evaluate(put(condition, tree.Input()), {"value": value}, vocabulary) is expected, (
            cell,
            value,
        )
        found += 1
    return found
