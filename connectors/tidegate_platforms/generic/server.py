"""The mall's interface: proof first, then the call."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from tidegate.sdk.stage.protocol import Fault, SampleOrder, SignedPush, ToldShipment
from tidegate.sdk.stage.server import Asked, StageServer, Told, told
from tidegate_platforms.generic.proof import Refusal, bad, check, push_headers
from tidegate_platforms.generic.shop import Shop, written

ROOT = "/tidegate/v1"
KEY, SECRET = "tidegate-1", "mall-secret-canary-51c9"
PUSH_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105  (published example)
MOST_LIMIT, LEVELS_PER_PAGE = 200, 50
CALLS = (
    ("GET", "/shop", "shop.get"),
    ("GET", "/orders", "orders.list"),
    ("GET", "/orders/([^/]+)", "orders.get"),
    ("GET", "/orders/([^/]+)/shipments", "shipments.list"),
    ("POST", "/orders/([^/]+)/shipments", "shipments.add"),
    ("GET", "/stock", "stock.list"),
    ("PUT", "/stock", "stock.set"),
    ("POST", "/recipients/open", "recipients.open"),
)
SAID = {
    Fault.EXPIRED: Refusal(401, "unknown_key", "the key has ended", "expired"),
    Fault.REFUSED: Refusal(422, "refused", "no", "refused"),
    Fault.BUSY: Refusal(409, "busy", "the mall is busy", "busy"),
    Fault.THROTTLED: Refusal(429, "too_many_requests", "slow down", "throttled"),
}


class GenericServer(StageServer):
    """What it holds is in `shop`."""

    def __init__(self) -> None:
        super().__init__()
        self.limits = {"*": (200, 1.0)}
        self.shop = Shop()

    @property
    def settings(self) -> Mapping[str, str]:
        return {"url": self.url + ROOT, "key": KEY, "secret": SECRET, "page_size": "10"}

    @property
    def samples(self) -> Mapping[str, str]:
        return {"carrier": "SF", "secret": "secret"}

    def api_of(self, asked: Asked) -> str:
        return self._found(asked)[0]

    def answer(self, asked: Asked, api: str) -> Told:
        try:
            check(asked, KEY, SECRET, self.now())
            work = self._work().get(api)
            if work is None:
                raise Refusal(404, "unknown_call", "no such call")
            return told(work(asked, self._found(asked)[1]))
        except Refusal as refusal:
            return bad(refusal)

    def say(self, fault: Fault, asked: Asked, api: str) -> Told:
        return bad(SAID[fault], {"Retry-After": "2"} if fault is Fault.THROTTLED else None)

    # what the suite does and sees

    def place(self, order: SampleOrder) -> None:
        with self._lock:
            self.shop.place(order)

    def shipped(self) -> Sequence[ToldShipment]:
        return [
            ToldShipment(number, parcel["carrier"], parcel["waybill_no"])
            for number, held in self.shop.held.items()
            for parcel in held.parcels.values()
        ]

    def put_stock(self, sku: str, available: int) -> None:
        self.shop.stock[sku] = available

    def stock(self) -> Mapping[str, int]:
        return dict(self.shop.stock)

    def order_push(self, number: str) -> SignedPush:
        held = self.shop.one(number)
        event = {
            "type": "order.changed", "timestamp": written(held.modified_at),
            "data": {"number": number, "status": held.status},
        }  # fmt: skip
        return self.signed_push(json.dumps(event).encode())

    @property
    def push_secret(self) -> tuple[str, str]:
        return "", PUSH_SECRET

    def signed_push(self, body: bytes) -> SignedPush:
        event_id = f"evt_{uuid.uuid4().hex}"
        return SignedPush(push_headers(PUSH_SECRET, event_id, self.now(), body), body)

    def hide(self, number: str) -> None:
        self.shop.hidden.add(number)

    def keep_closed(self, number: str) -> None:
        self.shop.closed.add(number)

    # calls

    def _found(self, asked: Asked) -> tuple[str, str]:
        """(name, number in the path) of a call."""
        path = asked.target.partition("?")[0].removeprefix(ROOT)
        for method, pattern, api in CALLS:
            match = re.fullmatch(pattern, path)
            if match and method == asked.method:
                return api, unquote(match[1]) if match.groups() else ""
        return "unknown", ""

    def _work(self) -> Mapping[str, Callable[[Asked, str], dict[str, Any]]]:
        return {
            "shop.get": lambda _asked, _number: {
                "protocol": "1", "name": "北岸器物", "currency": "CNY",
            },
            "orders.list": self._orders,
            "orders.get": lambda _asked, number: self.shop.document(self.shop.one(number)),
            "shipments.list": lambda _asked, number: {
                "shipments": list(self.shop.one(number).parcels.values())
            },
            "shipments.add": lambda asked, number: self.shop.ship(
                number, asked.headers.get("idempotency-key", ""), asked.json(), self.now()
            ),
            "stock.list": self._stock, "stock.set": self._set_stock,
            "recipients.open": self._open,
        }  # fmt: skip

    def _orders(self, asked: Asked, _: str) -> dict[str, Any]:
        query = asked.query
        limit = query.get("limit", "100")
        if not limit.isdigit() or not 1 <= int(limit) <= MOST_LIMIT:
            raise Refusal(400, "invalid", "limit is 1 to 200")
        start, end = query.get("modified_from", ""), query.get("modified_to", "")
        return self.shop.page(start, end, int(limit), query.get("cursor", ""))

    def _stock(self, asked: Asked, _: str) -> dict[str, Any]:
        after = asked.query.get("cursor", "")
        skus = sorted(sku for sku in self.shop.stock if sku > after)
        page = skus[:LEVELS_PER_PAGE]
        return {
            "levels": [{"sku": sku, "available": self.shop.stock[sku]} for sku in page],
            "next": page[-1] if len(skus) > len(page) else None,
        }

    def _set_stock(self, asked: Asked, _: str) -> dict[str, Any]:
        results = []
        for level in asked.json()["levels"]:
            known = level["sku"] in self.shop.stock
            if known:
                self.shop.stock[level["sku"]] = level["available"]
            results.append({"sku": level["sku"], "error": None if known else "unknown_sku"})
        return {"results": results}

    def _open(self, asked: Asked, _: str) -> dict[str, Any]:
        rows = asked.json()["recipients"]
        return {"recipients": [self.shop.opened(one["order"], one["token"]) for one in rows]}
