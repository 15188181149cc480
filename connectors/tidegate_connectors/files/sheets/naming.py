"""Columns get names of their own: a header may be blank, or stand there twice."""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.errors import InputError
from tidegate_connectors.files.headers import normal

MOST_COLUMNS = 200
LONGEST = 80


def column_names(cells: Sequence[str], label: str) -> list[str]:
    """A name per column, each once as headers are compared; a blank one is called by its letter.

    Raises:
        InputError: more columns than an order can have.
    """
    used = [cell.replace("\ufeff", "").strip() for cell in cells]
    while used and not used[-1]:
        used.pop()
    if len(used) > MOST_COLUMNS:
        raise too_many_columns(label, len(used))
    names: list[str] = []
    taken: set[str] = set()
    for at, cell in enumerate(used):
        plain = " ".join(cell.split())[:LONGEST]
        name = plain if normal(plain) else f"({letter_of(at)})"
        if normal(name) in taken:
            name = f"{name} ({letter_of(at)})"
        taken.add(normal(name))
        names.append(name)
    return names


def letter_of(at: int) -> str:
    """0 -> A, 26 -> AA."""
    letters = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def too_many_columns(label: str, count: int) -> InputError:
    return InputError(
        "sheet.too_many_columns",
        zh=f"{label} 的表格有 {count} 列，最多 {MOST_COLUMNS} 列；请删去用不到的列再上传。",
        en=f"{label} has {count} columns, at most {MOST_COLUMNS} are read; delete those that are not needed.",
        file=label,
    )
