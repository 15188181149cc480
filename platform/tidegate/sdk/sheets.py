"""A spreadsheet of orders whose columns nobody described: what it seems to say, and what a person made of it.

A reader (today the `files` connector's `sheets`) looks at the bytes and proposes a Layout; a person corrects it; the
same layout then reads the file, and the next one of its shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tidegate.sdk.source import OrderSource, RowProblem

KEEP = "keep"  # in place of a field: the column stays with the order as it is
ROWS = ("line", "order")
DATES = ("auto", "day_first", "month_first")
ADDRESSES = ("as_is", "parts", "recipient")
ENCODINGS = (
    "", "utf-8", "gb18030", "big5", "utf-16", "shift_jis", "euc_kr", "cp1252", "cp1251",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came: its name without folders, and its bytes."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Layout:
    """How a spreadsheet is read. `fields` says per column (by its name in the header) which field it is, or KEEP.

    `rows`: a row is a `line` of an order, or a whole `order`. `dates`: `auto` reads year first only. `address`: how a
    column with whole addresses is taken apart: `as_is`, in `parts` by the parser, or with name and phone (`recipient`).
    `fill_down`: a blank order number is that of the row above. `quantity` and `status` stand in for missing columns.
    `values`: per field, words of the file and what they mean to us.
    """

    header_row: int
    fields: Mapping[str, str]
    columns: tuple[str, ...] = ()
    sheet: str = ""
    encoding: str = ""
    rows: str = "line"
    timezone: str = "Asia/Shanghai"
    currency: str = "CNY"
    shop: str = ""
    dates: str = "auto"
    address: str = "as_is"
    fill_down: bool = False
    quantity: str = ""
    status: str = ""
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Guess:
    """What a column is taken for (`field` "" for nothing) and why.

    `why`: preset (the tool's), header (its name is one of the words for it), like (it holds such a word), values (what
    stands in it), both, kept (a person said so before), twice (a better column was there), nothing. `hits` of `of`
    values look like `look`.
    """

    field: str = ""
    why: str = "nothing"
    word: str = ""
    look: str = ""
    hits: int = 0
    of: int = 0


@dataclass(frozen=True, slots=True)
class SheetColumn:
    """`letter` is the column's name in a spreadsheet. `samples` are real cells: personal data."""

    name: str
    letter: str
    guess: Guess
    samples: tuple[str, ...] = field(repr=False)
    filled: int = 0  # of the rows that were looked at


@dataclass(frozen=True, slots=True)
class Look:
    """A file as it was found. `layout` is the proposal; `words` per choice field what stands in its column.

    `rows_seen` rows below the header were looked at; `top` are the first rows of the sheet, for choosing the header.
    """

    name: str
    sheets: tuple[str, ...]
    layout: Layout
    columns: tuple[SheetColumn, ...]
    rows_seen: int
    top: tuple[tuple[int, tuple[str, ...]], ...] = field(repr=False, default=())
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    dates_open: bool = False  # day and month cannot be told apart


@dataclass(frozen=True, slots=True)
class Preset:
    """What is assumed of a tool's spreadsheets until a person says otherwise: header -> field, columns of waybills."""

    tool: str
    title: Mapping[str, str]
    columns: Mapping[str, str]
    waybill: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that is no order: `total`, `note`, or the `header` again."""

    row: int
    kind: str


@dataclass(frozen=True, slots=True)
class RepairRow:
    """A row for the file of rejected rows; one without a `problem` was accepted and belongs to an order with others."""

    row: int
    cells: Sequence[str] = field(repr=False)
    problem: RowProblem | None = None


class SheetSource(OrderSource, Protocol):
    """Orders of one spreadsheet by one layout."""

    @property
    def skipped(self) -> Sequence[Skipped]:
        """Known once it was read."""
        ...


class SheetReader(Protocol):
    """Reads spreadsheets whose layout is data."""

    def look(
        self,
        upload: Upload,
        layout: Layout | None = None,
        hints: Mapping[str, str] | None = None,
    ) -> Look:
        """What stands in a file; with a `layout`, by its sheet, header row and encoding, its fields kept.

        `hints`: header -> field, which come before our own list of words.

        Raises:
            InputError: it is no spreadsheet, or has no header.
        """
        ...

    def source(self, upload: Upload, layout: Layout, *, channel: str, shop: str) -> SheetSource:
        """The orders; `shop` "" takes the layout's shop or its column.

        Raises:
            InputError: the layout does not fit: a field is missing, named twice, or unknown.
        """
        ...

    def repair(
        self, upload: Upload, layout: Layout, *, channel: str, shop: str
    ) -> tuple[Sequence[str], Sequence[RepairRow]]:
        """The header, and every row that was rejected with the others of its order, as they stand in the file."""
        ...

    def meanings(self, field: str, layout: Layout) -> Callable[[str], str]:
        """What a word of a choice field's column means to us; "" when nobody said."""
        ...

    def choices(self) -> Sequence[str]:
        """Ids of the fields that a column can be."""
        ...


def layout_document(layout: Layout) -> dict[str, Any]:
    """A layout as plain data, to keep."""
    return {
        "header_row": layout.header_row, "fields": dict(layout.fields), "columns": list(layout.columns),
        "sheet": layout.sheet, "encoding": layout.encoding, "rows": layout.rows,
        "timezone": layout.timezone, "currency": layout.currency, "shop": layout.shop,
        "dates": layout.dates, "address": layout.address, "fill_down": layout.fill_down,
        "quantity": layout.quantity, "status": layout.status,
        "values": {name: dict(words) for name, words in layout.values.items()},
    }  # fmt: skip


def layout_of(document: Mapping[str, Any]) -> Layout:
    """A layout that was kept; what it does not say has its default."""
    known = {name: document[name] for name in Layout.__dataclass_fields__ if name in document}
    return Layout(**{**known, "columns": tuple(known.get("columns", ()))})
