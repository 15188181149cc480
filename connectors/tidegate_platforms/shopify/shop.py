"""The shop's own state: orders by change, fulfilment orders and fulfilments, units at a location."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tidegate.sdk.stage.protocol import SampleOrder

ORDER, LINE = "gid://shopify/Order/", "gid://shopify/LineItem/"
STATES = {
    "unpaid": ("PENDING", "UNFULFILLED"), "paid_hold": ("PAID", "ON_HOLD"),
    "to_ship": ("PAID", "UNFULFILLED"), "part_shipped": ("PAID", "PARTIALLY_FULFILLED"),
    "shipped": ("PAID", "FULFILLED"), "delivered": ("PAID", "FULFILLED"),
    "completed": ("PAID", "FULFILLED"), "cancelled": ("VOIDED", "UNFULFILLED"),
    "refunded": ("REFUNDED", "UNFULFILLED"),
}  # fmt: skip
RANGE = re.compile(r"updated_at:>='([^']+)' AND updated_at:<='([^']+)'\Z")


class UserError(Exception):
    """A mutation's userErrors."""


@dataclass(slots=True)
class Held:
    sample: SampleOrder
    paid: str
    gone: str
    updated_at: datetime
    fulfilled: dict[str, int] = field(default_factory=dict)
    parcels: list[dict[str, Any]] = field(default_factory=list)

    @property
    def place(self) -> tuple[datetime, str]:
        return self.updated_at, self.sample.number


class Shop:
    def __init__(self) -> None:
        self.held: dict[str, Held] = {}
        self.stock: dict[str, int] = {}

    def put(self, order: SampleOrder) -> None:
        paid, gone = STATES[order.state]
        if order.raw_state:
            paid, _, gone = order.raw_state.partition("/")
        before = self.held.get(order.number)
        self.held[order.number] = Held(
            order, paid, gone or "UNFULFILLED", order.modified_at,
            before.fulfilled if before else {}, before.parcels if before else [],
        )  # fmt: skip

    def page(self, query: str, first: int, after: str | None) -> tuple[list[Held], str | None]:
        """Behind the cursor's order, by time of change."""
        match = RANGE.fullmatch(query)
        if match is None:
            return [], None
        start, end = (datetime.fromisoformat(text) for text in match.groups())
        end += timedelta(seconds=1) - timedelta(microseconds=1)
        behind = _behind(after) if after else (datetime.min.replace(tzinfo=UTC), "")
        found = sorted(
            (h for h in self.held.values() if start <= h.updated_at <= end and h.place > behind),
            key=lambda one: one.place,
        )
        rows = found[:first]
        return rows, _cursor(rows[-1].place) if len(found) > first else None

    def fulfill(self, asked: dict[str, Any], now: datetime) -> Held:
        """Raises UserError."""
        info = asked.get("trackingInfo") or {}
        held, taken = None, {}
        for group in asked["lineItemsByFulfillmentOrder"]:
            number = str(group["fulfillmentOrderId"]).rpartition("/")[2]
            held = self.held.get(number)
            if held is None or held.gone not in ("UNFULFILLED", "PARTIALLY_FULFILLED"):
                raise UserError("Fulfillment order is not in a state that can be fulfilled")
            for row in group.get("fulfillmentOrderLineItems") or self._all(held):
                line = int(str(row["id"]).rpartition("-")[2])
                if row["quantity"] > self.remaining(held, line):
                    raise UserError("Invalid fulfillment order line item quantity requested")
                taken[line_id(number, line)] = row["quantity"]
        if held is None or not taken:
            raise UserError("Nothing to fulfil")
        for one, units in taken.items():
            held.fulfilled[one] = held.fulfilled.get(one, 0) + units
        held.parcels.append({"number": info.get("number"), "company": info.get("company")})
        left = sum(self.remaining(held, line) for line in range(len(held.sample.lines)))
        held.gone, held.updated_at = "PARTIALLY_FULFILLED" if left else "FULFILLED", now
        return held

    def _all(self, held: Held) -> list[dict[str, Any]]:
        """A fulfilment order without lines is meant as a whole."""
        left = [(n, self.remaining(held, n)) for n in range(len(held.sample.lines))]
        return [{"id": f"-{n}", "quantity": units} for n, units in left if units]

    def remaining(self, held: Held, line: int) -> int:
        done = held.fulfilled.get(line_id(held.sample.number, line), 0)
        return held.sample.lines[line].quantity - done


def line_id(number: str, line: int) -> str:
    return f"{LINE}{number}{line:03}"


def _cursor(place: tuple[datetime, str]) -> str:
    return base64.b64encode(f"{place[0].isoformat()} {place[1]}".encode()).decode()


def _behind(cursor: str) -> tuple[datetime, str]:
    at, _, number = base64.b64decode(cursor).decode().partition(" ")
    return datetime.fromisoformat(at), number
