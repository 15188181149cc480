"""The sentences behind the codes of rejected rows and flagged orders, in one table for CLI,
pages and API.

Each names what was seen and what to do. `{field}` becomes the vocabulary's title, `{value}` what
was seen; a personal
value is never passed in, only its kind and length (`seen`).
"""

from __future__ import annotations

from tidegate.domain.orders import Issue
from tidegate.sdk.fields import order_fields

# code: (Chinese, English)
TEXTS: dict[str, tuple[str, str]] = {
    # A row that cannot become (part of) an order.
    "import.missing_number": (
        "这一行没有订单编号；请补上编号后再导入。",
        "This row has no order number; fill it in and import again.",
    ),
    "import.number_damaged": (
        "订单编号 {value} 被电子表格改成了科学计数法，后面的数字已丢失；请重新导出，"
        "不要用表格软件另存。",
        "The order number {value} was turned into scientific notation by a spreadsheet and lost "
        "digits; export it again without saving it in the spreadsheet.",
    ),
    "import.code_damaged": (
        "“{field}”写的是 {value}，被电子表格改成了科学计数法；请重新导出，不要用表格软件另存。",
        "“{field}” says {value}: a spreadsheet turned it into scientific notation; export it again "
        "without saving it there.",
    ),
    "import.number_too_long": (
        "订单编号太长（{value}）；最多 120 个字符，请检查列是否对应正确。",
        "The order number is too long ({value}); at most 120 characters. Check that the right "
        "column is mapped.",
    ),
    "import.missing_quantity": (
        "没有填数量；请填写大于 0 的整数。",
        "The quantity is empty; write a whole number above 0.",
    ),
    "import.quantity_not_a_number": (
        "数量 {value} 不是整数；请填写大于 0 的整数。",
        "The quantity {value} is not a whole number; write a whole number above 0.",
    ),
    "import.quantity_not_positive": (
        "数量 {value} 不大于 0；退货和盘点调整不是订单行，请改为大于 0 的整数或去掉这一行。",
        "The quantity {value} is not above 0; returns and stock corrections are no order lines. "
        "Write a whole number above 0 or leave the row out.",
    ),
    "import.quantity_too_large": (
        "数量 {value} 超过一百万；请检查列是否对应正确。",
        "The quantity {value} is above one million; check that the right column is mapped.",
    ),
    "import.duplicate_number": (
        "订单编号 {value} 在文件里出现过，内容却不同；这份文件应当一单一行，请删去其中一行。",
        "The order number {value} came before with other content; this kind of file has one row an "
        "order. Remove one of them.",
    ),
    "import.order_not_in_orders_file": (
        "订单报表里没有订单 {value}；请把包含它的订单报表一起导入。",
        "Order {value} is not in the order report; import the order report that holds it together "
        "with this file.",
    ),
    "import.too_many_lines": (
        "订单 {value} 超过 5,000 行；请检查订单编号列是否对应正确。",
        "Order {value} has more than 5,000 lines; check that the order number is mapped to the "
        "right column.",
    ),
    "import.too_many_cells": (
        "这一行有 {value} 个单元格，比表头多；多半是引号或分隔符写错，请修正这一行。",
        "This row has {value} cells, more than the header; a quote or separator is likely wrong. "
        "Repair the row.",
    ),
    "import.too_few_cells": (
        "这一行只有 {value} 个单元格，缺少必需的列；请补全这一行。",
        "This row has only {value} cells and ends before a required column; complete the row.",
    ),
    "import.broken_quotes": (
        "这一行的引号不成对（{value}）；请修正引号后再导入。",
        "The quotes in this row do not match ({value}); repair them and import again.",
    ),
    "import.json_broken": (
        "这一行不是完整的 JSON 对象（{value}）；每行写一个对象。",
        "This line is no complete JSON object ({value}); write one object on each line.",
    ),
    "import.json_field": (
        "字段 {value} 不符合订单文档的格式；请对照 docs/import.md。",
        "The field {value} does not fit the order document; compare with docs/import.md.",
    ),
    # Something about an order that was kept.
    "import.missing_value": (
        "“{field}”是空的；请在来源补上后再导入，或在订单页填写。",
        "“{field}” is empty; fill it in at the source and import again, or on the order page.",
    ),
    "import.not_an_amount": (
        "“{field}”写的是 {value}，不是金额；请只写数字，例如 12.50。",
        "“{field}” says {value}, which is no amount; write digits only, for example 12.50.",
    ),
    "import.amount_too_large": (
        "“{field}”写的是 {value}，大得不合理；请检查列是否对应正确。",
        "“{field}” says {value}, larger than any amount can be; check that the right column is "
        "mapped.",
    ),
    "import.amount_negative": (
        "“{field}”是负数 {value}；已照原样保留，请核对这是否是一张订单。",
        "“{field}” is negative ({value}); kept as it is. Check whether this is an order at all.",
    ),
    "import.amount_rounded": (
        "“{field}”写的是 {value}，比最小货币单位还细；已四舍五入，请核对。",
        "“{field}” says {value}, finer than the currency's smallest unit; it was rounded, please "
        "check it.",
    ),
    "import.not_a_number": (
        "“{field}”写的是 {value}，不是数字；请改成数字。",
        "“{field}” says {value}, which is no number; write a number.",
    ),
    "import.not_a_time": (
        "“{field}”写的是 {value}，认不出时间；请写成 2026-11-11 00:00:12 这样。",
        "“{field}” says {value}, which is no time; write it like 2026-11-11 00:00:12.",
    ),
    "import.not_yes_or_no": (
        "“{field}”写的是 {value}；请写 是 或 否。",
        "“{field}” says {value}; write yes or no.",
    ),
    "import.unknown_value": (
        "“{field}”写的是 {value}，映射文件里没有这个词；请在映射的 values 里加上它。",
        "“{field}” says {value}, a word the mapping does not know; add it to the mapping's values.",
    ),
    "import.not_a_country": (
        "“{field}”写的是 {value}，不是两位国家代码或已知国名；请写 CN 这样的代码。",
        "“{field}” says {value}, neither a two-letter code nor a known country; write a code such "
        "as CN.",
    ),
    "import.not_a_currency": (
        "“{field}”写的是 {value}，不是三位币种代码；已按映射的默认币种处理。",
        "“{field}” says {value}, not a three-letter currency code; the mapping's default was used.",
    ),
    "import.too_long": (
        "“{field}”太长（{value}），已截短；请核对。",
        "“{field}” is too long ({value}) and was cut; please check it.",
    ),
    "import.values_differ": (
        "同一订单各行的“{field}”不一致，已采用第一行的值；请核对来源。",
        "The rows of this order disagree about “{field}”; the first one was used. Check the "
        "source.",
    ),
    "import.no_lines": (
        "这张订单没有商品行；请连同商品报表一起导入，或在来源补上数量。",
        "This order has no lines; import the item report with it, or fill in the quantity at the "
        "source.",
    ),
    "import.no_item_rows": (
        "商品报表里没有这张订单，商品行取自订单报表；请核对商家编码。",
        "The item report does not hold this order, so its line comes from the order report; check "
        "the SKU.",
    ),
    "import.lines_rejected": (
        "这张订单有 {value} 行被拒收，其余行已导入；请修正后再导入。",
        "{value} rows of this order were rejected and the others imported; repair them and import "
        "again.",
    ),
    "intake.lines_changed_late": (
        "来源改了商品行，但这张订单已占库存或已有包裹，商品行保持原样；请与仓库核对后处理。",
        "The source changed the lines, but stock is reserved or a parcel exists, so the lines stay "
        "as they were; settle it with the warehouse.",
    ),
    "intake.recipient_changed_late": (
        "来源改了“{field}”，而这张订单已有包裹；请核对面单，必要时取消运单重打。",
        "The source changed “{field}” after a parcel was made; check the label, and cancel and "
        "reprint it if needed.",
    ),
}


