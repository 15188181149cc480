"""The test graphs of GoRules: decision tables, expressions and switches wired together.

The wiring is done here; every table is one of ours, every expression and condition is asked.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from asking import Evaluator, Given, ask, decide
from c_like import parse
from reasons import NotOurs
from suites import Case
from zen_text import Text, cell, found


def cases(data: Path) -> Iterator[Case]:
    path = data / "gorules_zen" / "graphs_dev.json.xz"
    with lzma.open(path, "rt", encoding="utf-8") as stream:
        graphs = json.load(stream)
    for name, graph in graphs.items():
        for number, test in enumerate(graph["tests"]):
            yield Case(
                f"{name.removesuffix('.json')}/{number}",
                lambda evaluator, graph=graph, test=test: _answer(
                    test["output"], _Graph(graph, evaluator).run(test["input"])
                ),
            )


def _answer(wanted: Any, came: Any) -> tuple[Any, Any]:
    """Whether the outputs are equal, else the parts in which they differ."""
    if _equal(wanted, came):
        return True, True
    if not isinstance(wanted, Mapping) or not isinstance(came, Mapping):
        return wanted, came
    keys = {k for k in wanted.keys() | came.keys() if not _equal(wanted.get(k), came.get(k))}
    return {k: wanted.get(k) for k in keys}, {k: came.get(k) for k in keys}


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return set(one) == set(other) and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(_equal, one, other))
    numbers = (int, float, Decimal)
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, numbers) and isinstance(other, numbers):
        return abs(Decimal(str(one)) - Decimal(str(other))) <= abs(Decimal(str(one))) * Decimal(
            "1e-10"
        )
    return bool(one == other)


class _Graph:
    def __init__(self, graph: Mapping[str, Any], evaluator: Evaluator) -> None:
        self.nodes = {node["id"]: node for node in graph["nodes"]}
        self.edges = graph["edges"]
        self.evaluator = evaluator
        self.results: dict[str, Any] = {}
        self.open: dict[str, set[str]] = {}  # switches: the branches that are taken

    def run(self, request: Any) -> Any:
        if any(node["type"] == "functionNode" for node in self.nodes.values()):
            raise NotOurs("other_language")
        last: Any = None
        for name in self.order():
            node = self.nodes[name]
            if node["type"] == "inputNode":
                self.results[name] = request
                continue
            sources = [e["sourceId"] for e in self.edges if e["targetId"] == name and self.flows(e)]
            if not sources:
                continue
            data: Any = {}
            for source in sources:
                data = _merged(data, self.results[source])
            last = self.results[name] = self.step(node, data)
        outputs = [
            n
            for n, node in self.nodes.items()
            if node["type"] == "outputNode" and n in self.results
        ]
        if not outputs:
            ends = [
                n
                for n in self.results
                if not any(e["sourceId"] == n and self.flows(e) for e in self.edges)
            ]
            outputs = [n for n in ends if self.nodes[n]["type"] != "inputNode"]
        whole: Any = {}
        for name in outputs:
            whole = _merged(whole, self.results[name])
        return whole if outputs else last

    def flows(self, edge: Mapping[str, Any]) -> bool:
        source = edge["sourceId"]
        taken = self.open.get(source)
        return source in self.results and (taken is None or edge.get("sourceHandle") in taken)

    def order(self) -> list[str]:
        """Nodes so that each comes after those it gets its data from."""
        done: list[str] = []
        while len(done) < len(self.nodes):
            done += [
                name
                for name in self.nodes
                if name not in done
                and all(e["sourceId"] in done for e in self.edges if e["targetId"] == name)
            ]
        return done

    def step(self, node: Mapping[str, Any], data: Any) -> Any:
        content = node.get("content") or {}
        kind = node["type"]
        if kind == "outputNode":
            return data
        if kind == "switchNode":
            self.open[node["id"]] = self.branches(content, data)
            return data
        make = self.table if kind == "decisionTableNode" else self.expressions
        inner = found(data, content["inputField"]) if content.get("inputField") else data
        if content.get("executionMode") == "loop":
            through = content.get("passThrough")
            came: Any = [_merged(row if through else {}, make(content, row)) for row in inner]
        else:
            came = make(content, inner)
        if content.get("outputPath"):
            came = _put({}, content["outputPath"], came)
        return _merged(data, came) if content.get("passThrough") else came

    # one node

    def branches(self, content: Mapping[str, Any], data: Any) -> set[str]:
        taken: set[str] = set()
        for statement in content["statements"]:
            condition = statement["condition"]
            if not condition or self.value(condition, data) is True:
                taken.add(statement["id"])
                if content.get("hitPolicy", "first") == "first":
                    break
        return taken

    def expressions(self, content: Mapping[str, Any], data: Any) -> Any:
        made: dict[str, Any] = {}
        for expression in content["expressions"]:
            made = _put(made, expression["key"], self.value(expression["value"], data, made))
        return made

    def value(self, text: str, data: Any, made: Mapping[str, Any] | None = None) -> Any:
        """An expression's value; a path gives what stands there, an object its members."""
        given = Given()
        said = Text(data, given, made if made is not None else "?")
        node = parse(text)
        there = said.value(node) if node[0] in ("name", "member") else None
        if isinstance(there, (dict, list)):
            return there
        if node[0] == "map":
            return {key[1]: self.tree(value, data, made) for key, value in node[1]}
        return _plain(ask(said.say(node), given, self.evaluator))

    def tree(self, node: Any, data: Any, made: Mapping[str, Any] | None) -> Any:
        given = Given()
        said = Text(data, given, made if made is not None else "?")
        there = said.value(node) if node[0] in ("name", "member") else None
        return (
            there
            if isinstance(there, (dict, list))
            else _plain(ask(said.say(node), given, self.evaluator))
        )

    def table(self, content: Mapping[str, Any], data: Any) -> Any:
        """A table of ours with one action per row, whose arguments are the row's outputs."""
        given = Given()
        columns, rules = content["inputs"], content["rules"]
        inputs = []
        for column in columns:
            said = Text(data, given)
            said.kind = _column_kind([rule.get(column["id"]) or "" for rule in rules])
            inputs.append(said.of(column["field"]) if _field(column) else "true")
        acts: dict[str, Any] = {}
        rows: list[dict[str, Any]] = []
        for number, rule in enumerate(rules):
            said = {
                f"o{n}": f"= {Text(data, given).of(rule[column['id']])}"
                for n, column in enumerate(content["outputs"])
                if rule.get(column["id"])
            }
            args = {name: {"type": "any", "title": name} for name in said}
            acts[f"row_{number}"] = {"title": "row", "writes": "rows", "many": True, "args": args}
            when = [
                self.cell(rule.get(column["id"]) or "", column, data, given) for column in columns
            ]
            then = [(said or True) if number == other else "-" for other in range(len(rules))]
            rows.append({"id": f"r{number}", "when": when, "then": then})
        table = {"id": "t", "inputs": inputs, "outputs": list(acts), "rows": rows}
        document = {"policy": content.get("hitPolicy", "first"), "tables": [table]}
        hits = [self.output(content, o.args) for o in decide(document, given, acts, self.evaluator)]
        if content.get("hitPolicy") == "collect":
            return hits
        return hits[0] if hits else {}

    def cell(self, text: str, column: Mapping[str, Any], data: Any, given: Given) -> str:
        if _field(column) or not text.strip():
            return cell(text, Text(data, given))
        said = Text(data, given)
        said.kind = "boolean" if "==" not in text else "number"
        return f"({said.of(text)})"

    def output(self, content: Mapping[str, Any], args: Mapping[str, Any]) -> Any:
        made: dict[str, Any] = {}
        for number, column in enumerate(content["outputs"]):
            if f"o{number}" in args:
                made = _put(made, column["field"], _plain(args[f"o{number}"]))
        return made


def _field(column: Mapping[str, Any]) -> str:
    """What the column looks at; nothing where each cell is a whole condition."""
    field = str(column.get("field") or "").strip()
    return "" if field == "$" else field


def _column_kind(cells: list[str]) -> str:
    """The type of a column's value where it is missing, judged by what it is compared with."""
    known = [text.strip() for text in cells if text.strip()]
    if any(text.startswith(("'", '"')) for text in known):
        return "text"
    return "boolean" if any(text in ("true", "false") for text in known) else "number"


def _merged(one: Any, other: Any) -> Any:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        both = {
            key: _merged(one[key], value) if key in one else value for key, value in other.items()
        }
        return {**one, **both}
    return other


def _put(made: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    head, _, rest = path.partition(".")
    inner = made.get(head)
    inner = inner if isinstance(inner, Mapping) else {}
    return {**made, head: _put(inner, rest, value) if rest else value}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
