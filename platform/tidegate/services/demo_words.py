"""The words and goods the demo shop's orders are made of, read from demo_data/."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from tidegate.services.reference_tables import Table, parse_table
from tidegate.simple_yaml import plain

MINOR_PER_YUAN = 100


@dataclass(frozen=True, slots=True)
class Good:
    """One SKU on sale."""

    sku: str
    title: str
    category: str
    fragile: bool
    price_minor: int


@dataclass(frozen=True, slots=True)
class Place:
    """A real town and road. kind: usual, remote, same_city."""

    province: str
    city: str
    district: str
    town: str
    road: str
    kind: str


@dataclass(frozen=True, slots=True)
class DemoWords:
    """`words` is words.yaml; `short` are the SKUs that the seeded stock cannot serve."""

    words: Mapping[str, Any]
    goods: Sequence[Good]
    places: Sequence[Place]
    short: frozenset[str]


def demo_table(name: str) -> Table:
    """A table of demo_data/ as an import takes it."""
    return parse_table(name, (files(__package__) / "demo_data" / name).read_bytes())


@cache
def demo_words() -> DemoWords:
    """Everything the generator draws from."""
    text = (files(__package__) / "demo_data" / "words.yaml").read_text(encoding="utf-8")
    prices = {row["sku"]: Decimal(row["price"]) for row in _rows("prices.csv")}
    goods = [
        Good(
            row["商家编码"],
            row["名称"],
            row["类目"],
            row["易碎"] == "是",
            int(prices[row["商家编码"]] * MINOR_PER_YUAN),
        )
        for row in _rows("products.csv")
    ]
    units: dict[str, int] = {}
    for row in _rows("stock.csv"):
        units[row["商家编码"]] = units.get(row["商家编码"], 0) + int(row["数量"])
    short = frozenset(sku for sku, held in units.items() if held < SCARCE)
    places = [Place(**row) for row in _rows("places.csv")]
    return DemoWords(plain(text), goods, places, short)


SCARCE = 5  # units in all warehouses together


def _rows(name: str) -> list[dict[str, str]]:
    text = (files(__package__) / "demo_data" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text, newline="")))
