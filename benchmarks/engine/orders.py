"""Invented orders of a Chinese shop: 21 fields and 1-4 lines, the same for a seed wherever they are made.

An order is made *plain* first (flat, fen and grams as int, instants as text: what a peer likes best) and turned into
our facts by `facts_of` (nested, money exact, instants aware: as the product builds them). With `gaps`, each field of
`MAY_BE_MISSING` is absent from that share of the orders, each field of `MAY_BE_MISSING_IN_A_LINE` from that share of
the lines.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any

from tidegate.domain.addresses import regions
from tidegate.engine.compiled import FactDocument
from tidegate.engine.values import Money

SEED = 20261111
GAPS = 0.05
CURRENCY = "CNY"
NOW = datetime(2026, 11, 11, 4, tzinfo=UTC)
Plain = dict[str, Any]

# plain name: our fact, in the order of the 21 fields
FACTS = {
    "number": "order.number",
    "channel": "order.channel",
    "shop": "order.shop",
    "kind": "order.kind",
    "currency": "order.currency",
    "total": "order.total",
    "ordered_at": "order.ordered_at",
    "paid_at": "order.paid_at",
    "memo": "order.buyer_memo",
    "carrier": "order.promised_carrier",
    "flag": "order.seller_flag",
    "invoice": "order.invoice_wanted",
    "quantity": "order.quantity",
    "weight": "order.weight_g",
    "paid": "payment.status",
    "method": "payment.method",
    "province": "recipient.province",
    "city": "recipient.city",
    "address_check": "recipient.address_check",
    "new_address": "recipient.address_is_new",
    "phone_kind": "recipient.phone_kind",
}
LINE_FACTS = {
    "sku": "item.sku",
    "title": "item.title",
    "category": "item.category",
    "quantity": "item.quantity",
    "price": "item.unit_price",
    "weight": "item.weight_g",
    "available": "item.available",
    "fragile": "item.fragile",
}
MONEY = ("total", "price")
INSTANTS = ("ordered_at", "paid_at")
MAY_BE_MISSING = ("total", "memo", "carrier", "flag", "weight", "method", "city", "address_check")
MAY_BE_MISSING_IN_A_LINE = ("category", "available", "fragile")


@dataclass(frozen=True)
class Choice:
    """Values and how often each comes, cumulated."""

    values: tuple[str, ...]
    cumulated: tuple[float, ...]

    def one(self, pick: random.Random) -> str:
        return pick.choices(self.values, cum_weights=self.cumulated)[0]


def choice(weights: dict[str, float]) -> Choice:
    return Choice(tuple(weights), tuple(accumulate(weights.values())))


NAMES = (
    "北岸器物",
    "潮汐优选",
    "山野茶事",
    "木心家居",
    "晴川童装",
    "云上书房",
    "南风厨具",
    "有间布店",
)
SUFFIXES = ("旗舰店", "专营店", "企业店", "工厂店", "奥莱店")
SHOPS = choice(
    {name + suffix: 1 / (n + 5) for n, (name, suffix) in
     enumerate((name, suffix) for suffix in SUFFIXES for name in NAMES)}
)  # fmt: skip
CHANNELS = choice(
    {"taobao": 30, "tmall": 26, "jd": 18, "pdd": 12, "douyin": 9, "kuaishou": 3, "独立站": 2}
)
KINDS = choice({"normal": 80, "presale": 9, "exchange": 5, "gift": 4, "sample": 2})
METHODS = choice({"online": 84, "cod": 8, "transfer": 5, "credit": 3})
CARRIERS = choice(
    {"sf": 24, "zto": 20, "yto": 16, "sto": 12, "jd": 10, "ems": 8, "dbl": 6, "jtsd": 4}
)
FLAGS = choice({"none": 60, "red": 12, "yellow": 10, "green": 8, "blue": 6, "purple": 4})
CHECKS = choice({"deliverable": 90, "incomplete": 6, "suspicious": 3, "undeliverable": 1})
PHONES = choice({"mobile": 90, "virtual": 7, "landline": 3})
CATEGORIES = choice(
    {"器皿": 22, "茶叶": 18, "家居": 15, "童装": 12, "图书": 10, "厨具": 8, "布艺": 6, "食品": 5, "灯具": 3, "乐器": 1}
)  # fmt: skip
BREAKABLE = ("器皿", "灯具", "乐器")
NEEDLES = ("加急", "顺丰", "礼盒", "发票", "周末", "放驿站", "电话联系", "勿压")
PHRASES = ("", "谢谢老板", "请尽快发货", "颜色要浅一点的", "和上一单一起发", "包装结实些")
CITIES_PER_PROVINCE = 4


def places() -> list[tuple[str, str]]:
    """(province, city), at most four cities of each of the 31 provinces on the mainland."""
    mainland = [province for province in regions() if province.code < "710000"]
    return [(p.name, c.name) for p in mainland for c in p.children[:CITIES_PER_PROVINCE]]


def plain_orders(count: int, seed: int = SEED, *, gaps: float = 0.0) -> Iterator[Plain]:
    """`count` plain orders. The same seed gives the same orders with and without gaps."""
    pick, holes = random.Random(seed), random.Random(seed + 1)
    where = places()
    near = tuple(accumulate(1 / (5 + n % 37) for n in range(len(where))))
    for number in range(count):
        order = _order(pick, number, pick.choices(where, cum_weights=near)[0])
        if gaps:
            _make_holes(order, holes, gaps)
        yield order


def _order(pick: random.Random, number: int, where: tuple[str, str]) -> Plain:
    lines = [_line(pick) for _ in range(pick.choices((1, 2, 3, 4), (50, 28, 14, 8))[0])]
    ordered = NOW - timedelta(seconds=pick.randrange(7 * 86_400))
    goods = sum(line["price"] * line["quantity"] for line in lines)
    return {
        "number": f"29{number:017d}",
        "channel": CHANNELS.one(pick),
        "shop": SHOPS.one(pick),
        "kind": KINDS.one(pick),
        "currency": CURRENCY,
        "total": goods + pick.choice((0, 0, 600, 1_000, 1_200)),
        "ordered_at": ordered.isoformat(),
        "paid_at": (ordered + timedelta(seconds=pick.randrange(5, 900))).isoformat(),
        "memo": _memo(pick),
        "carrier": CARRIERS.one(pick),
        "flag": FLAGS.one(pick),
        "invoice": pick.random() < 0.1,
        "quantity": sum(line["quantity"] for line in lines),
        "weight": sum(line["weight"] * line["quantity"] for line in lines),
        "paid": "paid",
        "method": METHODS.one(pick),
        "province": where[0],
        "city": where[1],
        "address_check": CHECKS.one(pick),
        "new_address": pick.random() < 0.2,
        "phone_kind": PHONES.one(pick),
        "items": lines,
    }


def _line(pick: random.Random) -> Plain:
    category = CATEGORIES.one(pick)
    quantity = pick.choices((1, 2, 3, 4, 5), (70, 15, 8, 4, 3))[0]
    return {
        "sku": f"TG-{pick.randrange(10_000):04d}",
        "title": f"{category}{pick.randrange(1_000)}号",
        "category": category,
        "quantity": quantity,
        "price": int(100 * pick.lognormvariate(4.2, 0.9)),
        "weight": pick.randrange(40, 3_000, 20),
        "available": quantity + pick.randrange(40) if pick.random() < 0.85 else quantity - 1,
        "fragile": category in BREAKABLE and pick.random() < 0.8,
    }


def _memo(pick: random.Random) -> str:
    memo = pick.choice(PHRASES)
    return f"{memo}，{pick.choice(NEEDLES)}" if pick.random() < 0.3 else memo


def _make_holes(order: Plain, holes: random.Random, share: float) -> None:
    for name in MAY_BE_MISSING:
        if holes.random() < share:
            del order[name]
    for line in order["items"]:
        for name in MAY_BE_MISSING_IN_A_LINE:
            if holes.random() < share:
                del line[name]


def facts_of(order: Plain) -> FactDocument:
    """The order as our fact document; what is unknown is absent."""
    facts = FactDocument()
    for name, fact in FACTS.items():
        if name in order:
            group, _, field = fact.partition(".")
            facts.setdefault(group, {})[field] = _typed(name, order[name])
    facts["items"] = [
        {fact.partition(".")[2]: _typed(name, line[name]) for name, fact in LINE_FACTS.items()
         if name in line}
        for line in order["items"]
    ]  # fmt: skip
    return facts


def _typed(name: str, value: Any) -> object:
    if name in MONEY:
        return Money(Decimal(value).scaleb(-2), CURRENCY)
    return datetime.fromisoformat(value) if name in INSTANTS else value


def share_with_gaps(orders: list[Plain]) -> float:
    """The share of orders from which something is missing."""
    whole = len(FACTS) + 1
    short = sum(
        len(order) < whole or any(len(line) < len(LINE_FACTS) for line in order["items"])
        for order in orders
    )
    return short / len(orders)
