"""Tables to spreadsheets and back: rows only; an import shows what it would change and is confirmed."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]  # ships no types

from tidegate.errors import InputError, TidegateError
from tidegate.interchange.cells import cell_text as written
from tidegate.interchange.grids import Grid as Sheet
from tidegate.interchange.grids import read_text, read_workbook
from tidegate.services.context import Context
from tidegate.services.view_names import Words
from tidegate.services.workshop import drafts, grid, grid_edits
from tidegate.services.workshop.grid_edits import CellsWrong, Table, Target
from tidegate.services.workshop.grid_reading import CellReader
from tidegate.services.workshop.model import Draft

ID, NOTE = "id", "note"
MOST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row of the file that can't be taken, with the file's own row number."""

    row: int
    words: Words


@dataclass(frozen=True, slots=True)
class RowChange:
    """`kind` added, removed, changed or moved; cells as text, only those that differ for `changed`."""

    kind: str
    row_id: str
    cells: Sequence[tuple[str, str, str]]  # column, before, after


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What a file would do. `accepted` + rejected = `read`; `content` is what is confirmed."""

    read: int
    accepted: int
    changes: Sequence[RowChange]
    same: int
    bad: Sequence[BadRow]
    content: str


def export(context: Context, set_id: str, table_id: str) -> bytes:
    """The table as XLSX: two rows of heads (what it is, what it is called), then a row each. All cells are
    text, so nothing is a formula. Raises NotFound.
    """
    ruleset = drafts.working_set(context, set_id)
    table = grid_edits.table_document(ruleset, table_id)
    columns = grid.opened_columns(context, set_id, table_id)
    stream = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(stream, options)
    sheet = book.add_worksheet()
    plain = book.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
    head = book.add_format({"bold": True, "bg_color": "#EAF1F5", "bottom": 1, "num_format": "@"})
    keys = [ID, *(f"{column.place} {column.source}" for column in columns), NOTE]
    rows = [keys, ["行", *(column.title["zh"] for column in columns), "备注"]]
    rows += [_cells(row) for row in table["rows"]]
    for number, cells in enumerate(rows):
        for column, text in enumerate(cells):
            sheet.write_string(number, column, text, head if number < 2 else plain)
    sheet.freeze_panes(2, 1)
    sheet.set_column(0, len(keys), 22)
    book.close()
    return stream.getvalue()


def read_file(context: Context, set_id: str, table_id: str, name: str, data: bytes) -> ImportPlan:
    """What a spreadsheet (XLSX, CSV, TSV or pasted text) would change.

    Raises:
        InputError: it is no table, or none of its columns is one of this table's.
        NotFound: no such table.
    """
    sheets = read_workbook(name, data) if name.lower().endswith(".xlsx") else read_text(name, data)
    if not sheets:
        raise _empty(name)
    text = "\n".join("\t".join(_flat(cell) for cell in line) for line in _lines(sheets[0]))
    return plan(context, set_id, table_id, text)


def plan(context: Context, set_id: str, table_id: str, content: str) -> ImportPlan:
    """The same from text with tabs, as `content` carries it to the confirmation. Raises InputError, NotFound."""
    target = Target(context, set_id, table_id, 0, "")
    table = grid_edits.document(target)
    columns = grid.opened_columns(context, set_id, table_id)
    lines = [line.split("\t") for line in content.split("\n") if line.strip("\t ")]
    if not lines:
        raise _empty(table_id)
    at = _heads(lines[0], columns)
    body = lines[2:] if len(lines) > 1 and _is_titles(lines[1], at, columns) else lines[1:]
    first = len(lines) - len(body) + 1
    good, bad = _rows(target, table, at, body, first)
    changes, same = _changes(table, good, columns)
    return ImportPlan(len(body), len(good), changes, same, bad, content)


def confirm(target: Target, content: str) -> Draft:
    """Do what the plan said; rows it refused keep what they were, nothing but rows changes.

    Raises:
        CellsWrong, DraftChanged, InputError, NotFound
    """
    table = grid_edits.document(target)
    found = plan(target.context, target.set_id, target.table_id, content)
    if not found.accepted:
        raise _empty(target.table_id)
    columns = grid.opened_columns(target.context, target.set_id, target.table_id)
    lines = [line.split("\t") for line in content.split("\n") if line.strip("\t ")]
    at = _heads(lines[0], columns)
    body = lines[2:] if len(lines) > 1 and _is_titles(lines[1], at, columns) else lines[1:]
    good, _ = _rows(target, table, at, body, 0, keep_bad=True)
    return grid_edits.replace_rows(target, good)


# how


def _lines(sheet: Sheet) -> list[list[str]]:
    return [[sheet.text(n, m) for m in range(len(row))] for n, row in enumerate(sheet.rows)]


def _flat(cell: str) -> str:
    return cell.replace("\t", " ").replace("\r", "").replace("\n", "、").strip()


def _cells(row: Mapping[str, Any]) -> list[str]:
    when = [text if isinstance(text, str) else written(text) for text in row["when"]]
    then = ["-" if value in ("-", False) else written(value) for value in row["then"]]
    return [str(row["id"]), *when, *then, str(row.get("note", ""))]


def _heads(head: Sequence[str], columns: Sequence[grid.Column]) -> dict[str, int]:
    """Where in the file each column of the table stands: by its key, its source or its title."""
    found: dict[str, int] = {}
    for place, text in enumerate(head):
        name = text.strip()
        if name in (ID, "行", "Row"):
            found[ID] = place
        elif name in (NOTE, "备注", "Note"):
            found[NOTE] = place
        for column in columns:
            names = {f"{column.place} {column.source}", column.source, *column.title.values()}
            if name in names and column.place not in found:
                found[column.place] = place
                break
    missing = [column.title for column in columns if column.place not in found]
    if missing:
        zh, en = "、".join(w["zh"] for w in missing[:4]), ", ".join(w["en"] for w in missing[:4])
        raise InputError(
            "rules.import_columns",
            zh=f"第一行里找不到这些列：{zh}。请先导出一份，在它上面改。",
            en=f"The first row lacks the columns {en}. Export the table and change that file.",
            field="file",
        )
    return found


def _is_titles(line: Sequence[str], at: Mapping[str, int], columns: Sequence[grid.Column]) -> bool:
    return all(
        at[c.place] < len(line) and line[at[c.place]].strip() in c.title.values() for c in columns
    )


def _rows(
    target: Target, table: Table, at: Mapping[str, int], body: Sequence[Sequence[str]],
    first: int, *, keep_bad: bool = False,
) -> tuple[list[Table], list[BadRow]]:  # fmt: skip
    """Rows that read, and those that don't; `keep_bad`: in place of a bad row stands what it was."""
    ruleset = drafts.working_set(target.context, target.set_id)
    reader = CellReader(target.context, ruleset, target.table_id)
    was = {str(row["id"]): row for row in table["rows"]}
    taken: set[str] = set()
    good: list[Table] = []
    bad: list[BadRow] = []
    for number, line in enumerate(body):
        cells = {key: line[n].strip() if n < len(line) else "" for key, n in at.items()}
        name = cells.get(ID, "") or _free(was, taken)
        try:
            row = _one(reader, table, name, was.get(name), cells, taken)
        except TidegateError as error:
            bad.append(BadRow(first + number, {"zh": error.text("zh"), "en": error.text("en")}))
            if keep_bad and name in was and name not in taken:
                taken.add(name)
                good.append(was[name])
            continue
        taken.add(name)
        good.append(row)
    return good, bad


