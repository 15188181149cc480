"""A layout as the mapping that the file reader works by: data in, data out, nothing in it is ever run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from zoneinfo import ZoneInfo

from tidegate.errors import InputError
from tidegate.sdk.fields import order_fields
from tidegate.sdk.sheets import ADDRESSES, DATES, ENCODINGS, KEEP, ROWS, Layout
from tidegate_connectors.files.encoding import DEFAULT_ENCODINGS
from tidegate_connectors.files.headers import normal
from tidegate_connectors.files.mapping import Column, FileMapping, OrderMapping
from tidegate_connectors.files.sheets.guessing import JOINED
from tidegate_connectors.files.sheets.words import words

BLANK = frozenset({"-", "--", "—", "/", "null", "NULL", "None", "N/A", "n/a", "#N/A", "无"})
FILL = frozenset({"item.line_total", "item.unit_price", "order.goods_total", "order.total"})
_NOT_A_COLUMN = {"order.channel", "order.revision", "recipient.kind"}
_WANTED = {
    "recipient.name",
    "recipient.phone",
    "recipient.address",
    "item.sku",
}  # a blank one is told
_DATES = {"auto": (), "day_first": ("day_first",), "month_first": ("month_first",)}
_ADDRESSES = {"as_is": ("address",), "parts": ("address_parts",), "recipient": ("recipient_line",)}


def choices() -> list[str]:
    """Fields that a column can be, in the vocabulary's order."""
    return [name for name in order_fields() if name not in _NOT_A_COLUMN]


def meanings(field: str, layout: Layout) -> Callable[[str], str]:
    """See tidegate.sdk.sheets.SheetReader.meanings."""
    own = {**words().values.get(field, {}), **layout.values.get(field, {})}
    known = {normal(word): made for word, made in own.items()}
    allowed = set(order_fields()[field].choices)

    def meaning(word: str) -> str:
        return known.get(normal(word), word if word in allowed else "")

    return meaning


def mapping_of(layout: Layout, channel: str, name: str) -> OrderMapping:
    """Raises InputError where the layout does not hold together; `fields["field"]` names the place."""
    check(layout)
    by_field: dict[str, list[str]] = {}
    for column, field in layout.fields.items():
        if field:
            by_field.setdefault(field, []).append(column)
    fields: dict[str, Column] = {}
    items: dict[str, Column] = {}
    for field, columns in by_field.items():
        if field in (KEEP, "order.shop", "order.currency"):
            continue
        part = items if order_fields()[field].part == "item" else fields
        part[field] = _column(field, columns, layout)
    _stand_in(layout, by_field, fields, items)
    file = FileMapping("orders", layout.rows, fields, items, tuple(by_field.get(KEEP, ())))
    shop, currency = by_field.get("order.shop", []), by_field.get("order.currency", [])
    return OrderMapping(
        id=name,
        title={"zh": name, "en": name},
        channel=channel,
        shop=Column(names=tuple(shop), default=layout.shop or channel),
        timezone=ZoneInfo(layout.timezone),
        currency=Column(names=tuple(currency), default=layout.currency),
        encodings=(layout.encoding,) if layout.encoding else DEFAULT_ENCODINGS,
        quotes=True,
        blank=BLANK,
        document=False,
        fill_in=FILL,
        cancelled_lines_are_negative=False,
        files={"orders": file},
    )