def issue_text(code: str, field: str = "", value: str | None = None, lang: str = "zh") -> str:
    """The sentence for a code; an unknown code (of a connector's own) is shown as it is, with
    field and value.
    """
    chinese = lang.lower().startswith("zh")
    known = order_fields().get(field)
    title = known.title(lang) if known else field
    seen = shown(value, chinese=chinese)
    texts = TEXTS.get(code)
    if texts is None:
        return " ".join(part for part in (code, title, value or "") if part)
    return texts[0 if chinese else 1].replace("{field}", title).replace("{value}", seen)


def issue_of(issue: Issue, lang: str = "zh") -> str:
    """The sentence for an order's issue."""
    return issue_text(issue.code, issue.field, issue.value, lang)


def shown(value: str | None, *, chinese: bool = True) -> str:
    """A value as a sentence shows it: one line, at most 40 characters, empty said in words."""
    if value is None or not value.strip():
        return "空白" if chinese else "nothing"
    line = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    return line if len(line) <= 40 else f"{line[:40]}…"


def seen(field: str, value: str) -> str:
    """What an issue may keep of a value: the value itself, or for a personal field only its
    shape.
    """
    known = order_fields().get(field)
    if known is not None and not known.personal:
        return value[:200]
    kinds = [
        name
        for name, found in (
            ("digits", any(c.isdigit() for c in value)),
            ("letters", any(c.isalpha() for c in value)),
        )
        if found
    ]
    return f"{len(value)} characters: {', '.join(kinds) or 'signs'}"