def _one(
    reader: CellReader, table: Table, name: str, was: Table | None, cells: Mapping[str, str],
    taken: set[str],
) -> Table:  # fmt: skip
    if name in taken:
        raise InputError(
            "rules.import_twice",
            zh=f"行编号 {name} 出现了两次；改成不同的，或留空由系统编号。",
            en=f"The row id {name} stands there twice; change one, or leave it empty.",
        )
    row: Table = {**(was or {}), "id": name}
    for key, heads in (("when", table["inputs"]), ("then", table["outputs"])):
        row[key] = [reader.typed(f"{key}.{n}", cells[f"{key}.{n}"]) for n in range(len(heads))]
    if NOTE in cells:
        row.pop("note", None)
        row |= {"note": cells[NOTE]} if cells[NOTE] else {}
    wrong = reader.wrong(row)
    if wrong:
        raise CellsWrong({}, wrong)
    return row


def _free(was: Mapping[str, Any], taken: set[str]) -> str:
    number = 1
    while f"r{number}" in was or f"r{number}" in taken:
        number += 1
    return f"r{number}"


def _changes(
    table: Table, rows: Sequence[Table], columns: Sequence[grid.Column]
) -> tuple[list[RowChange], int]:
    names = [ID, *(column.title["zh"] for column in columns), NOTE]
    before = {str(row["id"]): _cells(row) for row in table["rows"]}
    after = {str(row["id"]): _cells(row) for row in rows}
    found: list[RowChange] = []
    for name, cells in after.items():
        old = before.get(name)
        if old is None:
            pairs = [(k, "", v) for k, v in zip(names[1:], cells[1:], strict=True) if v]
            found.append(RowChange("added", name, pairs))
        elif old != cells:
            pairs = [(k, a, b) for k, a, b in zip(names, old, cells, strict=True) if a != b]
            found.append(RowChange("changed", name, pairs))
    found += [RowChange("removed", name, ()) for name in before if name not in after]
    kept = [name for name in after if name in before]
    if kept != [name for name in before if name in after]:
        found.append(RowChange("moved", ", ".join(kept[:20]), ()))
    return found, sum(1 for name, cells in after.items() if before.get(name) == cells)


def _empty(name: str) -> InputError:
    return InputError(
        "rules.import_empty",
        zh=f"{name} 里没有可导入的行；第一行是列名，下面每行一条。",
        en=f"{name} holds no row to import; the first row names the columns, then a row each.",
        field="file",
    )
