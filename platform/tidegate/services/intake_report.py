"""What an import says at its end. `read = accepted + len(rejected)` counts rows, the rest counts
orders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tidegate.domain.orders import Issue
from tidegate.sdk.issues import issue_text
from tidegate.sdk.source import Batch, RowProblem

KEPT_IN_DATABASE = (
    1_000  # problems of each kind in ImportRun.report; the counts are always complete
)


@dataclass(frozen=True, slots=True)
class Flag:
    """One thing about one order that is missing or does not fit."""

    order: str
    issue: Issue


@dataclass
class ImportReport:
    """Grows with every batch."""

    read: int = 0
    accepted: int = 0
    rejected: list[RowProblem] = field(default_factory=list)
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    flagged: list[Flag] = field(default_factory=list)

    def add_rows(self, batch: Batch) -> None:
        """Count a batch's rows and note what is odd about its orders."""
        self.read += batch.rows_read
        self.accepted += batch.rows_accepted
        self.rejected += batch.rejected
        for draft in batch.drafts:
            if draft.issues:
                self.flagged += [Flag(draft.number, issue) for issue in draft.issues]

    def as_document(self, lang: str = "zh", limit: int | None = None) -> dict[str, Any]:
        """The report as plain data, with a sentence for every problem; `limit` caps both lists,
        never the counts.
        """
        return {
            "read": self.read,
            "accepted": self.accepted,
            "rejected_count": len(self.rejected),
            "rejected": [_rejected(row, lang) for row in self.rejected[:limit]],
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "flagged_count": len(self.flagged),
            "flagged": [_flagged(flag, lang) for flag in self.flagged[:limit]],
        }


def _rejected(row: RowProblem, lang: str) -> dict[str, Any]:
    return {
        "file": row.file,
        "row": row.row,
        "field": row.field,
        "code": row.code,
        "message": issue_text(row.code, row.field, row.value, lang),
    }


def _flagged(flag: Flag, lang: str) -> dict[str, Any]:
    issue = flag.issue
    return {
        "order": flag.order,
        "field": issue.field,
        "code": issue.code,
        "message": issue_text(issue.code, issue.field, issue.value, lang),
    }


def by_code(problems: Sequence[RowProblem | Flag]) -> list[tuple[str, int, RowProblem | Flag]]:
    """(code, how many, the first one), most frequent first: what a person reads before the long
    list.
    """
    found: dict[str, tuple[int, RowProblem | Flag]] = {}
    for problem in problems:
        code = problem.code if isinstance(problem, RowProblem) else problem.issue.code
        count, first = found.get(code, (0, problem))
        found[code] = (count + 1, first)
    return sorted(((code, *rest) for code, rest in found.items()), key=lambda item: -item[1])