def check(layout: Layout) -> None:
    """Raises InputError with the first thing that cannot be."""
    known = {*choices(), KEEP}
    for column, field in layout.fields.items():
        if field and field not in known:
            raise _wrong(
                "field",
                f"列“{column}”选了不存在的字段",
                f"column {column!r} has a field that does not exist",
            )
    counted = Counter(field for field in layout.fields.values() if field and field != KEEP)
    for field, count in counted.items():
        if count > 1 and field not in JOINED:
            about = order_fields()[field]
            both = [column for column, chosen in layout.fields.items() if chosen == field]
            raise _wrong(
                f"field-{both[1]}",
                f"列“{both[0]}”和“{both[1]}”都选了“{about.title_zh}”，只能留一列",
                f"columns {both[0]!r} and {both[1]!r} are both {about.title_en!r}; keep one of them",
            )
    if "order.number" not in counted:
        raise _wrong(
            "order.number",
            "还没有哪一列是订单编号；没有编号，同一订单再次导入会重复，请选一列",
            "no column is the order number; without it an order brought again would double. Choose one",
        )
    if layout.rows == "line" and "item.quantity" not in counted and not layout.quantity:
        raise _wrong(
            "quantity",
            "没有数量列；请选一列，或填“每行数量都是 1”",
            "no column is the quantity; choose one, or say that every row is one unit",
        )
    for place, value, allowed in (
        ("rows", layout.rows, ROWS), ("dates", layout.dates, DATES), ("address", layout.address, ADDRESSES),
        ("encoding", layout.encoding, ENCODINGS), ("quantity", layout.quantity, ("", "1")),
        ("status", layout.status, ("", *order_fields()["order.source_status"].choices)),
    ):  # fmt: skip
        if value not in allowed:
            raise _wrong(place, f"“{place}”的取值不对", f"{place} has a value that does not exist")
    _check_places(layout)


def _check_places(layout: Layout) -> None:
    try:
        ZoneInfo(layout.timezone)
    except (KeyError, ValueError, OSError):
        raise _wrong(
            "timezone",
            "没有这个时区；请写 Asia/Shanghai 这样的名称",
            "there is no such time zone; write one such as Asia/Shanghai",
        ) from None
    code = layout.currency
    if not (len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()):
        raise _wrong(
            "currency",
            "币种应为三个大写字母，例如 CNY",
            "the currency is three capital letters such as CNY",
        )
    if len(layout.shop) > 120:
        raise _wrong("shop", "店铺名最多 120 个字符", "a shop's name has at most 120 characters")
    for field, made in layout.values.items():
        allowed = order_fields()[field].choices if field in order_fields() else ()
        if not allowed or not set(made.values()) <= {"", *allowed}:
            raise _wrong(
                "values", "状态词的含义不在可选范围内", "a word's meaning is none of the choices"
            )


def _column(field: str, columns: Iterable[str], layout: Layout) -> Column:
    many = tuple(columns)
    about = order_fields()[field]
    convert: tuple[str, ...] = ()
    if field == "recipient.address":
        convert = _ADDRESSES[layout.address]
    elif about.type == "instant":
        convert = _DATES[layout.dates]
    values = {**words().values.get(field, {}), **layout.values.get(field, {})}
    if about.choices and field not in words().values:
        values = dict(layout.values.get(field, {}))
    return Column(
        names=many if len(many) == 1 else (),
        join=many if len(many) > 1 else (),
        convert=convert,
        values=values,
        required=field == "order.number" or (field == "item.quantity" and layout.rows == "line"),
        flag_blank=field in _WANTED,
    )


def _stand_in(
    layout: Layout,
    by_field: Mapping[str, list[str]],
    fields: dict[str, Column],
    items: dict[str, Column],
) -> None:
    """What no column says: the status, what it says of the payment, and one unit a row."""
    paid = words().paid_by_status
    status = fields.get("order.source_status")
    if status is None and layout.status:
        fields["order.source_status"] = Column(constant=layout.status)
        if "payment.status" not in by_field:
            fields["payment.status"] = Column(constant=paid[layout.status])
    elif status is not None and "payment.status" not in by_field:
        meant = {word: paid[made] for word, made in status.values.items() if made in paid}
        fields["payment.status"] = Column(names=status.names, values={**meant, "*": ""})
    if "item.quantity" not in by_field and layout.quantity and (items or layout.rows == "line"):
        items["item.quantity"] = Column(constant=layout.quantity)


def _wrong(field: str, zh: str, en: str) -> InputError:
    return InputError("sheet.layout", zh=f"{zh}。", en=f"{en[0].upper()}{en[1:]}.", field=field)
