"""Spreadsheets as merchants have them, made on the spot."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import xlsxwriter

from tidegate.sdk.sheets import Upload

Rows = Sequence[Sequence[Any]]
HEADER = [
    "订单号",
    "下单时间",
    "收货人",
    "手机",
    "收货地址",
    "商品编码",
    "商品名称",
    "数量",
    "单价",
    "订单状态",
    "备注",
]
ROWS = [
    ["DD20261101001", "2026-11-01 09:12", "赵敏", "13812340001", "浙江省杭州市余杭区文一西路969号3幢502", "TEA-01", "龙井茶 250g", "2", "88.00", "待发货", "尽快"],
    ["DD20261101001", "2026-11-01 09:12", "赵敏", "13812340001", "浙江省杭州市余杭区文一西路969号3幢502", "CUP-02", "茶杯", "1", "35.50", "待发货", ""],
    ["DD20261101002", "2026-11-01 10:40", "钱进", "13912340002", "江苏省南京市鼓楼区中山路18号", "TEA-01", "龙井茶 250g", "1", "88.00", "待发货", ""],
    ["DD20261101003", "2026-11-02 08:05", "孙丽", "13712340003", "广东省深圳市南山区科技园路2号", "CUP-02", "茶杯", "4", "35.50", "已发货", ""],
]  # fmt: skip


def text_file(
    rows: Rows, name: str = "orders.csv", encoding: str = "utf-8", delimiter: str = ","
) -> Upload:
    made = io.StringIO()
    csv.writer(made, delimiter=delimiter).writerows(rows)
    return Upload(name, made.getvalue().encode(encoding))


def workbook(
    sheets: dict[str, Rows], name: str = "orders.xlsx", merged: Sequence[tuple[str, Any]] = ()
) -> Upload:
    """Cells as typed values; `merged` ranges of the first sheet, with what stands in them."""
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_formulas": False})
    for position, (title, rows) in enumerate(sheets.items()):
        sheet = book.add_worksheet(title)
        for number, row in enumerate(rows):
            for column, cell in enumerate(row):
                if cell not in ("", None):
                    sheet.write(number, column, cell)
        for where, value in merged if not position else ():
            sheet.merge_range(where, value)
    book.close()
    return Upload(name, stream.getvalue())
