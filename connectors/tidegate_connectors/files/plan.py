"""A mapping laid over the headers of one table: which cells to take, and what each becomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from tidegate.errors import InputError
from tidegate.sdk.fields import OrderField, order_fields
from tidegate_connectors.files.columns import Memo, compile_column
from tidegate_connectors.files.headers import Header
from tidegate_connectors.files.mapping import Column, FileMapping, OrderMapping

_SHOP = OrderField("order.shop", "text", "order", "shop", "shop", "店铺", "Shop", False, ())


@dataclass(frozen=True, slots=True)
class Slot:
    """One field taken from the cell at `at` of a picked row; `at` None: the same `value` for
    every row.
    """

    field: OrderField
    column: Column
    at: int | None
    memo: Memo
    value: object = None


@dataclass(frozen=True, slots=True)
class Slots:
    """All converters for one currency. Cells of `order` come before those of `items`."""

    order: Sequence[Slot]
    items: Sequence[Slot]
    item_names: Sequence[str]
    item_memos: Sequence[Memo]
    item_constants: Mapping[str, object]
    item_wanted: Sequence[tuple[str, str]]  # (attribute, field id) that must not be blank


@dataclass
class Plan:
    """How rows of one table are taken apart. `pick` gives cells: number, order cells, item
    cells, extra cells.
    """

    mapping: OrderMapping
    file: FileMapping
    label: str
    width: int
    needed: int  # a row shorter than this lacks a required column
    pick: Callable[[Any], tuple[str, ...]]
    order_end: int
    item_end: int
    extra: Sequence[str]
    number: Memo
    shop_at: int | None
    shop: Memo
    currency_at: int | None
    _order: Sequence[tuple[str, Column, int | None]]
    _items: Sequence[tuple[str, Column, int | None]]
    _slots: dict[str, Slots] = field(default_factory=dict)

    def slots(self, currency: str) -> Slots:
        """Converters for orders in `currency`, compiled once."""
        found = self._slots.get(currency)
        if found is None:
            order = [self._slot(*about, currency) for about in self._order]
            items = [self._slot(*about, currency) for about in self._items]
            given = [slot for slot in items if slot.at is not None]
            found = self._slots[currency] = Slots(
                order,
                items,
                [slot.field.attribute for slot in given],
                [slot.memo for slot in given],
                {slot.field.attribute: slot.value for slot in items if slot.at is None},
                [
                    (slot.field.attribute, slot.field.id)
                    for slot in items
                    if slot.field.id != "item.quantity"
                    and (slot.column.flag_blank or slot.column.required)
                ],
            )
        return found

    def _slot(self, key: str, column: Column, at: int | None, currency: str) -> Slot:
        target = order_fields()[key]
        memo = compile_column(target, column, self.mapping.timezone, self.mapping.blank, currency)
        value = None
        if at is None:
            text = column.constant if column.constant is not None else column.default
            value = None if text is None else memo[text]
        return Slot(target, column, at, memo, value)


def make_plan(mapping: OrderMapping, file: FileMapping, header: Header, label: str) -> Plan:
    """Lay `file` of `mapping` over a header that has its required columns."""
    taken = _Taken(header)
    number_at = taken.take(file.fields["order.number"])
    assert number_at == 0  # noqa: S101  (order.number is required, see missing_columns)
    shop_at = taken.take(mapping.shop) if mapping.shop.names else None
    currency_at = taken.take(mapping.currency) if mapping.currency.names else None
    order = [(key, c, taken.take(c)) for key, c in file.fields.items() if key != "order.number"]
    order_end = taken.count
    items = [(key, c, taken.take(c)) for key, c in file.items.items()]
    item_end = taken.count
    extra = [name for name in file.extra if taken.take(Column(names=(name,))) is not None]
    required = [
        position
        for column in required_columns(file).values()
        if (position := header.position([*column.names, *column.join])) is not None
    ]
    zone, blank = mapping.timezone, mapping.blank
    return Plan(
        mapping=mapping,
        file=file,
        label=label,
        width=len(header),
        needed=max(required) + 1,
        pick=taken.picker(),
        order_end=order_end,
        item_end=item_end,
        extra=extra,
        number=compile_column(
            order_fields()["order.number"], file.fields["order.number"], zone, blank, "CNY"
        ),
        shop_at=shop_at,
        shop=compile_column(_SHOP, mapping.shop, zone, blank, "CNY"),
        currency_at=currency_at,
        _order=order,
        _items=items,
    )


def required_columns(file: FileMapping) -> dict[str, Column]:
    """The columns without which a table is not this kind of file."""
    found = {"order.number": file.fields["order.number"]}
    for key, column in {**file.fields, **file.items}.items():
        line_quantity = key == "item.quantity" and file.rows == "line" and column.default is None
        if (column.required or line_quantity) and column.constant is None:
            found[key] = column
    return found


def recognise(mapping: OrderMapping, header: Header, label: str) -> FileMapping:
    """Which of the mapping's files this is, by its headers: all required columns, then the most
    columns.

    Raises:
        InputError: none fits; names what is missing, what was found and what looks alike.
    """
    best: tuple[int, FileMapping] | None = None
    closest: tuple[int, FileMapping] | None = None
    for file in mapping.files.values():
        missing = missing_columns(file, header)
        columns = [*file.fields.values(), *file.items.values()]
        found = sum(header.position([*c.names, *c.join]) is not None for c in columns)
        if not missing and (best is None or found > best[0]):
            best = (found, file)
        if closest is None or found - 10 * len(missing) > closest[0]:
            closest = (found - 10 * len(missing), file)
    if best is not None:
        return best[1]
    assert closest is not None  # noqa: S101  (a mapping has at least one file)
    raise _missing(mapping, closest[1], header, label)


def missing_columns(file: FileMapping, header: Header) -> dict[str, Column]:
    """Required columns that the header lacks."""
    return {
        key: column
        for key, column in required_columns(file).items()
        if header.position([*column.names, *column.join]) is None
    }


def _missing(mapping: OrderMapping, file: FileMapping, header: Header, label: str) -> InputError:
    fields = order_fields()
    wanted_zh, wanted_en = [], []
    for key, column in missing_columns(file, header).items():
        names = [*column.names, *column.join]
        near = header.nearest(names)
        wanted_zh.append(
            f"{fields[key].title_zh}（{' / '.join(names[:4])}）"
            + (f"，相近的列：{'、'.join(near)}" if near else "")
        )
        wanted_en.append(
            f"{fields[key].title_en} ({' / '.join(names[:4])})"
            + (f", similar: {', '.join(near)}" if near else "")
        )
    cells = header.cells[:30]
    return InputError(
        "import.missing_columns",
        zh=(
            f"{label} 缺少映射 {mapping.id} 必需的列：{'；'.join(wanted_zh)}。文件里的列："
            f"{'、'.join(cells)}。"
            "请换用合适的 --mapping，或在映射里加上列名。"
        ),
        en=(
            f"{label} lacks columns that the mapping {mapping.id} needs: {'; '.join(wanted_en)}. "
            f"Found: {', '.join(cells)}."
            " Use the --mapping that fits, or add the header to the mapping."
        ),
        file=label,
        missing=", ".join(missing_columns(file, header)),
        found=", ".join(cells),
    )


class _Taken:
    """Collects header positions in the order in which the plan wants its cells."""

    def __init__(self, header: Header) -> None:
        self._header = header
        self._positions: list[int] = []
        self._joins: dict[int, list[int]] = {}  # picked index -> header positions
        self.count = 0

    def take(self, column: Column) -> int | None:
        """The index of this column's cell in a picked row, or None when the table lacks it."""
        if column.constant is not None:
            return None
        if column.join:
            found = [p for name in column.join if (p := self._header.position([name])) is not None]
            if not found:
                return None
            self._joins[self.count] = found
            return self._add(found[0])
        position = self._header.position(column.names)
        return None if position is None else self._add(position)

    def _add(self, position: int) -> int:
        self._positions.append(position)
        self.count += 1
        return self.count - 1

    def picker(self) -> Callable[[Any], tuple[str, ...]]:
        positions = self._positions
        if len(positions) == 1:
            only = positions[0]
            return lambda row: (row[only],)
        get = itemgetter(*positions)
        if not self._joins:
            return get
        joins = self._joins

        def pick(row: Any) -> tuple[str, ...]:
            cells = list(get(row))
            for index, parts in joins.items():
                cells[index] = " ".join(text for p in parts if (text := row[p].strip()))
            return tuple(cells)

        return pick
