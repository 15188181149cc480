"""What could not be carried over, or was carried over with a remark: the place in the file, the
cause and the remedy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tidegate.engine.problems import Problem

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True)
class Place:
    """Where in the foreign file. `row` counts the table's rules from 1 (0: the whole table);
    `line` is the row as a spreadsheet numbers it (0: the file has no such numbers).
    """

    table: str = ""
    row: int = 0
    column: str = ""
    line: int = 0

    def text(self, lang: str = "en") -> str:
        """`Fees 第 3 行 “Age”列`, in English `Fees, row 3, column Age`."""
        chinese = lang.lower().startswith("zh")
        parts = [self.table] if self.table else []
        if self.row:
            parts.append(f"第 {self.row} 行" if chinese else f"row {self.row}")
        if self.line:
            parts.append(f"（工作表第 {self.line} 行）" if chinese else f"(line {self.line})")
        if self.column:
            parts.append(f"“{self.column}”列" if chinese else f"column {self.column}")
        return " ".join(parts) if chinese else ", ".join(parts).replace(", (", " (")


@dataclass(frozen=True)
class Remark:
    """An `error` names something that was left out; a `warning` something to look at."""

    severity: str
    code: str
    zh: str
    en: str
    place: Place = field(default_factory=Place)

    def text(self, lang: str = "en") -> str:
        chinese = lang.lower().startswith("zh")
        place, sentence = self.place.text(lang), self.zh if chinese else self.en
        if not place:
            return sentence
        return f"{place}：{sentence}" if chinese else f"{place}: {sentence}"

    def as_document(self, lang: str = "en") -> dict[str, object]:
        """Plain data for `--json`."""
        place = self.place
        return {
            "place": place.text(lang),
            "table": place.table,
            "row": place.row,
            "column": place.column,
            "severity": self.severity,
            "code": self.code,
            "message": self.zh if lang.lower().startswith("zh") else self.en,
        }


class NotOurs(Exception):
    """A cell, an expression or a node that our language cannot say."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.code, self.zh, self.en = code, zh, en

    @classmethod
    def of(cls, problem: Problem) -> NotOurs:
        """The engine's own complaint, handed on."""
        return cls(problem.code, problem.zh, problem.en)

    def at(self, place: Place, severity: str = ERROR) -> Remark:
        return Remark(severity, self.code, self.zh, self.en, place)


@dataclass(frozen=True)
class Imported:
    """A rule-set document and the account of how it came about. `document` is empty when not one
    row could be carried over. `read` = `accepted` + `rejected` counts table rows (of our own
    workbooks and DMN files also rules). `names` says which fact each input of the file became.
    """

    document: Mapping[str, Any]
    read: int
    accepted: int
    remarks: tuple[Remark, ...]
    names: Mapping[str, str]

    @property
    def rejected(self) -> int:
        return self.read - self.accepted

    @property
    def complete(self) -> bool:
        """Everything in the file was carried over."""
        return not any(remark.severity == ERROR for remark in self.remarks)


@dataclass(frozen=True)
class Exported:
    """The bytes of the file; `written` of `rules` rules and rows are in it, the others are in
    `remarks`.
    """

    data: bytes
    rules: int
    written: int
    remarks: tuple[Remark, ...] = ()
