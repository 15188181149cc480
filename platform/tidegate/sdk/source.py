"""What a source of orders gives: drafts in batches, and every row accounted for.

The sum over all batches obeys `rows_read = rows_accepted + len(rejected)`; a row is counted once
its fate is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from tidegate.domain.orders import OrderDraft


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A row that could not become (part of) an order.

    `row` counts as a spreadsheet does: the header is row 1. `field` is a vocabulary id, or empty
    when the row as a
    whole is broken. `value` is what was seen, never personal data (then: its length and kind).
    """

    file: str
    row: int
    field: str
    code: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Orders that are complete, with the rows they were made from."""

    drafts: Sequence[OrderDraft]
    rows_read: int
    rows_accepted: int
    rejected: Sequence[RowProblem]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a source is: phase `read` counts bytes of the files, phase `save` rows. `total`
    None: unknown.
    """

    phase: str
    done: int
    total: int | None


class OrderSource(Protocol):
    """Anything that can be imported: files today, a shop's API tomorrow."""

    @property
    def name(self) -> str:
        """Id of the mapping or connector, for the record of the import."""
        ...

    @property
    def origins(self) -> Sequence[str]:
        """Names of the files (without folders) or of the account."""
        ...

    def batches(self, listen: Callable[[Progress], None] | None = None) -> Iterator[Batch]:
        """All orders, each exactly once.

        Raises:
            InputError: a file cannot be read at all; nothing was handed out before.
        """
        ...
