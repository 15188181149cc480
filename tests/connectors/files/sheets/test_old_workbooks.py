""".xls as old tools write it: the same orders, dates, merged cells; numbers that lost digits, passwords and damage told."""

from __future__ import annotations

import io
import random
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import xlwt

from tidegate.errors import InputError
from tidegate.sdk.sheets import Upload
from tidegate_connectors.files.sheets import reader

sys.path.insert(0, str(Path(__file__).parent))
from order_books import HEADER, ROWS
from test_reading import orders

WHEN = xlwt.easyxf(num_format_str="yyyy-mm-dd hh:mm:ss")


def old_book(
    rows: list[list[Any]], *, merged: tuple[int, int, int] | None = None, hidden: bool = False
) -> bytes:
    """`merged`: first row, last row, column."""
    book = xlwt.Workbook(encoding="utf-8")
    if hidden:
        more = book.add_sheet("字典")
        more.visibility = 1
        more.write(0, 0, "订单号")
    sheet = book.add_sheet("订单")
    for at, row in enumerate(rows):
        for column, cell in enumerate(row):
            within = merged and merged[0] <= at <= merged[1] and column == merged[2]
            if not within and cell != "":
                sheet.write(
                    at,
                    column,
                    cell,
                    WHEN if isinstance(cell, datetime) else xlwt.Style.default_style,
                )
    if merged:
        sheet.write_merge(merged[0], merged[1], merged[2], merged[2], rows[merged[0]][merged[2]])
    book.set_active_sheet(1 if hidden else 0)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def test_an_old_workbook_brings_the_same_orders() -> None:
    drafts, rejected, _ = orders(Upload("a.xls", old_book([HEADER, *ROWS], hidden=True)))
    assert rejected == []
    assert [(d.number, len(d.lines)) for d in drafts] == [
        ("DD20261101001", 2), ("DD20261101002", 1), ("DD20261101003", 1),
    ]  # fmt: skip
    assert drafts[0].recipient.address == "文一西路969号3幢502"


def test_typed_cells_and_merged_cells_are_read() -> None:
    at = datetime(2026, 11, 11, 8, 30, 5)  # noqa: DTZ001  (a spreadsheet knows no zone)
    rows = [
        ["订单号", "下单时间", "商品编码", "数量", "单价"],
        ["DD1", at, "CUP-1", 2, 12.9],
        ["", at, "CUP-2", 1, 0.1],
    ]
    drafts, rejected, _ = orders(Upload("a.xls", old_book(rows, merged=(1, 2, 0))))
    assert rejected == []
    (draft,) = drafts
    assert (draft.number, draft.ordered_at) == ("DD1", datetime(2026, 11, 11, 0, 30, 5, tzinfo=UTC))
    assert [(one.sku, one.quantity, one.unit_price_minor) for one in draft.lines] == [
        ("CUP-1", 2, 1290), ("CUP-2", 1, 10),
    ]  # fmt: skip


def test_a_number_that_lost_its_digits_is_told_by_row_and_one_kept_as_text_is_right() -> None:
    rows = [
        ["订单号", "商品编码", "数量"], ["123456789012345678", "CUP-1", 1], [123456789012345678, "CUP-1", 1],
        [123456789012345, "CUP-1", 1], [1234567890123450, "CUP-1", 1],
    ]  # fmt: skip
    drafts, rejected, _ = orders(Upload("a.xls", old_book(rows)))
    assert [d.number for d in drafts] == ["123456789012345678", "123456789012345"]
    assert [(one.row, one.code) for one in rejected] == [
        (3, "import.number_damaged"),
        (5, "import.number_damaged"),
    ]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (old_book([HEADER, *ROWS])[:3_000], "import.not_a_table"),
        (old_book([HEADER])[:512], "import.not_a_table"),
        (old_book([HEADER]) + "EncryptedPackage".encode("utf-16-le"), "import.workbook_locked"),
        (old_book([HEADER]) + "_VBA_PROJECT".encode("utf-16-le"), "sheet.macros"),
    ],
)
def test_what_cannot_be_read_is_said(data: bytes, code: str) -> None:
    with pytest.raises(InputError) as caught:
        reader().look(Upload("a.xls", data))
    assert caught.value.code == code
    assert "a.xls" in caught.value.text("en")
    assert caught.value.text("zh") != caught.value.text("en")


def test_a_password_inside_the_workbook_is_said() -> None:
    data = old_book([HEADER, *ROWS])
    start = data.index(bytes.fromhex("09081000000605 00"))  # the workbook's first record
    locked = data[: start + 20] + bytes.fromhex("2f000600 0000 0000 0000") + data[start + 30 :]
    with pytest.raises(InputError) as caught:
        reader().look(Upload("a.xls", locked))
    assert caught.value.code == "import.workbook_locked"


def test_damage_anywhere_is_an_answer_and_no_crash() -> None:
    seed = 20261129
    print(f"seed {seed}")
    luck, whole, refused = random.Random(seed), old_book([HEADER, *ROWS]), 0
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(luck.choice((1, 4, 30))):
            data[luck.randrange(8, len(data))] = luck.randrange(256)
        try:
            reader().look(Upload("a.xls", bytes(data)))
        except InputError:  # nothing else may come
            refused += 1
    assert 10 < refused < 150
