"""A rule set as an XLSX workbook that people edit and that reads back as an equal set.

Every cell is text: nothing in a workbook of ours is ever a formula or a link.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]  # ships no types

from tidegate.engine.language.binding import Scope
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.vocabulary import Vocabulary
from tidegate.engine.writing import document_of
from tidegate.errors import InputError
from tidegate.interchange.naming import unused
from tidegate.interchange.remarks import Exported
from tidegate.interchange.workbook_layout import (
    CELL,
    COLUMNS,
    PLAIN,
    ROW_END,
    SECTIONS,
    SET,
    TABLE,
    TABLE_HEAD,
    WORDS,
    codec,
    flat,
)

MAX_CELL = 32_767  # characters, Excel's limit
MADE = datetime(2000, 1, 1)  # noqa: DTZ001  a fixed date, so that equal sets give equal files
_UNNAMEABLE = re.compile(r"[\[\]:*?/\\'\x00-\x1f]")


def write_workbook(ruleset: RuleSet) -> Exported:
    """Raises InputError when a text is longer than a cell can hold."""
    document = document_of(ruleset)
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(
        stream,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    book.set_properties({"title": ruleset.title["zh"], "created": MADE})
    _Writer(book, ruleset.vocabulary).document(document)
    book.close()
    return Exported(stream.getvalue(), len(ruleset.rules), len(ruleset.rules))


@dataclass
class _Sheet:
    """Rows written one below the other."""

    sheet: Any
    formats: Mapping[str, Any]
    row: int = 0
    widths: dict[int, int] = field(default_factory=dict)

    def write(self, cells: Sequence[str], style: str = "cell") -> None:
        for column, text in enumerate(cells):
            if len(text) > MAX_CELL:
                raise InputError(
                    "interchange.cell_too_long",
                    zh=f"有一格内容 {len(text)} 个字符，超过 Excel 的上限 {MAX_CELL}；请导出为 YAML。",
                    en=f"a cell would hold {len(text)} characters, Excel allows {MAX_CELL}; export "
                    f"YAML instead.",
                )
            if text:
                self.sheet.write_string(self.row, column, text, self.formats[style])
                longest = max(map(len, text.split("\n")))
                self.widths[column] = max(self.widths.get(column, 8), min(longest, 60))
        self.row += 1

    def finish(self, frozen: int) -> None:
        for column, width in self.widths.items():
            self.sheet.set_column(column, column, width + 3)
        self.sheet.freeze_panes(frozen, 0)


class _Writer:
    def __init__(self, book: xlsxwriter.Workbook, vocabulary: Vocabulary) -> None:
        self.book = book
        self.vocabulary = vocabulary
        self.scope = Scope(vocabulary)
        self.names: set[str] = set()
        plain = {"text_wrap": True, "valign": "top", "num_format": "@"}
        self.formats = {
            "cell": book.add_format(plain),
            "key": book.add_format({**plain, "bold": True}),
            "kind": book.add_format({**plain, "font_color": "#777777", "italic": True}),
            "head": book.add_format({**plain, "bold": True, "bottom": 1, "bg_color": "#EAF1F5"}),
        }

    def document(self, document: Mapping[str, Any]) -> None:
        stages = document.get("stages") or [document]
        self._set(document)
        self._stages(document)
        self._rules(stages, bool(document.get("stages")))
        for stage in stages:
            for table in stage.get("tables") or []:
                self._table(table, stage["id"] if document.get("stages") else "")
        for section in SECTIONS:
            if document.get(section):
                self._section(section, document[section])
        if document.get("tests"):
            self._records("tests", document["tests"], "tests")

    def _sheet(self, name: str) -> _Sheet:
        plain = " ".join(_UNNAMEABLE.sub(" ", name).split())[:28] or "Sheet"
        own = unused(plain.casefold(), self.names, " ")  # spreadsheets ignore case
        number = own.removeprefix(plain.casefold())
        return _Sheet(self.book.add_worksheet(f"{plain}{number}"), self.formats)

    def _set(self, document: Mapping[str, Any]) -> None:
        sheet = self._sheet(WORDS[SET])
        values = flat({key: value for key, value in document.items() if key not in _PARTS})
        values["order"] = [key for key in document if key in ("rules", "tables")]
        for key, value in values.items():
            label = f"{key} {WORDS.get(key, '')}".strip()
            text = value if key == SET else codec(SET, key).text(value)
            sheet.write([label, text], "cell")
        sheet.finish(1)

    def _stages(self, document: Mapping[str, Any]) -> None:
        stages = document.get("stages")
        if not stages:
            return
        records = []
        for stage in stages:
            head = {key: value for key, value in stage.items() if key not in ("rules", "tables")}
            order = [key for key in stage if key in ("rules", "tables")]
            records.append({**head, "order": order})
        self._records("stages", records, "stages")

    def _rules(self, stages: Sequence[Mapping[str, Any]], staged: bool) -> None:
        records = [
            {**({"stage": stage["id"]} if staged else {}), **rule}
            for stage in stages
            for rule in stage.get("rules") or []
        ]
        if records:
            self._records("rules", records, "rules")

    def _section(self, section: str, entries: Mapping[str, Any]) -> None:
        records = []
        for name, spec in entries.items():
            own = spec
            if not isinstance(spec, Mapping):
                own = {"values": spec} if section == "lists" else {"value": spec}
            records.append({"id": name, **own})
        if section == "lists":
            records = [row for record in records for row in _per_value(record)]
        self._records(section, records, section)

    def _records(self, section: str, records: Iterable[Mapping[str, Any]], name: str) -> None:
        rows = [flat(record) for record in records]
        extra = dict.fromkeys(key for row in rows for key in row)
        known = [key for key in COLUMNS[section] if key in extra]
        columns = [*known, *(key for key in extra if key not in known)]
        sheet = self._sheet(WORDS[name])
        sheet.write([f"{section} {WORDS[section]}"], "key")
        sheet.write([f"{key} {WORDS.get(key, '')}".strip() for key in columns], "head")
        for row in rows:
            sheet.write([codec(section, c).text(row[c]) if c in row else "" for c in columns])
        sheet.finish(2)

    def _table(self, table: Mapping[str, Any], stage: str) -> None:
        title = table.get("title", table["id"])
        sheet = self._sheet(title["zh"] if isinstance(title, Mapping) else title)
        sheet.write([f"{TABLE} {WORDS[TABLE]}", table["id"]], "key")
        head = flat({**({"stage": stage} if stage else {}), **table})
        for key in TABLE_HEAD:
            if key in head:
                sheet.write([f"{key} {WORDS[key]}", codec(TABLE, key).text(head[key])])
        inputs, outputs = list(table["inputs"]), list(table["outputs"])
        rows = [flat(row) for row in table["rows"]]
        end = [key for key in ROW_END if any(key in row for row in rows)]
        kinds = ["id", *["when"] * len(inputs), *["then"] * len(outputs), *end]
        sheet.write([f"{kind} {WORDS[kind]}" for kind in kinds], "kind")
        sheet.write(["", *inputs, *outputs], "key")
        sheet.write(["", *map(self._fact, inputs), *map(self._action, outputs)], "head")
        frozen = sheet.row
        for row in rows:
            when = [cell if isinstance(cell, str) else CELL.text(cell) for cell in row["when"]]
            then = ["-" if cell is False else CELL.text(cell) for cell in row["then"]]
            sheet.write([row["id"], *when, *then, *[PLAIN.text(row.get(key, "")) for key in end]])
        sheet.finish(frozen)

    def _fact(self, text: str) -> str:
        fact = self.vocabulary.facts.get(text)
        if fact is None:
            return text
        return f"{self.vocabulary.groups[fact.group].title['zh']}.{fact.title['zh']}"

    def _action(self, name: str) -> str:
        return self.vocabulary.actions[name].title["zh"]


_PARTS = ("rules", "tables", "stages", "tests", *SECTIONS)


def _per_value(record: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """A list has a row per value; its head stands in the first."""
    head = {key: value for key, value in record.items() if key != "values"}
    values = list(record["values"]) or [None]
    first, *rest = values
    yield {**head, **({"values": first} if first is not None else {})}
    yield from ({"values": value} for value in rest)
