"""Decision tables that people keep in spreadsheets or paste as text, as a model: one per sheet."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tidegate.engine.language import tree
from tidegate.engine.language.binding import Scope, bind
from tidegate.engine.language.parser import UnaryTests, parse
from tidegate.engine.problems import ExpressionError
from tidegate.engine.values import fold
from tidegate.engine.vocabulary import FACT_TYPES, Fact, Vocabulary
from tidegate.interchange.actions import Plan
from tidegate.interchange.grids import Grid
from tidegate.interchange.model import (
    Column,
    Model,
    Output,
    Row,
    Said,
    Table,
    Variable,
    imported_from,
)
from tidegate.interchange.naming import Dictionary, compact, target_of
from tidegate.interchange.options import Options
from tidegate.interchange.remarks import ERROR, WARNING, NotOurs, Place, Remark
from tidegate.interchange.sheet_cells import SheetCells
from tidegate.interchange.sheet_layout import INPUT, NOTE, NUMBER, OUTPUT, Layout, layout_of
from tidegate.interchange.uploads import refused

_UNIT = re.compile(r"(.+?)\s*[（(]\s*([^（）()]+)\s*[)）]\s*\Z")
_UNITS = {
    "克": "g",
    "件": "units",
    "个": "units",
    "单": "orders",
    "行": "lines",
    "元": "CNY",
    "¥": "CNY",
}


def read_sheets(
    grids: Sequence[Grid], name: str, vocabulary: Vocabulary, options: Options
) -> Model:
    """Raises InputError when no sheet holds a table."""
    title = name.rpartition(".")[0] or name
    model = Model(title, imported_from(name))
    reader = _Reader(model, vocabulary, options)
    found = sum(reader.sheet(grid) for grid in grids)
    if not found:
        raise refused(
            "no_table",
            name,
            "里面没有决策表；第一行写条件和结果的名称，下面每行一条规则",
            "it holds no decision table; name conditions and results in the first row, one rule "
            "per row below",
        )
    return model


class _Reader:
    def __init__(self, model: Model, vocabulary: Vocabulary, options: Options) -> None:
        self.model = model
        self.options = options
        gate = options.gate_of(vocabulary)
        self.dictionary = Dictionary(vocabulary, gate)
        self.plan = Plan(vocabulary, gate, options.targets, options.action)
        self.scope = Scope(vocabulary, gate=gate.id, gate_facts=frozenset(gate.facts))
        self.variables: dict[str, str] = {}

    def sheet(self, grid: Grid) -> bool:
        """Whether the sheet holds a table."""
        try:
            layout = layout_of(grid)
        except NotOurs as reason:
            self._report(Place(grid.name), reason)
            return True
        if layout is None or len([name for name in layout.names if name]) < 2:
            return False
        self._complete(layout)
        rows = [n for n in range(layout.header + 1, len(grid.rows)) if _filled(grid, n)]
        if not layout.columns(INPUT) or not layout.columns(OUTPUT) or not rows:
            return False
        self.model.read += len(rows)
        self._table(grid, layout, rows)
        return True

    # columns

    def _complete(self, layout: Layout) -> None:
        """Columns that nothing marks: actions are results, all others conditions; without any
        action the last column is the result.
        """
        open_columns = [i for i, name in enumerate(layout.names) if name and not layout.kinds[i]]
        for index in open_columns:
            layout.kinds[index] = OUTPUT if self._is_action(layout.names[index]) else INPUT
        if not layout.columns(OUTPUT) and len(layout.columns(INPUT)) > 1:
            layout.kinds[layout.columns(INPUT)[-1]] = OUTPUT

    def _is_action(self, name: str) -> bool:
        given = target_of(name, self.options.targets)
        if given:
            return given.partition(".")[0] in self.plan.known
        return self.plan.own(name) is not None

    def _subject(self, name: str, grid: Grid, layout: Layout) -> tuple[tree.Node, Fact | None]:
        """What a column tests: a fact of the vocabulary, an expression, or an input of its own."""
        label, unit = _split_unit(name)
        given = target_of(name, self.options.targets) or target_of(label, self.options.targets)
        if not given:
            fact = self.dictionary.named(label) or self._titled(label)
            if fact:
                _check_unit(fact, unit, label)
                return self._variable(label, fact.type), fact
            node = self._expression(name)
            if node is not None:
                return node, None
        kind = given.partition(":")[2] if given.startswith("custom.") else ""
        return self._variable(label, kind if kind in FACT_TYPES else ""), None

    def _titled(self, label: str) -> Fact | None:
        return self.dictionary.facts.get(self.dictionary.short.get(compact(label), ""))

    def _expression(self, name: str) -> tree.Node | None:
        """A header such as `date(order.paid_at)`; None when it is only a name."""
        try:
            node = parse(name)
        except ExpressionError:
            return None
        if isinstance(node, tree.Name | tree.Literal):
            return None
        return None if bind(node, self.scope)[2] else node

    def _variable(self, label: str, kind: str) -> tree.Node:
        if label not in self.variables:
            key = self.model.new_key()
            self.variables[label] = key
            self.model.variables[key] = Variable(label, kind)
        return tree.Name(self.variables[label])

    # rows

    def _table(self, grid: Grid, layout: Layout, rows: Sequence[int]) -> None:
        title = layout.title or grid.name
        cells = SheetCells(self._known, self.options.timezone)
        try:
            columns, kinds = self._columns(grid, layout)
        except NotOurs as reason:
            self._report(Place(title), reason)
            return
        outputs = [
            Output(layout.names[index], self.model.new_key(), tuple(layout.values))
            for index in layout.columns(OUTPUT)
        ]
        found = []
        for number, line in enumerate(rows, 1):
            row = self._row(grid, layout, line, number, title, kinds, cells)
            found += [row] if row else []
        self._remarks(title, layout, cells)
        policy, _, aggregation = (layout.policy or "FIRST").partition(":")
        if found:
            self.model.decisions.append(
                Table(title, policy, tuple(columns), tuple(outputs), tuple(found), aggregation,
                      layout.why)
            )  # fmt: skip

    def _columns(self, grid: Grid, layout: Layout) -> tuple[list[Column], list[str]]:
        columns, kinds = [], []
        for index in layout.columns(INPUT):
            name = layout.names[index]
            subject, fact = self._subject(name, grid, layout)
            columns.append(Column(name, subject))
            kind = fact.type if fact else ""
            if not kind and not isinstance(subject, tree.Name):
                kind = bind(subject, self.scope)[1].kind
            kinds.append(kind)
        return columns, kinds

    def _known(self, name: str) -> bool:
        return not bind(tree.Name(name), self.scope)[2]

    def _row(
        self,
        grid: Grid,
        layout: Layout,
        line: int,
        number: int,
        title: str,
        kinds: Sequence[str],
        cells: SheetCells,
    ) -> Row | None:
        before = len(self.model.remarks)
        row = grid.rows[line]
        own = line + grid.first
        tests: list[UnaryTests] = []
        for index, kind in zip(layout.columns(INPUT), kinds, strict=True):
            name = layout.names[index]
            try:
                tests.append(cells.tests(row[index] if index < len(row) else "", kind, name))
            except NotOurs as reason:
                self._report(Place(title, number, name, own), reason)
        said: list[Said] = []
        for index in layout.columns(OUTPUT):
            try:
                said.append(cells.output(row[index] if index < len(row) else ""))
            except NotOurs as reason:
                self._report(Place(title, number, layout.names[index], own), reason)
        if not any(value is not None for value in said) and len(self.model.remarks) == before:
            self._report(
                Place(title, number, "", own),
                NotOurs(
                    "interchange.no_result",
                    "这一行没有结果；请填写，或删去这一行",
                    "the row has no result; fill it in or delete the row",
                ),
            )
        if len(self.model.remarks) > before:
            return None
        notes = [grid.text(line, index).strip() for index in layout.columns(NOTE)]
        return Row(number, tuple(tests), tuple(said), " · ".join(filter(None, notes)), own)

    # remarks

    def _remarks(self, title: str, layout: Layout, cells: SheetCells) -> None:
        if not layout.policy:
            self._warn(
                Place(title),
                "interchange.policy_assumed",
                "没有写命中策略，按从上到下、首个匹配（first）处理；可在表上方写“策略 | 唯一”",
                "it states no hit policy; rows are tried top to bottom and the first match counts "
                "(first); write `policy | unique` above the table for another",
            )
        for column, count in cells.guessed.items():
            self._warn(
                Place(title, 0, column),
                "interchange.taken_as_text",
                f"有 {count} 格没有引号的内容当作文字",
                f"{count} cell(s) without quotes are taken as text",
            )
        for column, count in cells.both.items():
            self._warn(
                Place(title, 0, column),
                "interchange.taken_as_range",
                f"有 {count} 格写了下限和上限，当作同时满足的区间",
                f"{count} cell(s) with a lower and an upper bound are taken as a range",
            )

    def _warn(self, place: Place, code: str, zh: str, en: str) -> None:
        self.model.remarks.append(Remark(WARNING, code, zh, en, place))

    def _report(self, place: Place, reason: NotOurs) -> None:
        self.model.remarks.append(Remark(ERROR, reason.code, reason.zh, reason.en, place))


def _filled(grid: Grid, row: int) -> bool:
    return any(grid.text(row, column).strip() for column in range(len(grid.rows[row])))


def _split_unit(name: str) -> tuple[str, str]:
    """`重量(g)` as name and unit."""
    found = _UNIT.match(name)
    return (found[1], found[2].strip()) if found else (name, "")


def _check_unit(fact: Fact, unit: str, label: str) -> None:
    """A column in kg is not a fact in g."""
    own = _UNITS.get(unit, unit)
    if not unit or not fact.unit or fold(own) == fold(fact.unit):
        return
    raise NotOurs(
        "interchange.unit",
        f"“{label}”列的单位是 {unit}，而 {fact.id} 的单位是 {fact.unit}；请换算后再导入",
        f"the column {label} is in {unit}, but {fact.id} is in {fact.unit}; convert it first",
    )


__all__ = ["NUMBER", "read_sheets"]
