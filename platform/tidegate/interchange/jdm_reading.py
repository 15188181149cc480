"""A GoRules decision graph (JDM) as a model: its decision tables, and expressions that our
language can say.

Switches, functions and sub-decisions are reported: what lies below a switch holds only in some
cases, and what a function gives has to be given to us.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from tidegate.engine.language import tree
from tidegate.engine.language.parser import UnaryTests
from tidegate.interchange.jdm_graph import NULL, Flow, Node, merged, nodes_of
from tidegate.interchange.model import (
    Column,
    Formula,
    Model,
    Output,
    Row,
    Said,
    Table,
    Variable,
    imported_from,
)
from tidegate.interchange.remarks import ERROR, NotOurs, Place, Remark
from tidegate.interchange.zen import Zen

ANY = UnaryTests(())
_SCHEMA = {"string": "text", "number": "number", "integer": "number", "boolean": "boolean"}
_NOT_OURS = {
    "switchNode": ("分支节点", "a switch node"),
    "functionNode": ("JavaScript 函数节点", "a JavaScript function node"),
    "decisionNode": ("引用其他决策的节点", "a node that calls another decision"),
    "customNode": ("自定义节点", "a custom node"),
}


def read_jdm(document: Any, name: str) -> Model:
    """Raises InputError when it is no decision graph."""
    return _Reader(document, name).read()


class _Reader:
    def __init__(self, document: Any, name: str) -> None:
        title = name.rpartition("/")[2].removesuffix(".json") or name
        self.model = Model(title, imported_from(name, "GoRules JDM"))
        self.nodes = nodes_of(document, name)
        self.keys: dict[tuple[str, str], str] = {}
        self.types: dict[str, tuple[str, tuple[str, ...]]] = {}
        self.flows: dict[str, Flow] = {}

    def read(self) -> Model:
        for node in self.nodes:
            came = merged([self.flows[one] for one in node.before])
            self.flows[node.id] = self._node(node, came)
        self._mark_results()
        return self.model

    def _node(self, node: Node, came: Flow) -> Flow:
        if node.type == "inputNode":
            self._schema(node.content.get("schema"))
            return Flow(open=True)
        if node.type == "decisionTableNode":
            return self._table(node, came)
        if node.type == "expressionNode":
            return self._expressions(node, came)
        if node.type == "outputNode":
            return came
        zh, en = _NOT_OURS.get(node.type, (f"节点类型 {node.type}", f"a node of type {node.type}"))
        self._report(
            Place(node.name),
            NotOurs(
                "interchange.node",
                f"{node.name} 是{zh}，这里没有；请把它的条件写进表的列，或把它的结果作为输入",
                f"{node.name} is {en}, which doesn't exist here; write its conditions into columns "
                f"of the tables, or make its result an input",
            ),
        )
        if node.type == "switchNode":
            return replace(came, guarded=node.name)
        return Flow(open=True, given=node.name, guarded=came.guarded)

    # names

    def _schema(self, raw: Any) -> None:
        """The types a JSON schema declares for the input."""
        try:
            schema = json.loads(raw) if isinstance(raw, str) and raw.strip() else raw
        except ValueError:
            return
        self._properties("", schema, 0)

    def _properties(self, path: str, schema: Any, level: int) -> None:
        if not isinstance(schema, dict) or level > 10:
            return
        kind = _SCHEMA.get(str(schema.get("type")), "")
        items = schema.get("items")
        if (
            schema.get("type") == "array"
            and isinstance(items, dict)
            and items.get("type") == "string"
        ):
            kind = "texts"
        if kind == "text" and schema.get("format") == "date":
            kind = "date"
        choices = schema.get("enum")
        texts = isinstance(choices, list) and all(isinstance(one, str) for one in choices)
        if path and kind:
            self.types[path] = kind, tuple(choices) if texts and isinstance(choices, list) else ()
        properties = schema.get("properties")
        for name, own in properties.items() if isinstance(properties, dict) else ():
            self._properties(f"{path}.{name}" if path else str(name), own, level + 1)

    def _variable(self, path: str, given: str) -> tree.Node:
        if (given, path) not in self.keys:
            kind, values = self.types.get(path, ("", ())) if not given else ("", ())
            key = self.model.new_key()
            self.keys[(given, path)] = key
            self.model.variables[key] = Variable(path, kind, values)
        return tree.Name(self.keys[(given, path)])

    def _lookup(self, came: Flow, path: str) -> tree.Node:
        if path.startswith("$"):
            raise NotOurs(
                "interchange.context",
                f"不支持 {path}；请写出字段的完整路径",
                f"{path} isn't offered; write the full path of the field",
            )
        return came.find(path, self._variable)

    def _report(self, place: Place, reason: NotOurs) -> None:
        self.model.remarks.append(Remark(ERROR, reason.code, reason.zh, reason.en, place))

    # tables

    def _table(self, node: Node, came: Flow) -> Flow:
        content = node.content
        rows = [row for row in _list(content, "rules") if isinstance(row, dict)]
        self.model.read += len(rows)
        passed = bool(content.get("passThrough"))
        prefix = f"{content['outputPath']}." if content.get("outputPath") else ""
        collect = content.get("hitPolicy") == "collect"
        outputs = [one for one in _list(content, "outputs") if _text(one, "field")]
        names = [f"{prefix}{_text(one, 'field')}" for one in outputs]
        unknown: dict[str, tree.Node | None] = dict.fromkeys(names)
        try:
            self._check(node, came)
            table = _TableReader(self, node, came, names).read(rows)
        except NotOurs as reason:
            self._report(Place(node.name), reason)
            return came.then(unknown, passed)
        if table.rows:
            befores = [came.values.get(name) if passed else None for name in names]
            outputs = [replace(o, before=b) for o, b in zip(table.outputs, befores, strict=True)]
            table = replace(table, outputs=tuple(outputs))
            self.model.decisions.append(table)
        if collect or not table.rows:
            return came.then(unknown, passed)
        return came.then({o.name: tree.Name(o.key) for o in table.outputs}, passed)

    def _check(self, node: Node, came: Flow) -> None:
        if node.type == "decisionTableNode" and not any(
            _text(one, "field") for one in _list(node.content, "outputs")
        ):
            raise NotOurs(
                "interchange.no_outputs",
                "这张表没有输出列；请补上",
                "the table has no output; add one",
            )
        if came.guarded:
            raise NotOurs(
                "interchange.below_switch",
                f"它在分支节点 {came.guarded} 之后，只在部分情形下生效；请改成一张表，把分支条件写进列里",
                f"it lies below the switch {came.guarded} and holds only in some cases; make it a "
                f"table with the switch's condition in a column",
            )
        if node.content.get("executionMode") == "loop":
            raise NotOurs(
                "interchange.loop",
                "它对列表逐个执行（loop），这里没有；请改为对整单判断",
                "it runs once per element of a list (loop), which doesn't exist here; decide about "
                "the whole order",
            )
        if node.content.get("inputField"):
            raise NotOurs(
                "interchange.input_field",
                "设置了 inputField，这里不支持；请在各列里写出完整路径",
                "it has an inputField, which isn't supported; write full paths in the columns",
            )

    # expressions

    def _expressions(self, node: Node, came: Flow) -> Flow:
        content = node.content
        passed = bool(content.get("passThrough"))
        if came.guarded or content.get("inputField") or content.get("executionMode") == "loop":
            try:
                self._check(node, came)
            except NotOurs as reason:
                self._report(Place(node.name), reason)
        usable = not (came.guarded or content.get("inputField"))
        usable = usable and content.get("executionMode") != "loop"
        made: dict[str, tree.Node | None] = {}
        for one in _list(content, "expressions"):
            path, text = _text(one, "key"), _text(one, "value")
            if path and text:
                made[path] = self._expression(node, path, text, came, made) if usable else None
        prefix = f"{content['outputPath']}." if content.get("outputPath") else ""
        return came.then({f"{prefix}{path}": value for path, value in made.items()}, passed)

    def _expression(
        self,
        node: Node,
        path: str,
        text: str,
        came: Flow,
        made: Mapping[str, tree.Node | None],
    ) -> tree.Node | None:
        """The key of the formula; None when it could not be carried over."""

        def lookup(name: str) -> tree.Node:
            if name.startswith("$."):
                return Flow(made).find(name[2:], self._variable)
            return self._lookup(came, name)

        try:
            value = Zen(text, lookup).expression()
        except NotOurs as reason:
            self._report(Place(node.name, 0, path), reason)
            return None
        if value == NULL:
            return NULL
        key = self.model.new_key()
        self.model.decisions.append(Formula(path, key, value))
        return tree.Name(key)

    # results

    def _mark_results(self) -> None:
        """What the last nodes hold is what the graph answers."""
        final = merged([self.flows[node.id] for node in self.nodes if node.last])
        keys = {node.path for node in final.values.values() if isinstance(node, tree.Name)}
        collected = {path for path, node in final.values.items() if node is None}
        marked: list[Table | Formula] = []
        for one in self.model.decisions:
            if isinstance(one, Formula):
                marked.append(replace(one, result=one.key in keys))
                continue
            outputs = [
                replace(
                    o, result=o.key in keys or (one.policy == "COLLECT" and o.name in collected)
                )
                for o in one.outputs
            ]
            marked.append(replace(one, outputs=tuple(outputs)))
        self.model.decisions = marked


class _TableReader:
    """One decision table node: its columns, then its rows."""

    def __init__(self, reader: _Reader, node: Node, came: Flow, names: list[str]) -> None:
        self.reader = reader
        self.node = node
        self.lookup: Callable[[str], tree.Node] = partial(reader._lookup, came)
        self.names = names
        self.inputs = [one for one in _list(node.content, "inputs") if isinstance(one, dict)]
        self.columns: list[Column] = []
        self.broken: dict[int, NotOurs] = {}
        self.free: dict[tree.Node, int] = {}  # whole conditions, each a column of its own

    def read(self, rows: list[dict[str, Any]]) -> Table:
        for number, one in enumerate(self.inputs):
            self._column(number, one)
        if not self.columns:
            self.columns.append(Column("", tree.Literal(True)))
        found = [row for n, raw in enumerate(rows, 1) if (row := self._row(n, raw))]
        width = len(self.columns)
        padded = [replace(r, cells=(*r.cells, *[ANY] * (width - len(r.cells)))) for r in found]
        columns, kept = _used(self.columns, padded)
        collect = self.node.content.get("hitPolicy") == "collect"
        outputs = tuple(Output(name, self.reader.model.new_key()) for name in self.names)
        policy = "COLLECT" if collect else "FIRST"
        return Table(self.node.name, policy, columns, outputs, kept)

    def _column(self, number: int, raw: dict[str, Any]) -> None:
        field, label = _text(raw, "field"), _text(raw, "name") or _text(raw, "field")
        try:
            node = Zen(field, self.lookup).expression() if field else tree.Literal(True)
        except NotOurs as reason:
            self.broken[number] = reason
            node = tree.Literal(True)
        self.columns.append(Column(label, node))

    def _row(self, number: int, raw: dict[str, Any]) -> Row | None:
        before = len(self.reader.model.remarks)
        cells = [ANY] * len(self.columns)
        for index, one in enumerate(self.inputs):
            text = _text(raw, _text(one, "id"))
            place = Place(self.node.name, number, self.columns[index].name)
            if text.strip():
                try:
                    self._cell(index, text, _text(one, "field"), cells)
                except NotOurs as reason:
                    self.reader._report(place, reason)
        said: list[Said] = []
        given = [one for one in _list(self.node.content, "outputs") if _text(one, "field")]
        for one, name in zip(given, self.names, strict=True):
            text = _text(raw, _text(one, "id"))
            try:
                said.append(Zen(text, self.lookup).expression() if text.strip() else None)
            except NotOurs as reason:
                self.reader._report(Place(self.node.name, number, name), reason)
        if len(self.reader.model.remarks) > before:
            return None
        return Row(number, tuple(cells), tuple(said), _text(raw, "_description"))

    def _cell(self, index: int, text: str, field: str, cells: list[UnaryTests]) -> None:
        if index in self.broken:
            raise self.broken[index]
        if not field:
            self._condition(Zen(text, self.lookup).expression(), index, cells)
            return
        found = Zen(text, self.lookup, field).cell()
        if isinstance(found, UnaryTests):
            cells[index] = found
        else:
            self._condition(found, index, cells)

    def _condition(self, node: tree.Node, index: int, cells: list[UnaryTests]) -> None:
        """A cell that is a whole condition: a column of its own with `true`."""
        if node not in self.free:
            self.free[node] = len(self.columns)
            self.columns.append(Column(self.columns[index].name, node))
        cells.extend([ANY] * (len(self.columns) - len(cells)))
        cells[self.free[node]] = UnaryTests((tree.Literal(True),))


def _used(columns: list[Column], rows: list[Row]) -> tuple[tuple[Column, ...], tuple[Row, ...]]:
    """Without the columns that no row tests; one is kept."""
    kept = [i for i in range(len(columns)) if any(row.cells[i].tests for row in rows)] or [0]
    cut = [replace(row, cells=tuple(row.cells[i] for i in kept)) for row in rows]
    return tuple(columns[i] for i in kept), tuple(cut)


def _list(raw: Mapping[str, Any], key: str) -> list[Any]:
    found = raw.get(key)
    return found if isinstance(found, list) else []


def _text(raw: Any, key: str) -> str:
    found = raw.get(key) if isinstance(raw, dict) else None
    if isinstance(found, bool):
        return "true" if found else "false"
    return str(found) if isinstance(found, str | int) else ""
