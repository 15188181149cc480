"""The result of a simulation, added up subject by subject; its size depends on the shop, not on the orders."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sqrt
from typing import Any

from tidegate.domain.money import Money
from tidegate.services.workshop.simulation_history import ENOUGH, Lane, Seen, difference
from tidegate.services.workshop.simulation_subjects import Past
from tidegate.simulation.comparing import SERVICE, Compared, Side

LANES = 40  # lanes kept in the result, those with the most orders
SHORTS = 30


@dataclass
class LaneTally:
    """Changed subjects that go by one service on one lane in the draft."""

    n: int = 0
    delta: Counter[str] = field(default_factory=Counter)  # minor units by currency
    priced: int = 0
    came_from: Counter[str] = field(default_factory=Counter)


@dataclass
class Tally:
    """Counts over all subjects. Freight is compared where both versions come to a known price."""

    subjects: int = 0
    changed: int = 0
    rebuilt: int = 0
    cells: Counter[tuple[str, str]] = field(default_factory=Counter)
    changed_cells: Counter[tuple[str, str]] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    undecided: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    caused: Counter[str] = field(default_factory=Counter)
    gained: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    freight: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    unpriced: int = 0
    lanes: dict[Lane, LaneTally] = field(default_factory=lambda: defaultdict(LaneTally))
    short: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def see(self, past: Past, found: Compared) -> None:
        """Count one subject."""
        before, after = found.before, found.after
        cell = before.outcome, after.outcome
        self.subjects += 1
        self.rebuilt += past.rebuilt
        self.cells[cell] += 1
        for name, side in (("before", before), ("after", after)):
            self.held[name] += side.held
            self.undecided[name] += side.undecided
            for key in side.short:
                self.short[key][name] += 1
        self.gained.update(found.gained)
        self.lost.update(found.lost)
        if found.error:
            self.refused[found.error] += 1
        if found.changed:
            self.changed += 1
            self.changed_cells[cell] += 1
            self.caused.update(found.rules)
        self._freight(past, found)

    def _freight(self, past: Past, found: Compared) -> None:
        if not (ships(found.before) and ships(found.after)):
            return
        costs = minor(found.before), minor(found.after)
        delta = delta_of(costs[0], costs[1])
        if delta is None:
            self.unpriced += 1
        else:
            currency, changed = delta
            total = self.freight[currency]
            total["n"] += 1
            total["before"] += costs[0].minor if costs[0] else 0
            total["after"] += costs[1].minor if costs[1] else 0
        if found.before.outcome == found.after.outcome:
            return
        lane = self.lanes[found.after.outcome.removeprefix(SERVICE), *past.lane]
        lane.n += 1
        lane.came_from[found.before.outcome.removeprefix(SERVICE)] += 1
        if delta is not None:
            lane.priced += 1
            lane.delta[currency] += changed

    def as_document(self, history: Mapping[Lane, Seen]) -> dict[str, Any]:
        cells = sorted(self.cells.items(), key=lambda item: (-item[1], item[0]))
        rules = sorted({*self.caused, *self.gained, *self.lost}, key=lambda r: (-self.caused[r], r))
        lanes = sorted(self.lanes.items(), key=lambda item: (-item[1].n, item[0]))
        return {
            "subjects": self.subjects,
            "changed": self.changed,
            "rebuilt": self.rebuilt,
            "held": {name: self.held[name] for name in ("before", "after")},
            "undecided": {name: self.undecided[name] for name in ("before", "after")},
            "refused": dict(self.refused),
            "cells": [
                {"before": b, "after": a, "n": n, "changed": self.changed_cells[b, a]}
                for (b, a), n in cells
            ],
            "rules": [
                {
                    "rule": rule,
                    "changed": self.caused[rule],
                    "gained": self.gained[rule],
                    "lost": self.lost[rule],
                }
                for rule in rules
            ],
            "freight": [
                {"currency": currency, **{name: total[name] for name in ("n", "before", "after")}}
                for currency, total in sorted(self.freight.items())
            ],
            "unpriced": self.unpriced,
            "lanes": [lane_row(lane, found, history) for lane, found in lanes[:LANES]],
            "lanes_left": max(0, len(lanes) - LANES),
            "both_ship": sum(found.n for _, found in lanes),
            "on_time": on_time(self.lanes, history),
            "short": [
                {"key": key, "before": found["before"], "after": found["after"]}
                for key, found in sorted(self.short.items(), key=lambda i: (-i[1]["after"], i[0]))
            ][:SHORTS],
            "short_keys": len(self.short),
        }


def ships(side: Side) -> bool:
    return side.outcome.startswith(SERVICE)


def minor(side: Side) -> Money | None:
    return Money.of(*side.cost) if side.cost else None


def delta_of(before: Money | None, after: Money | None) -> tuple[str, int] | None:
    """(currency, minor units more); None unless both are known in one currency."""
    if before is None or after is None or before.currency != after.currency:
        return None
    return after.currency, after.minor - before.minor


def lane_row(lane: Lane, found: LaneTally, history: Mapping[Lane, Seen]) -> dict[str, Any]:
    """`on_time` and `damage` are None where either side's history is too thin."""
    service, origin, province = lane
    there = history.get(lane, Seen())
    here = _together(found, lane, history)
    row: dict[str, Any] = {
        "service": service,
        "from": origin,
        "to": province,
        "n": found.n,
        "priced": found.priced,
        "delta": [{"currency": c, "minor": m} for c, m in sorted(found.delta.items())],
        "history": min(there.n, here.n),
        "on_time": None,
        "damage": None,
    }
    if there.n >= ENOUGH and here.n >= ENOUGH:
        row["on_time"] = difference((here.in_time, here.n), (there.in_time, there.n))
    if there.sent >= ENOUGH and here.sent >= ENOUGH and (there.damaged or here.damaged):
        row["damage"] = difference((here.damaged, here.sent), (there.damaged, there.sent))
    return row


def _together(found: LaneTally, lane: Lane, history: Mapping[Lane, Seen]) -> Seen:
    """The history of the services these orders come from, on the same lane; nothing if one has none."""
    seen = [history.get((service, lane[1], lane[2]), Seen()) for service in found.came_from]
    if any(one.n < ENOUGH for one in seen):
        return Seen()
    return Seen(
        sum(one.n for one in seen), sum(one.in_time for one in seen),
        sum(one.sent for one in seen), sum(one.damaged for one in seen),
    )  # fmt: skip


def on_time(lanes: Mapping[Lane, LaneTally], history: Mapping[Lane, Seen]) -> dict[str, Any] | None:
    """The expected change over the orders whose lanes have a history, weighted by orders.

    Intervals of lanes are independent, so half widths add as squares; n is those orders.
    """
    total, change, square = 0, 0.0, 0.0
    for lane, found in lanes.items():
        estimate = lane_row(lane, found, history)["on_time"]
        if estimate is None:
            continue
        total += found.n
        change += found.n * estimate[0]
        square += (found.n * (estimate[2] - estimate[1]) / 2) ** 2
    if not total:
        return None
    return {"n": total, "change": change / total, "half": sqrt(square) / total}
