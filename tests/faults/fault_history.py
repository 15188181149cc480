"""Judges a burst from outside alone: what clients were told, what carrier and shop booked, what an export says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

SHIPPABLE = ("waybill", "printed", "handed_over", "in_transit")
LEFT = ("handed_over", "in_transit")
ASKING = ("on_hold", "routed")  # a person looks, or the answer is awaited


@dataclass(frozen=True, slots=True)
class History:
    """`acknowledged`: order numbers; `billed`: waybills ever made; `live`: those not cancelled; `told`: shipments a
    shop took; `export`: rows of number, state, waybill_no.
    """

    acknowledged: Collection[str]
    billed: Sequence[Mapping[str, str]]
    live: Sequence[Mapping[str, str]]
    told: Sequence[Mapping[str, str]]
    export: Sequence[Mapping[str, str | None]]
    stock: int


def judged(history: History) -> dict[str, list[str]]:
    """Everything that must not have happened, by kind; all empty when it did not."""
    export = {str(row["number"]): row for row in history.export}
    alive = Counter(row["order"] for row in history.live)
    keys = Counter(row["key"] for row in history.billed)
    number = {row["order"]: row["number"] for row in history.live}
    rows = Counter(str(row["number"]) for row in history.export)
    told = Counter(row["key"] for row in history.told)
    told_of = {row["order"] for row in history.told}
    return {
        "lost": sorted(set(history.acknowledged) - set(export)),
        "twice taken in": sorted(order for order, n in rows.items() if n > 1),
        "two live waybills": sorted(order for order, n in alive.items() if n > 1),
        "billed twice": sorted(key for key, n in keys.items() if n > 1),
        "unknown waybill": sorted(
            order
            for order in alive
            if export[order]["waybill_no"] != number[order] and export[order]["state"] not in ASKING
        ),
        "invented waybill": sorted(
            order
            for order, row in export.items()
            if row["state"] in SHIPPABLE and row["waybill_no"] != number.get(order)
        ),
        "oversold": [f"{len(alive)} of {history.stock}"] if len(alive) > history.stock else [],
        "told twice": sorted(key for key, n in told.items() if n > 1),
        "told wrong": sorted(
            row["order"] for row in history.told if row["number"] != number.get(row["order"])
        ),
        "not told": sorted(
            order for order, row in export.items() if row["state"] in LEFT and order not in told_of
        ),
        "stuck": sorted(
            order
            for order, row in export.items()
            if row["state"] not in (*SHIPPABLE, "waiting_stock", "on_hold")
        ),
    }
