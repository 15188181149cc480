"""A workbook of ours, edited or not, back to its document."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tidegate.interchange.grids import Grid
from tidegate.interchange.remarks import NotOurs, Place
from tidegate.interchange.settling import Draft, Key, Origin
from tidegate.interchange.workbook_layout import (
    CELL,
    COLUMNS,
    PLAIN,
    SECTIONS,
    SET,
    TABLE,
    TABLE_HEAD,
    codec,
    nested,
)


def is_ours(grids: Sequence[Grid]) -> bool:
    """Whether the workbook was written by `workbook_writing`."""
    return any(_word(grid, 0, 0) == SET for grid in grids)


def _word(grid: Grid, row: int, column: int) -> str:
    """The key of a label such as `title.zh 中文名`."""
    text = grid.text(row, column).split() if row < len(grid.rows) else []
    return text[0] if text else ""


@dataclass(frozen=True)
class _Record:
    """One row of a sheet, or a whole table; `values` holds what could be read of it."""

    key: Key
    place: Place
    values: dict[str, Any]
    wrong: tuple[tuple[Place, NotOurs], ...] = ()


@dataclass
class _Table:
    key: Key
    place: Place
    values: dict[str, Any]
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    rows: list[_Record] = field(default_factory=list)


class WorkbookComposer:
    """Composes the document of one workbook, again and again with fewer rows."""

    def __init__(self, grids: Sequence[Grid]) -> None:
        self.head: dict[str, Any] = {}
        self.sections: dict[str, list[_Record]] = {}
        self.tables: list[_Table] = []
        for index, grid in enumerate(grids):
            kind = _word(grid, 0, 0)
            if kind == SET:
                self.head = _set(grid)
            elif kind == TABLE:
                self.tables.append(_table(grid, index))
            elif kind in COLUMNS:
                self.sections[kind] = list(_records(grid, index, kind))

    @property
    def read(self) -> int:
        return len(self.sections.get("rules", ())) + sum(len(table.rows) for table in self.tables)

    def compose(self, rejected: Collection[Key]) -> Draft:
        return _Composing(self, rejected).compose()


class _Composing:
    def __init__(self, book: WorkbookComposer, rejected: Collection[Key]) -> None:
        self.book = book
        self.rejected = rejected
        self.draft = Draft()

    def compose(self) -> Draft:
        head = {key: value for key, value in self.book.head.items() if key != "order"}
        document = nested(head)
        for section in SECTIONS:
            found = self._entries(section)
            if found:
                document[section] = found
        stages = self._left("stages")
        if stages:
            document["stages"] = [self._stage(n, one) for n, one in enumerate(stages)]
        else:
            document |= self._rules_and_tables("", "", self.book.head.get("order") or [])
        tests = [nested(one.values) for one in self._left("tests")]
        if tests:
            document["tests"] = tests
        self.draft.document = document
        return self.draft

    def _left(self, section: str) -> list[_Record]:
        """The records of a sheet that were not rejected; unreadable ones are rejected now."""
        found = []
        for one in self.book.sections.get(section, ()):
            if one.key in self.rejected:
                continue
            for place, reason in one.wrong:
                self.draft.fail(one.key, place, reason)
            found.append(one)
        return found

    def _entries(self, section: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        last = ""
        for one in self._left(section):
            values = nested(one.values)
            name = str(values.pop("id", "") or "")
            if section == "lists":
                value = [values.pop("values")] if "values" in values else []
                if name:
                    found[name] = {**values, "values": value}
                    last = name
                elif last:
                    found[last]["values"] += value
            else:
                found[name] = values
            self.draft.origins.setdefault(f"{section}.{name or last}", Origin(one.key, one.place))
        return found

    def _stage(self, number: int, one: _Record) -> dict[str, Any]:
        values = nested(one.values)
        order = values.pop("order", None) or []
        self.draft.origins[f"stages[{number}]"] = Origin(one.key, one.place)
        path = f"stages[{number}]."
        return {**values, **self._rules_and_tables(str(values.get("id")), path, order)}

    def _rules_and_tables(self, stage: str, path: str, order: Sequence[str]) -> dict[str, Any]:
        parts = {"rules": self._rules(stage, path), "tables": self._tables(stage, path)}
        keys = [*(key for key in order if key in parts), *(k for k in parts if k not in order)]
        return {key: parts[key] for key in keys if parts[key]}

    def _rules(self, stage: str, path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for one in self._left("rules"):
            values = nested(one.values)
            if str(values.pop("stage", "") or "") == stage:
                self.draft.origins[f"{path}rules[{len(found)}]"] = Origin(one.key, one.place)
                self.draft.accepted += 1
                found.append(values)
        return found

    def _tables(self, stage: str, path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for table in self.book.tables:
            values = nested(table.values)
            if table.key in self.rejected or str(values.pop("stage", "") or "") != stage:
                continue
            own = f"{path}tables[{len(found)}]"
            rows: list[dict[str, Any]] = []
            for row in (row for row in table.rows if row.key not in self.rejected):
                for place, reason in row.wrong:
                    self.draft.fail(row.key, place, reason)
                origin = Origin(row.key, row.place, tuple(table.inputs), tuple(table.outputs))
                self.draft.origins[f"{own}.rows[{len(rows)}]"] = origin
                rows.append(nested(row.values))
            self.draft.origins[own] = Origin(table.key, table.place)
            if rows:
                self.draft.accepted += len(rows)
                found.append(
                    {**values, "inputs": table.inputs, "outputs": table.outputs, "rows": rows}
                )
        return found


def _set(grid: Grid) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for row in range(len(grid.rows)):
        key, text = _word(grid, row, 0), grid.text(row, 1)
        if key and text.strip():
            found[key] = text.strip() if key == SET else codec(SET, key).value(text)
    return found


def _records(grid: Grid, index: int, section: str) -> Iterator[_Record]:
    width = max((len(row) for row in grid.rows), default=0)
    columns = [_word(grid, 1, column) for column in range(width)]
    number = 0
    for row in range(2, len(grid.rows)):
        values: dict[str, Any] = {}
        wrong: list[tuple[Place, NotOurs]] = []
        texts = [(name, grid.text(row, column)) for column, name in enumerate(columns) if name]
        if not any(text.strip() for _, text in texts):
            continue
        number += 1
        line = row + grid.first
        for name, text in texts:
            if text.strip():
                try:
                    values[name] = codec(section, name).value(text)
                except NotOurs as reason:
                    wrong.append((Place(grid.name, number, name, line), reason))
        yield _Record((index, number), Place(grid.name, number, "", line), values, tuple(wrong))


def _table(grid: Grid, index: int) -> _Table:
    table = _Table((index, 0), Place(grid.name), {"id": grid.text(0, 1).strip()})
    row = 1
    while row < len(grid.rows) and _word(grid, row, 0) in TABLE_HEAD:
        key, text = _word(grid, row, 0), grid.text(row, 1)
        if text.strip():
            table.values[key] = codec(TABLE, key).value(text)
        row += 1
    width = len(grid.rows[row]) if row < len(grid.rows) else 0
    kinds = [_word(grid, row, column) for column in range(width)]
    for column, kind in enumerate(kinds):
        if kind in ("when", "then"):
            names = table.inputs if kind == "when" else table.outputs
            names.append(grid.text(row + 1, column).strip() if row + 1 < len(grid.rows) else "")
    number = 0
    for line in range(row + 3, len(grid.rows)):
        if any(grid.text(line, column).strip() for column in range(width)):
            number += 1
            table.rows.append(_row(grid, index, line, number, kinds))
    return table


def _row(grid: Grid, index: int, row: int, number: int, kinds: Sequence[str]) -> _Record:
    values: dict[str, Any] = {"when": [], "then": []}
    wrong: list[tuple[Place, NotOurs]] = []
    line = row + grid.first
    for column, kind in enumerate(kinds):
        text = grid.text(row, column)
        if kind == "when":
            values["when"].append(text.strip() or "-")
        elif kind == "then":
            try:
                value = CELL.value(text)
                values["then"].append("-" if value is None and not text.strip() else value)
            except NotOurs as reason:
                wrong.append((Place(grid.name, number, kind, line), reason))
        elif kind and text.strip():
            values[kind] = PLAIN.value(text)
    return _Record((index, number), Place(grid.name, number, "", line), values, tuple(wrong))
