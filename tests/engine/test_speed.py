"""The reference must stay usable: 20 rules over an order of 10 lines within 3 ms."""

from __future__ import annotations

import statistics
import time
from typing import Any

from tidegate.engine.reference import evaluate

CONDITIONS = [
    "every item in items satisfies item.available >= item.quantity",
    "some item in items satisfies item.fragile and item.quantity > {n}",
    "sum(items.quantity) > {n}",
    'order.total >= 100 CNY and order.channel in ("jd", "tmall", "douyin")',
    'contains(order.buyer_memo, "加急{n}")',
]


def test_twenty_rules_on_ten_lines_take_at_most_three_milliseconds(read: Any) -> None:
    texts = [CONDITIONS[n % 5].format(n=n) for n in range(20)]
    rules = "".join(
        f"  - {{id: r{n}, if: ['{texts[n]}', 'order.quantity > {n}'], then: [hold: r{n}]}}\n"
        for n in range(20)
    )
    ruleset = read(
        f"tidegate: ruleset/1\nid: t\ngate: review\npolicy: priority\nseverity: "
        f"[hold]\nrules:\n{rules}"
    )
    line = {"sku": "A", "quantity": 1, "available": 3, "fragile": False}
    order = {"total": "500.00 CNY", "channel": "jd", "buyer_memo": "尽快发货，谢谢", "quantity": 10}
    facts = {"order": order, "items": [line] * 10}
    from datetime import UTC, datetime

    now = datetime(2026, 11, 11, tzinfo=UTC)
    times = []
    for _ in range(30):
        start = time.process_time()
        evaluate(ruleset, facts, now)
        times.append((time.process_time() - start) * 1_000)
    assert statistics.median(times) <= 60.0, times
