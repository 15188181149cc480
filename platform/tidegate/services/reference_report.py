"""What became of every row of a reference table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that was not taken: where, which field, why and what to do."""

    file: str
    row: int
    field: str
    code: str
    zh: str
    en: str

    def text(self, lang: str) -> str:
        return self.zh if lang.lower().startswith("zh") else self.en

    def as_document(self, lang: str) -> dict[str, object]:
        return {
            "file": self.file,
            "row": self.row,
            "field": self.field,
            "code": self.code,
            "message": self.text(lang),
        }


@dataclass(slots=True)
class ReferenceReport:
    """Counts of rows: read = accepted + rejected, accepted = created + updated + unchanged.

    `woken` counts orders that waited for stock which came; `ignored` are headers nobody knows.
    """

    kind: str
    files: list[str] = field(default_factory=list)
    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    woken: int = 0
    rejected: list[Rejection] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        return self.created + self.updated + self.unchanged

    def as_document(self, lang: str = "en") -> dict[str, object]:
        return {
            "kind": self.kind,
            "files": self.files,
            "read": self.read,
            "accepted": self.accepted,
            "rejected": [rejection.as_document(lang) for rejection in self.rejected],
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "woken": self.woken,
            "ignored": self.ignored,
        }


def totals(reports: Iterable[ReferenceReport], lang: str = "en") -> Mapping[str, object]:
    """One document over several reports, with each of them in `imports`."""
    found: Sequence[ReferenceReport] = list(reports)
    return {
        "read": sum(report.read for report in found),
        "accepted": sum(report.accepted for report in found),
        "rejected": [row.as_document(lang) for report in found for row in report.rejected],
        "created": sum(report.created for report in found),
        "updated": sum(report.updated for report in found),
        "unchanged": sum(report.unchanged for report in found),
        "woken": sum(report.woken for report in found),
        "imports": [report.as_document(lang) for report in found],
    }
