"""The mall's own state: orders by change, parcels by key, units on sale."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tidegate.sdk.stage.protocol import SampleOrder
from tidegate_platforms.generic.proof import Refusal

PAYMENT = {"unpaid": "unpaid", "cancelled": "unpaid", "refunded": "refunded"}
CARRIERS = ("SF", "ZTO", "YTO", "STO", "YUNDA", "EMS", "JT", "JD")


@dataclass(slots=True)
class Held:
    sample: SampleOrder
    status: str
    modified_at: datetime
    parcels: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def place(self) -> tuple[str, str]:
        return written(self.modified_at), self.sample.number


class Shop:
    """`hidden` are numbers whose recipients are told as tokens; `closed` are those whose tokens stay closed."""

    def __init__(self) -> None:
        self.held: dict[str, Held] = {}
        self.stock: dict[str, int] = {}
        self.hidden: set[str] = set()
        self.closed: set[str] = set()
        self._keys: dict[str, str] = {}

    def place(self, order: SampleOrder) -> None:
        before = self.held.get(order.number)
        status = order.raw_state or order.state
        parcels = before.parcels if before else {}
        self.held[order.number] = Held(order, status, order.modified_at, parcels)

    def page(self, start: str, end: str, limit: int, cursor: str) -> dict[str, Any]:
        """Behind the cursor's order, by time of change and number: what leaves the window hides no other."""
        lower, upper = moment(start), moment(end)
        after = _behind(cursor) if cursor else ("", "")
        found = sorted(
            (
                one
                for one in self.held.values()
                if lower <= one.modified_at < upper and one.place > after
            ),
            key=lambda one: one.place,
        )
        rows = found[:limit]
        more = len(found) > limit
        return {
            "orders": [self.document(one) for one in rows],
            "next": _cursor(rows[-1].place) if more else None,
        }

    def one(self, number: str) -> Held:
        if number not in self.held:
            raise Refusal(404, "unknown_order", "no such order")
        return self.held[number]

    def ship(self, number: str, key: str, told: dict[str, Any], now: datetime) -> dict[str, Any]:
        held = self.one(number)
        said = json.dumps([number, told], sort_keys=True)
        if not key or any(not told.get(name) for name in ("parcel", "carrier", "waybill_no")):
            raise Refusal(
                422, "invalid", "Idempotency-Key, parcel, carrier and waybill_no are needed"
            )
        if self._keys.get(key, said) != said:
            raise Refusal(409, "key_reused", "the key was used with other content")
        if told["carrier"] not in CARRIERS:
            raise Refusal(422, "unknown_carrier", "no such carrier")
        before = held.parcels.get(told["parcel"])
        if before is not None and before["waybill_no"] != told["waybill_no"]:
            raise Refusal(409, "already_shipped", "the parcel has another number")
        if before is None:
            if held.status not in ("to_ship", "part_shipped"):
                raise Refusal(409, "not_shippable", f"the order is {held.status}")
            held.parcels[told["parcel"]] = told
            held.status, held.modified_at = "part_shipped" if self._open(held) else "shipped", now
        self._keys[key] = said
        return {"parcel": told["parcel"], "waybill_no": told["waybill_no"]}

    def _open(self, held: Held) -> bool:
        """Whether units are left; a parcel without items is all of the order."""
        if any(not parcel.get("items") for parcel in held.parcels.values()):
            return False
        gone: int = sum(row["quantity"] for one in held.parcels.values() for row in one["items"])
        return gone < sum(line.quantity for line in held.sample.lines)

    def document(self, held: Held) -> dict[str, Any]:
        order = held.sample
        return {
            "number": order.number, "status": held.status, "currency": order.currency,
            "created_at": written(order.created_at), "modified_at": written(held.modified_at),
            "total": str(order.total), "buyer_memo": order.buyer_note,
            "payment_status": PAYMENT.get(held.status, "paid"), "payment_method": "online",
            "seller_memo": order.seller_note, "recipient": self._recipient(order),
            "items": [
                {
                    "line": f"{order.number}/{place}", "sku": line.sku, "title": line.title,
                    "quantity": line.quantity, "unit_price": str(line.price),
                }
                for place, line in enumerate(order.lines, 1)
            ],
        }  # fmt: skip

    def _recipient(self, order: SampleOrder) -> dict[str, str]:
        where = {"province": order.province, "city": order.city, "district": order.district}
        if order.number in self.hidden:
            masks = {"name": f"{order.name[:1]}*", "phone": "138****0000", "address": "****"}
            return {"kind": "token", "token": f"tok-{order.number}", **masks, **where}
        plain = {"name": order.name, "phone": order.phone, "address": order.address}
        return {"kind": "masked" if "*" in order.phone else "plain", **plain, **where}

    def opened(self, number: str, token: str) -> dict[str, str] | None:
        order = self.one(number).sample
        if token != f"tok-{number}" or number in self.closed:
            return None
        return {
            "name": order.name, "phone": order.phone, "address": order.address,
            "province": order.province, "city": order.city, "district": order.district,
        }  # fmt: skip


def written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def moment(text: str) -> datetime:
    """Raises Refusal."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(400, "invalid", "a time is ISO 8601 with its offset") from None
    if found.tzinfo is None:
        raise Refusal(400, "invalid", "a time needs its offset")
    return found


def _cursor(place: tuple[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def _behind(cursor: str) -> tuple[str, str]:
    try:
        at, number = json.loads(base64.urlsafe_b64decode(cursor))
    except ValueError:
        raise Refusal(400, "bad_cursor", "no cursor of ours") from None
    return str(at), str(number)
