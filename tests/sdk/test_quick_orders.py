"""What is read quickly is what the schemas read; what they refuse is never read quickly."""

from __future__ import annotations

import random
from typing import Any

from tidegate.errors import InputError
from tidegate.sdk.fields import order_fields
from tidegate.sdk.quick_orders import quick_order
from tidegate.sdk.schemas import group_schema, load_order

SEED = 20261128
ROUNDS = 4_000
ODD: list[Any] = [
    None, "", " ", "x", "x" * 121, "x" * 201, "\x00", "a\x00b", "\ud800", "é", "12", "12.5", "12.50", "-0.05", "12.505",
    "1e3", "٣", "12.50 CNY", "12.50 EUR", "12.50 cny", "12.50  CNY", " 12.50", "12.", ".5", "9" * 13, "9" * 18, "nan",
    "999999999999.99 CNY", "true", "yes", 0, 1, -1, 2**31 - 1, 2**31, 1_000_000, 1_000_001, 1.0, 1.5, True, False, [], {},
    "2026-11-11T00:00:12+08:00", "2026-11-11T00:00:12Z", "2026-11-11T00:00:12", "2026-11-11 00:00:12+08:00",
    "2026-11-11T00:00:12.5+08:00", "2026-13-11T00:00:12+08:00", "2026-11-11T00:00:60Z", "0001-01-01T00:00:00+08:00",
    "9999-12-31T23:59:59-08:00", "2026-11-11T00:00:12+24:00", "2026-11-11T00:00:12+08:00\n", "CNY", "JPY", "KWD", "EUR",
    "paid", "normal", "none", "to_ship", "plain",
]  # fmt: skip


def plain(field: Any, rng: random.Random) -> Any:
    """A value as programs write it."""
    if field.id == "item.quantity":
        return rng.randint(1, 9)
    if field.id == "order.currency":
        return "CNY"
    if field.type == "money":
        return rng.choice(["12.50 CNY", "0.05", "-3 CNY", "100000 CNY"])
    if field.type == "instant":
        return rng.choice(["2026-11-11T00:00:12+08:00", "2026-11-10T16:00:12Z"])
    if field.type == "boolean":
        return rng.random() < 0.5
    if field.type == "number":
        return rng.randint(0, 5_000)
    if field.type == "revision":
        return rng.randint(0, 2**63 - 1)
    return rng.choice(field.choices) if field.choices else rng.choice(["A1", "手冲壶", "北岸 1"])


def document(rng: random.Random, odd: float) -> Any:
    def group(name: str) -> dict[str, Any]:
        found = {}
        for key in group_schema(name).fields:
            if rng.random() < 0.6 or key in ("number", "quantity"):
                field = order_fields()[f"{name}.{key}"]
                found[key] = rng.choice(ODD) if rng.random() < odd else plain(field, rng)
        if rng.random() < odd:
            found[rng.choice(["state", "tags", "nothing", "region_code", "line_count"])] = "x"
        return found

    made: dict[str, Any] = {
        "order": group("order"), "payment": group("payment"), "recipient": group("recipient"),
        "items": [group("item") for _ in range(rng.randint(0, 3))],
        "extra": {"颜色": rng.choice(["红", 5, None])},
    }  # fmt: skip
    for name in list(made):
        if rng.random() < odd:
            made[name] = rng.choice([None, [], {}, "x", 5, [None], ["x"]])
        if rng.random() < odd:
            del made[name]
    if rng.random() < odd:
        made[rng.choice(["parcels", "other"])] = []
    return made


def test_both_read_the_same_or_only_the_schemas_do() -> None:
    print("seed", SEED)
    rng = random.Random(SEED)
    quick = refused = odd_ones = 0
    for n in range(ROUNDS):
        given = document(rng, rng.choice([0.0, 0.02, 0.2]))
        fast = quick_order(given, channel="c", shop="s", currency="CNY")
        try:
            slow = load_order(given, channel="c", shop="s", currency="CNY")
        except InputError:
            slow, refused = None, refused + 1
        if fast is not None:
            quick += 1
            assert fast == slow, (n, given)
        elif slow is not None:
            odd_ones += 1
    assert quick > ROUNDS / 4, "plain documents are read quickly"
    assert refused > ROUNDS / 4
    assert odd_ones > 20


def test_plain_documents_are_all_read_quickly() -> None:
    rng = random.Random(SEED)
    for _ in range(300):
        given = document(rng, 0.0)
        assert quick_order(given, channel="c", shop="s", currency="CNY") is not None, given
