"""The file of rejected rows: as they came, with the cause beside them, to be mended and brought again.

Of an order with a rejected row all rows are in it: an order brought again takes the lines it is brought with, so half
of them would take the others away. The columns we add are known and left aside when the file comes back.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import xlsxwriter  # type: ignore[import-untyped]  # ships no types

from tidegate.sdk.fields import order_fields
from tidegate.sdk.issues import issue_text
from tidegate.sdk.sheets import Layout, RepairRow
from tidegate.services.context import Context
from tidegate.services.sheets import files
from tidegate.services.sheets.mappings import ADDED, is_ours
from tidegate.services.sheets.readers import sheet_reader

_ALONG = {
    "zh": "这一行没有问题；同一订单有别的行被拒收，请一起导入，订单才完整。",
    "en": "This row is fine; another row of its order was rejected. Bring them together, so that the order is whole.",
}
_RISKY = ("=", "+", "-", "@", "\t", "\r")
KINDS = ("xlsx", "csv")


def rejected_rows(context: Context, file_id: int, lang: str, kind: str = "xlsx") -> bytes:
    """Personal data: the file holds what the person uploaded. Raises NotFound, InputError."""
    row, place, upload = files.opened(context, file_id)
    layout = files.layout_now(row)
    header, rows = sheet_reader().repair(upload, layout, channel=place.channel, shop=place.shop)
    own = [at for at, name in enumerate(header) if not is_ours(name)]
    table = [
        [*(header[at] for at in own), *ADDED[lang]],
        *(_cells(one, own, layout, lang) for one in rows),
    ]
    return workbook(table) if kind == "xlsx" else text(table)


def column_of(layout: Layout, field: str) -> str:
    """The column that a field was read from, or the field's own name."""
    for column, chosen in layout.fields.items():
        if chosen == field:
            return column
    return ""


def workbook(table: Sequence[Sequence[str]]) -> bytes:
    """Every cell is text: no formula runs, and long numbers keep their digits."""
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(
        stream,
        {
            "in_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )  # fmt: skip
    sheet = book.add_worksheet("orders")
    for number, cells in enumerate(table):
        for column, cell in enumerate(cells):
            sheet.write_string(number, column, cell[:32_767])
    sheet.freeze_panes(1, 0)
    book.close()
    return stream.getvalue()


def text(table: Sequence[Sequence[str]], encoding: str = "utf-8-sig") -> bytes:
    """CSV; a cell that a spreadsheet would take for a formula gets a ' before it, which the import leaves off."""
    made = io.StringIO()
    csv.writer(made).writerows([[_harmless(cell) for cell in cells] for cells in table])
    return made.getvalue().encode(encoding, errors="replace")


def _cells(one: RepairRow, own: Sequence[int], layout: Layout, lang: str) -> list[str]:
    cells = [one.cells[at] if at < len(one.cells) else "" for at in own]
    if one.problem is None:
        return [*cells, str(one.row), "", _ALONG[lang]]
    problem = one.problem
    known = order_fields().get(problem.field)
    place = column_of(layout, problem.field) or (known.title(lang) if known else "")
    cause = issue_text(problem.code, problem.field, problem.value, lang)
    return [*cells, str(one.row), place, cause]


def _harmless(cell: str) -> str:
    number = cell[:1] in "+-" and cell[1:].replace(".", "", 1).isdigit()
    return f"'{cell}" if cell.startswith(_RISKY) and not number else cell
