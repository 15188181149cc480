"""The orders of a run, by seed: who buys what where, which of them change their minds, and what must become of each."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

SHOPS = ("taobao", "shopify", "woocommerce", "generic", "jushuitan")
SHARES = (25, 25, 20, 20, 10)  # of a hundred orders; the last is the ERP's
NORTH = ("浙江省", "杭州市", "余杭区")  # one courier serves it
SOUTH = ("广东省", "深圳市", "南山区")  # the other one does
SKUS = tuple(f"SKU-{n:02}" for n in range(1, 21))
SCARCE, SCARCE_UNITS = "RARE", 20
CANCELLED_SHARE = 0.04
REFUNDED_SHARE = 0.01
MEMO_SHARE = 0.05  # the buyer adds a line after the order was made: a change that moves nothing


@dataclass(slots=True)
class Planned:
    """One order. `end`: ship, cancel or refund; `rare`: of goods there are too few of."""

    shop: str
    number: str
    document: dict[str, Any]
    end: str = "ship"
    rare: bool = False
    memo: bool = False


@dataclass(slots=True)
class Plan:
    seed: int
    orders: list[Planned] = field(default_factory=list)

    def of(self, shop: str) -> list[Planned]:
        return [one for one in self.orders if one.shop == shop]

    def ending(self, *ends: str) -> list[Planned]:
        return [one for one in self.orders if one.end in ends]


def plan(count: int, seed: int) -> Plan:
    rng = random.Random(seed)
    shops = [shop for shop, share in zip(SHOPS, SHARES, strict=True) for _ in range(share)]
    made = Plan(seed)
    for n in range(1, count + 1):
        shop = shops[n * 37 % 100]  # in turn, so that a short day has all of them
        made.orders.append(_order(rng, shop, n))
    rare = [one for one in made.orders if one.end == "ship"]
    for one in rng.sample(rare, min(2 * SCARCE_UNITS, len(rare) // 10)):
        one.rare, one.document["lines"] = True, [[SCARCE, "手冲壶", 1, "129.00"]]
    return made


def _order(rng: random.Random, shop: str, n: int) -> Planned:
    north = shop == "woocommerce" or rng.random() < 0.5  # its server has one province
    province, city, district = NORTH if north else SOUTH
    skus = rng.sample(SKUS, rng.choice((1, 1, 1, 2, 3)))
    document = {
        "number": number_of(shop, n), "ago_s": rng.randrange(60, 600), "currency": "CNY",
        "name": "张三", "phone": f"139{10_000_000 + n}", "province": province, "city": city,
        "district": district, "address": f"文一西路 {n} 号",
        "lines": [[sku, "手冲壶", rng.randrange(1, 3), "89.00"] for sku in skus],
    }  # fmt: skip
    drawn = rng.random()
    end = "cancel" if drawn < CANCELLED_SHARE else "ship"
    if CANCELLED_SHARE <= drawn < CANCELLED_SHARE + REFUNDED_SHARE and shop != "jushuitan":
        end = "refund"
    memo = end == "ship" and rng.random() < MEMO_SHARE
    return Planned(shop, document["number"], document, end, memo=memo)


def number_of(shop: str, n: int) -> str:
    """As the platform numbers: taobao's are longer than a float holds."""
    return {"taobao": f"{2_130_000_000_000_000_000 + n}", "generic": f"M{n:07}"}.get(
        shop, f"{5_000_000 + n}"
    )


def changed(one: Planned, state: str, note: str = "") -> dict[str, Any]:
    return {**one.document, "state": state, "buyer_note": note}


STATE_AT_END = {"cancel": "cancelled", "refund": "refunded"}
