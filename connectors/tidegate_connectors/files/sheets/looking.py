"""A first look at a file: its sheets, its header, what each column holds, and a layout to begin with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from tidegate.errors import InputError
from tidegate.sdk.fields import order_fields
from tidegate.sdk.sheets import Guess, Layout, Look, SheetColumn, Upload
from tidegate_connectors.files.content import open_content
from tidegate_connectors.files.converters import tidy
from tidegate_connectors.files.dates import parts_of
from tidegate_connectors.files.headers import normal
from tidegate_connectors.files.sheets.body import no_order
from tidegate_connectors.files.sheets.grids import grids
from tidegate_connectors.files.sheets.guessing import guess_columns
from tidegate_connectors.files.sheets.header_search import find_header, header_score
from tidegate_connectors.files.sheets.looks import column_look
from tidegate_connectors.files.sheets.naming import column_names, letter_of

LOOKED_AT = 400  # rows of a sheet
SHOWN_TOP, SHOWN_SAMPLES, SHOWN_WORDS = 15, 4, 40

_Numbered = tuple[int, list[str]]


@dataclass(frozen=True, slots=True)
class _Seen:
    name: str
    rows: list[_Numbered]


def look(upload: Upload, layout: Layout | None, hints: Mapping[str, str]) -> Look:
    """See tidegate.sdk.sheets.SheetReader.look."""
    seen = _read(upload, layout.encoding if layout else "")
    sheet = _chosen(seen, layout, upload.name)
    header_row = layout.header_row if layout and layout.header_row else find_header(sheet.rows)
    header = next((cells for number, cells in sheet.rows if number == header_row), None)
    if header is None or header_row is None:
        raise _no_header(upload.name)
    names = column_names(header, upload.name)
    told = [cell.strip() for cell in header if cell.strip()]
    below = [cells for number, cells in sheet.rows if number > header_row]
    known = layout.fields if layout and layout.fields else None
    guesses = _guesses(names, _columns(names, below), known, hints)
    at = next((n for n, guess in enumerate(guesses) if guess.field == "order.number"), 0)
    body = [cells for cells in below if not no_order(cells, at, told)]
    cells = _columns(names, body)
    if len(body) < len(below):  # totals and notes have no say in what a column is
        guesses = _guesses(names, cells, known, hints)
    fields = {name: guess.field for name, guess in zip(names, guesses, strict=True)}
    start = replace(
        layout or Layout(header_row, {}), header_row=header_row, fields=fields,
        columns=tuple(names), sheet=sheet.name,
    )  # fmt: skip
    by_field = {field: cells[n] for n, field in enumerate(fields.values()) if field}
    if known is None:
        start = _proposed(start, by_field, body, at)
    dates = [one for field, some in by_field.items() if _type(field) == "instant" for one in some]
    return Look(
        upload.name,
        tuple(one.name for one in seen if one.name),
        start,
        tuple(
            SheetColumn(
                name, letter_of(n), guess, _samples(some), sum(1 for c in some if c.strip())
            )
            for n, (name, guess, some) in enumerate(zip(names, guesses, cells, strict=True))
        ),
        len(body),
        tuple((number, tuple(row[:12])) for number, row in sheet.rows[:SHOWN_TOP]),
        {field: _words(some) for field, some in by_field.items() if _type(field) == "choice"},
        _date_order(dates) == "open",
    )


def _read(upload: Upload, encoding: str) -> list[_Seen]:
    content = open_content(upload)
    try:
        return [
            _Seen(
                grid.name,
                [(n, row) for n, row in islice(grid.rows, LOOKED_AT) if isinstance(row, list)],
            )
            for grid in grids(content, encoding)
        ]
    finally:
        content.close()


def _chosen(seen: Sequence[_Seen], layout: Layout | None, name: str) -> _Seen:
    if layout is not None and any(one.name == layout.sheet for one in seen):
        return next(one for one in seen if one.name == layout.sheet)
    filled = [one for one in seen if one.rows]
    if not filled:
        raise _no_header(name)
    return max(filled, key=lambda one: header_score(one.rows))


def _columns(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[row[n] if n < len(row) else "" for row in rows] for n in range(len(names))]


def _guesses(
    names: Sequence[str],
    cells: Sequence[Sequence[str]],
    known: Mapping[str, str] | None,
    hints: Mapping[str, str],
) -> list[Guess]:
    """A column that a layout knows keeps its field; only others are guessed, and take no field that is given."""
    fresh = guess_columns(names, cells, hints)
    if known is None:
        return fresh
    kept = {normal(name): field for name, field in known.items()}
    given = {field for name in names if (field := kept.get(normal(name)))}
    found = []
    for name, guess in zip(names, fresh, strict=True):
        if normal(name) in kept:
            same = guess.field == kept[normal(name)]
            found.append(guess if same else Guess(kept[normal(name)], "kept"))
        else:
            found.append(
                replace(guess, field="", why="twice", word=guess.field)
                if guess.field in given
                else guess
            )
    return found


def _proposed(
    layout: Layout, by_field: dict[str, list[str]], rows: Sequence[Sequence[str]], number_at: int
) -> Layout:
    numbers = [tidy(row[number_at]) if number_at < len(row) else "" for row in rows]
    blank = any(not number for number in numbers[1:]) and bool(numbers and numbers[0])
    given = [number for number in numbers if number]
    items = bool({"item.sku", "item.title", "item.quantity"} & by_field.keys())
    repeated = len(set(given)) < len(given)
    rows_are = "line" if items or repeated or blank else "order"
    return replace(
        layout,
        rows=rows_are,
        fill_down=blank and items and len(given) * 5 >= len(numbers),
        quantity="1" if "item.quantity" not in by_field and rows_are == "line" else "",
        status="" if "order.source_status" in by_field else "to_ship",
        dates={"day": "day_first", "month": "month_first"}.get(
            _date_order([c for f, some in by_field.items() if _type(f) == "instant" for c in some]),
            "auto",
        ),
        address=_address_way(by_field),
    )


def _address_way(by_field: dict[str, list[str]]) -> str:
    found = column_look(by_field.get("recipient.address", []))
    if found.look == "contact" and "recipient.phone" not in by_field:
        return "recipient"
    whole = "recipient.province" not in by_field and found.share("address") >= 0.5
    return "parts" if whole else "as_is"


def _date_order(cells: Sequence[str]) -> str:
    """`day` or `month` first where a date proves it, `open` where none does, "" where the year stands first."""
    pairs = [pair for cell in cells if (pair := parts_of(tidy(cell)))]
    if any(first > 12 for first, _ in pairs):
        return "day"
    if any(second > 12 for _, second in pairs):
        return "month"
    return "open" if pairs else ""


def _samples(cells: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text[:200] for cell in cells if (text := tidy(cell))))[
        :SHOWN_SAMPLES
    ]


def _words(cells: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text[:60] for cell in cells if (text := tidy(cell))))[:SHOWN_WORDS]


def _type(field: str) -> str:
    known = order_fields().get(field)
    return known.type if known else ""


def _no_header(name: str) -> InputError:
    return InputError(
        "sheet.no_header",
        zh=f"{name} 里找不到表头；请确认文件里有一行写着订单号、收件人这样的列名，或手动填写表头行号。",
        en=f"No header was found in {name}; make sure one row names the columns (order number, recipient), "
        "or write the header's row number.",
        file=name,
        field="header_row",
    )
