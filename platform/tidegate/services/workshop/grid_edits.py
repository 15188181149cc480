"""Changes to a table: cells, rows, columns, pasted blocks, and the last one undone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete

from tidegate.engine.frozen import thawed
from tidegate.engine.problems import RuleProblems
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.writing import document_of, write
from tidegate.errors import InputError, NotFound
from tidegate.services.context import Context
from tidegate.services.view_names import Words
from tidegate.services.workshop import drafts, grid
from tidegate.services.workshop.grid_reading import CellReader, no_cell, split
from tidegate.services.workshop.grid_reading import result as read_result
from tidegate.services.workshop.model import Draft
from tidegate.services.workshop.set_edits import Document, blocks, put_table
from tidegate.store.grid_tables import TableUndo

Table = dict[str, Any]
Change = Callable[[Table], None]
_PLACE = re.compile(r"rows\[(\d+)\]\.(when|then)\[(\d+)\]")
_ID = re.compile(r"[a-z][a-z0-9-]*\Z")


@dataclass(frozen=True, slots=True)
class Target:
    """The table to change, and the version of the draft the page was made from."""

    context: Context
    set_id: str
    table_id: str
    version: int
    actor: str


class CellsWrong(InputError):
    """Cells that don't read; `cells` maps (row id, place) to what is wrong with it."""

    def __init__(self, cells: Mapping[tuple[str, str], Words], other: Sequence[Words]) -> None:
        said = [*cells.values(), *other]
        super().__init__(
            "rules.cells_wrong",
            zh="；".join(words["zh"] for words in said[:5]) or "这一格读不懂。",
            en="; ".join(words["en"] for words in said[:5]) or "This cell can't be read.",
        )
        self.cells = cells


def put_cells(
    target: Target, cells: Sequence[tuple[str, str, str]], note: str | None = None
) -> Draft | None:
    """Typed cells as (row, place, text); `note` of the first row. None: nothing is different.

    Raises:
        CellsWrong: nothing was saved.
        DraftChanged, NotFound
    """
    read = _reader(target).typed
    values = [(row, place, read(place, typed)) for row, place, typed in cells]
    if _as_it_is(target, values, note):
        return None

    def change(table: Table) -> None:
        for row, place, value in values:
            _put(_row(table, row), place, value)
        if note is not None and cells:
            _noted(_row(table, cells[0][0]), note)

    return _save(target, change)


def paste(target: Target, row_id: str, place: str, text: str) -> tuple[Draft, int]:
    """A block from a spreadsheet, its upper left corner at a cell; rows are added at the end as needed.

    Raises:
        InputError: it is wider than the table.
        CellsWrong: nothing was saved.
    """
    block = [line.split("\t") for line in text.replace("\r\n", "\n").rstrip("\n").split("\n")]
    table = document(target)
    places = _places(table)
    at = places.index(place) if place in places else 0
    widest = max(map(len, block))
    if at + widest > len(places):
        raise InputError(
            "rules.paste_wide",
            zh=f"粘贴的内容有 {widest} 列，从这一格起只有 {len(places) - at} 列；请从更左边的格子粘贴。",
            en=f"What was pasted has {widest} columns, from here the table has {len(places) - at}; "
            f"paste further left.",
        )
    ids = [str(row["id"]) for row in table["rows"]]
    start = ids.index(row_id) if row_id in ids else len(ids)
    read = _reader(target).typed
    values = [
        [(places[at + n], read(places[at + n], typed)) for n, typed in enumerate(line)]
        for line in block
    ]

    def change(whole: Table) -> None:
        for offset, line in enumerate(values):
            if start + offset >= len(whole["rows"]):
                whole["rows"].append(_blank(whole))
            row = _opened(whole, start + offset)
            for where, value in line:
                _put(row, where, value)

    return _save(target, change), len(block)


def add_row(
    target: Target, cells: Mapping[str, str], note: str = "", after: str = ""
) -> tuple[Draft, str]:
    """A new row at the end or below another; its id comes back."""
    read = _reader(target).typed
    values = {place: read(place, typed) for place, typed in cells.items()}
    made: list[str] = []

    def change(table: Table) -> None:
        row = _blank(table)
        made.append(str(row["id"]))
        for place, value in values.items():
            _put(row, place, value)
        _noted(row, note)
        ids = [str(one["id"]) for one in table["rows"]]
        table["rows"].insert(ids.index(after) + 1 if after in ids else len(ids), row)

    return _save(target, change), made[0]


