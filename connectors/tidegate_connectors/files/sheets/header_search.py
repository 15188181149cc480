"""Which row of a sheet is its header: titles, notes and merged group rows stand above it.

A header row names columns: its cells are short texts, different from one another, many of them known words, and rows
with values follow it.
"""

from __future__ import annotations

from collections.abc import Sequence

from tidegate_connectors.files.headers import normal
from tidegate_connectors.files.sheets.looks import is_date, is_number, is_phone
from tidegate_connectors.files.sheets.naming import MOST_COLUMNS
from tidegate_connectors.files.sheets.words import key_of, words

LOOKED_AT = 40  # rows; no export hides its header deeper
LONGEST_NAME = 40

Numbered = tuple[int, Sequence[str]]  # row number as a spreadsheet shows it, cells


def find_header(rows: Sequence[Numbered]) -> int | None:
    """The number of the header's row, or None when no row names columns."""
    scored = [(_score(cells), -number) for number, cells in rows[:LOOKED_AT]]
    best = max(scored, default=(0.0, 0))
    return -best[1] if best[0] > 0 else None


def header_score(rows: Sequence[Numbered]) -> float:
    """How sure one can be that the sheet is a table of orders: for choosing among sheets."""
    return max((_score(cells) for _, cells in rows[:LOOKED_AT]), default=0.0)


def _score(cells: Sequence[str]) -> float:
    filled = [cell.strip() for cell in cells[: MOST_COLUMNS + 1] if cell.strip()]
    if len(filled) < 2:
        return 0.0
    exact, known = words().exact, 0.0
    for cell in filled:
        key = key_of(cell)
        if key in exact or key.split("(")[0] in exact:
            known += 3
        elif any(word in key for word, _ in words().longest_first) and len(cell) <= LONGEST_NAME:
            known += 1
    values = sum(is_number(cell) or is_date(cell) or is_phone(cell) for cell in filled)
    if known >= 3 and values * 2 < len(filled):
        return 10 + known - 2 * values
    names = {normal(cell) for cell in filled}
    named = values == 0 and len(names) == len(filled) >= 3
    return 1.0 if named and all(len(cell) <= LONGEST_NAME for cell in filled) else 0.0
