"""What holds for an order, as conditions that a rule could have: few values each, nothing personal, and only what
is the same after the act as it was before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import func, select

from tidegate.domain.money import Money
from tidegate.services.workshop.mining import Condition
from tidegate.store.tables import Order, OrderLine, Shop
from tidegate.store.unit_of_work import UnitOfWork

CHUNK = 5_000
AMOUNTS = (50, 100, 200, 500, 1_000, 2_000, 5_000)  # in the shop's currency
UNITS = (2, 5, 10)
# column and field, the more telling first
TEXTS: Sequence[tuple[str, str]] = (
    ("channel", "order.channel"),
    ("province", "recipient.province"),
    ("payment_method", "payment.method"),
    ("shop", "order.shop"),
    ("kind", "order.kind"),
    ("address_check", "recipient.address_check"),
    ("phone_kind", "recipient.phone_kind"),
    ("seller_flag", "order.seller_flag"),
    ("country", "recipient.country"),
    ("city", "recipient.city"),
)
ALWAYS = (
    "order.channel",
    "order.shop",
    "order.kind",
    "order.total",
    "order.quantity",
    "item.category",
    "payment.method",
)
ABSENT = {"payment_method": "online"}  # what the facts of an order say where the column is empty
CATEGORY, QUANTITY, TOTAL = 4, 20, 30  # ranks beside the places of TEXTS


@dataclass(frozen=True, slots=True)
class Known:
    """An order's number and everything that holds for it."""

    number: str
    holds: frozenset[Condition]


def known(work: UnitOfWork, order_ids: Sequence[int], currency: str) -> dict[int, Known]:
    """By order id. Amounts are told only where every order is in the shop's currency, and never of a field
    that a person changed.
    """
    found: dict[int, Known] = {}
    rows: list[Any] = []
    lines: dict[int, tuple[int, frozenset[str]]] = {}
    for start in range(0, len(order_ids), CHUNK):
        part = order_ids[start : start + CHUNK]
        rows += _orders(work, part)
        lines |= _lines(work, part)
    amounts = all(row.currency == currency for row in rows)
    for row in rows:
        units, categories = lines.get(row.id, (0, frozenset()))
        holds = [*_texts(row), *_categories(categories), *_units(units)]
        if amounts and row.total_minor is not None:
            holds += _amounts(row.total_minor, currency)
        found[row.id] = Known(row.number, frozenset(holds))
    return found


def example_facts(conditions: Sequence[Condition], currency: str) -> dict[str, Any]:
    """The facts of an order for which the conditions hold, for a test of the rule."""
    facts: dict[str, Any] = {}
    for one in conditions:
        group, _, name = one.field.partition(".")
        value = _value(one, currency)
        if group == "item":
            facts["items"] = [{name: value}]
        else:
            facts.setdefault(group, {})[name] = value
    return facts


def _value(one: Condition, currency: str) -> Any:
    if one.side == "":
        return one.text.rpartition(' = "')[2].removesuffix('"')
    number = int(one.text.split()[2])
    near = number if one.side == ">=" else number - 1
    return f"{near} {currency}" if one.field == "order.total" else near


def _orders(work: UnitOfWork, ids: Sequence[int]) -> Sequence[Any]:
    names = [name for name, _ in TEXTS if name != "shop"]
    columns = [getattr(Order, name) for name in names]
    return work.session.execute(
        select(
            Order.id, Order.number, Order.currency, Order.total_minor, Order.edited,
            Shop.name.label("shop"), *columns,
        )
        .join(Shop, Shop.id == Order.shop_id)
        .where(Order.id.in_(ids))
    ).all()  # fmt: skip


def _lines(work: UnitOfWork, ids: Sequence[int]) -> dict[int, tuple[int, frozenset[str]]]:
    units: dict[int, int] = {}
    categories: dict[int, set[str]] = {}
    for order_id, category, count in work.session.execute(
        select(OrderLine.order_id, OrderLine.category, func.sum(OrderLine.quantity))
        .where(OrderLine.order_id.in_(ids))
        .group_by(OrderLine.order_id, OrderLine.category)
    ):
        units[order_id] = units.get(order_id, 0) + int(count)
        categories.setdefault(order_id, set()).update({category} if category else ())
    return {order_id: (count, frozenset(categories[order_id])) for order_id, count in units.items()}


def _texts(row: Any) -> Iterator[Condition]:
    edited = set(row.edited or ())
    recipient = any(name.startswith("recipient.") for name in edited)
    for rank, (column, field) in enumerate(TEXTS):
        value = getattr(row, column) or ABSENT.get(column)
        if value and field not in edited and not (recipient and field.startswith("recipient.")):
            yield from _is(rank, field, field, value)


def _categories(values: frozenset[str]) -> Iterator[Condition]:
    for value in sorted(values):
        name = "some item in items satisfies item.category is present and item.category"
        yield from _is(CATEGORY, "item.category", name, value)


@lru_cache(maxsize=10_000)
def _is(rank: int, field: str, name: str, value: str) -> tuple[Condition, ...]:
    if '"' in value or "\\" in value or "\n" in value:
        return ()
    return (Condition(rank, field, f'{name} = "{value}"'),)


def _units(units: int) -> tuple[Condition, ...]:
    return _compared("order.quantity", QUANTITY, UNITS, sum(units >= one for one in UNITS), "")


def _amounts(total_minor: int, currency: str) -> tuple[Condition, ...]:
    reached = sum(total_minor >= one for one in _minor(currency))
    return _compared("order.total", TOTAL, AMOUNTS, reached, f" {currency}")


@cache
def _minor(currency: str) -> tuple[int, ...]:
    return tuple(Money.of(limit, currency).minor for limit in AMOUNTS)


@cache
def _compared(
    field: str, first: int, limits: tuple[int, ...], reached: int, unit: str
) -> tuple[Condition, ...]:
    """What holds where so many of the limits are reached."""
    found = []
    for place, limit in enumerate(limits):
        side, rank = _side(place < reached, place, limits)
        found.append(Condition(first + rank, field, f"{field} {side} {limit}{unit}", side))
    return tuple(found)


def _side(reached: bool, place: int, limits: Sequence[int]) -> tuple[str, int]:
    """The comparison that holds; of several that say the same, the one nearest to the orders comes first."""
    return (">=", len(limits) - 1 - place) if reached else ("<", place)


def documents(conditions: Sequence[Condition], guarded: bool = True) -> list[str]:
    """The conditions as the `if` of a rule; `guarded`: a fact that may be missing is asked for first, so that an
    order without it does not fit (and waits for nobody).
    """
    found: list[str] = []
    for one in conditions:
        if guarded and one.field not in ALWAYS:
            found.append(f"{one.field} is present")
        found.append(one.text)
    return found