def duplicate_row(target: Target, row_id: str) -> Draft:
    """A copy right below, switched off until somebody has changed it."""

    def change(table: Table) -> None:
        row = thawed(_row(table, row_id))
        copied = {**row, "id": _blank(table)["id"], "enabled": False}
        table["rows"].insert(table["rows"].index(_row(table, row_id)) + 1, copied)

    return _save(target, change)


def remove_row(target: Target, row_id: str) -> Draft:
    """Raises InputError for the last row of a table."""

    def change(table: Table) -> None:
        table["rows"].remove(_row(table, row_id))
        if not table["rows"]:
            raise InputError(
                "rules.last_row",
                zh="决策表至少要有一行；不要这张表就删掉整张表。",
                en="A table has at least one row; remove the whole table if you don't need it.",
            )

    return _save(target, change)


def move_row(target: Target, row_id: str, place: int) -> Draft:
    """To a place counted from 1; beyond the ends is at the end."""

    def change(table: Table) -> None:
        row = _row(table, row_id)
        table["rows"].remove(row)
        table["rows"].insert(max(0, min(place - 1, len(table["rows"]))), row)

    return _save(target, change)


def switch_row(target: Target, row_id: str, on: bool) -> Draft:
    def change(table: Table) -> None:
        row = _row(table, row_id)
        row.pop("enabled", None)
        if not on:
            row["enabled"] = False

    return _save(target, change)


def add_column(target: Target, source: str, *, output: bool) -> Draft:
    """A column at the right of its kind; every row says anything, or does nothing."""

    def change(table: Table) -> None:
        table["outputs" if output else "inputs"].append(source)
        for row in _all_opened(table):
            row["then" if output else "when"].append("-")

    return _save(target, change)


def change_column(target: Target, place: str, source: str) -> Draft:
    """Let a column ask about something else; its cells stay. An empty `source` removes it."""
    kind, number = split(place)
    head, cells = ("inputs", "when") if kind == "when" else ("outputs", "then")

    def change(table: Table) -> None:
        if number >= len(table[head]):
            raise no_cell(place)
        if source:
            table[head][number] = source
            return
        if len(table[head]) == 1:
            raise InputError(
                "rules.last_column",
                zh="决策表至少要有一个条件列和一个结果列。",
                en="A table has at least one column that asks and one that does.",
            )
        del table[head][number]
        for row in _all_opened(table):
            del row[cells][number]

    return _save(target, change)


def new_table(
    target: Target, title: str, field: str, action: str, result: str, policy: str, stage: str = ""
) -> Draft:
    """A table of one row that always does one thing."""
    if not _ID.match(target.table_id):
        raise InputError(
            "rules.bad_table_id",
            zh=f"编号“{target.table_id}”只能用小写字母、数字和连字符，以字母开头。",
            en=f"The id “{target.table_id}” takes small letters, digits and hyphens, a letter first.",
            field="id",
        )
    table: Table = {"id": target.table_id, **({"title": title} if title else {})}
    if policy:
        table["policy"] = policy
    row = {"id": "r1", "when": ["-"], "then": [read_result(result)]}
    table |= {"inputs": [field], "outputs": [action], "rows": [row]}
    return _write(target, lambda whole: put_table(whole, target.table_id, table, stage), [table])


def remove_table(target: Target) -> Draft:
    return _write(target, lambda whole: put_table(whole, target.table_id, None), [])


def replace_rows(target: Target, rows: Sequence[Mapping[str, Any]]) -> Draft:
    """All rows at once, from a file; columns, policy and title stay."""

    def change(table: Table) -> None:
        table["rows"] = [dict(row) for row in rows]

    return _save(target, change)


def undo(target: Target) -> Draft:
    """The table as it was before the last save, if that save is still the last.

    Raises:
        NotFound: there is nothing to undo.
    """
    before = grid.kept_before(target.context, target.set_id, target.table_id, target.version)
    if before is None:
        raise NotFound(
            "rules.nothing_to_undo",
            zh="没有可撤销的修改；草稿在那之后又改过。",
            en="There is nothing to undo; the draft has changed since.",
        )
    was = _find(document_of(drafts.read_text(target.context, before)), target.table_id)
    return _write(
        target, lambda whole: put_table(whole, target.table_id, was), [was] if was else []
    )


def document(target: Target) -> Table:
    """The table as it stands in the working set, to be changed. Raises NotFound."""
    ruleset = drafts.working_set(target.context, target.set_id)
    return table_document(ruleset, target.table_id)


def table_document(ruleset: RuleSet, table_id: str) -> Table:
    """Raises NotFound."""
    table = _find(document_of(ruleset), table_id)
    if table is None:
        raise grid.unknown_table(ruleset.id, table_id)
    return table


# how


def _reader(target: Target) -> CellReader:
    ruleset = drafts.working_set(target.context, target.set_id)
    return CellReader(target.context, ruleset, target.table_id)


def _save(target: Target, change: Change) -> Draft:
    """Change the table within one reading of its set."""
    tables: list[Table] = []

    def on_whole(whole: Document) -> None:
        table = _find(whole, target.table_id)
        if table is None:
            raise grid.unknown_table(target.set_id, target.table_id)
        change(table)
        tables.append(table)

    return _write(target, on_whole, tables)


def _write(target: Target, change: Callable[[Document], None], tables: Sequence[Table]) -> Draft:
    """Save, and keep the text from before for one undo. `tables` is what errors are placed in."""
    found = drafts.draft_of(target.context, target.set_id)
    before = found.text if found else write(drafts.working_set(target.context, target.set_id))
    try:
        draft = drafts.change_document(
            target.context, target.set_id, target.version, target.actor, "table", change,
            target.table_id,
        )  # fmt: skip
    except RuleProblems as error:
        raise _placed(error, tables[0] if tables else None) from error
    row = TableUndo(
        set_id=target.set_id, table_id=target.table_id, version=draft.version, before=before
    )
    with target.context.store.begin(target.context.tenant_id) as work:
        work.session.execute(delete(TableUndo).where(TableUndo.set_id == target.set_id))
        work.add(row)
        work.commit()
    return draft


def _as_it_is(target: Target, values: Sequence[tuple[str, str, Any]], note: str | None) -> bool:
    """Whether the cells say just that already, in the version the page was made from."""
    found = drafts.draft_of(target.context, target.set_id)
    if (found.version if found else 0) != target.version:
        return False
    ruleset = found.ruleset if found else drafts.working_set(target.context, target.set_id)
    rules = {rule.id: rule for rule in ruleset.written}
    for name, place, value in values:
        rule = rules.get(f"{target.table_id}.{name}")
        kind, number = split(place)
        if rule is None or rule.row is None:
            return False
        cells: Sequence[Any] = rule.row.when if kind == "when" else rule.row.then
        if number >= len(cells) or cells[number] != value:
            return False
        if note is not None and note.strip() != rule.note:
            return False
    return True


def _find(whole: Document, table_id: str) -> Table | None:
    for block in blocks(whole):
        for table in block.get("tables") or []:
            if table["id"] == table_id:
                return table  # type: ignore[no-any-return]
    return None


def _placed(error: RuleProblems, table: Table | None) -> CellsWrong:
    rows = table["rows"] if table else []
    cells: dict[tuple[str, str], Words] = {}
    other: list[Words] = []
    for problem in error.problems:
        found = _PLACE.search(problem.where)
        words = {"zh": problem.zh, "en": problem.en}
        if found and table and f"{table['id']}." in problem.where and int(found[1]) < len(rows):
            key = (str(rows[int(found[1])]["id"]), f"{found[2]}.{found[3]}")
            cells.setdefault(key, words)
        else:
            other.append(words)
    return CellsWrong(cells, other)


def _blank(table: Table) -> Table:
    taken = {str(row["id"]) for row in table["rows"]}
    number = len(taken) + 1
    while f"r{number}" in taken:
        number += 1
    when, then = ["-"] * len(table["inputs"]), ["-"] * len(table["outputs"])
    return {"id": f"r{number}", "when": when, "then": then}


def _put(row: Table, place: str, value: Any) -> None:
    kind, number = split(place)
    if number >= len(row[kind]):
        raise no_cell(place)
    row[kind][number] = value


def _noted(row: Table, note: str) -> None:
    row.pop("note", None)
    if note.strip():
        row["note"] = note.strip()


def _row(table: Table, row_id: str) -> Table:
    """The row, to be changed in place. Raises NotFound."""
    for place, row in enumerate(table["rows"]):
        if str(row["id"]) == row_id:
            return _opened(table, place)
    raise NotFound(
        "rules.no_row",
        zh=f"没有 {row_id} 这一行；可能刚被删除。",
        en=f"There is no row {row_id}; it may just have been removed.",
        row=row_id,
    )


def _opened(table: Table, place: int) -> Table:
    """A row of its own in the place of one that other editions share."""
    row: Table = thawed(table["rows"][place])
    table["rows"][place] = row
    return row


def _all_opened(table: Table) -> list[Table]:
    return [_opened(table, place) for place in range(len(table["rows"]))]


def _places(table: Table) -> list[str]:
    inputs = [f"when.{n}" for n in range(len(table["inputs"]))]
    return [*inputs, *(f"then.{n}" for n in range(len(table["outputs"])))]
