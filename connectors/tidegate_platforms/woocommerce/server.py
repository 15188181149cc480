"""The shop's interface: the key pair first, then the call."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tidegate.sdk.stage.protocol import Fault, SampleOrder, SignedPush, ToldShipment
from tidegate.sdk.stage.server import Asked, StageServer, Told, told
from tidegate_platforms.woocommerce.documents import STATUS, Held

ROOT, META = "/wp-json/wc/v3", "_wc_shipment_tracking_items"
KEY, SECRET, HOOK_SECRET = "ck_canary_31", "cs_canary_32", "demo_shared_secret"


class WooServer(StageServer):
    """`stock` of one simple product and variations by SKU."""

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[str, Held] = {}
        self._stock: dict[str, int] = {}

    @property
    def settings(self) -> Mapping[str, str]:
        return {"url": self.url, "consumer_key": KEY, "consumer_secret": SECRET, "page_size": "10"}

    @property
    def samples(self) -> Mapping[str, str]:
        return {"carrier": "SF", "secret": "consumer_secret"}

    def api_of(self, asked: Asked) -> str:
        path, method = asked.path.removeprefix(ROOT), asked.method
        if path.startswith("/orders/"):
            return "orders.get" if method == "GET" else "orders.ship"
        if path == "/orders":
            return "orders.list"
        return "products.find" if method == "GET" else "stock.set"

    def answer(self, asked: Asked, api: str) -> Told:
        pair = base64.standard_b64encode(f"{KEY}:{SECRET}".encode()).decode()
        if asked.headers.get("authorization") != f"Basic {pair}":
            return _no(401, "woocommerce_rest_authentication_error", "bad_signature")
        path = asked.path.removeprefix(ROOT)
        if api == "orders.list":
            return self._list(asked.query)
        if api in ("orders.get", "orders.ship"):
            held = self.held.get(path.removeprefix("/orders/"))
            if held is None:
                return _no(404, "woocommerce_rest_shop_order_invalid_id")
            if api == "orders.ship":
                self._change(held, asked.json())
            return told(held.document())
        if api == "products.find":
            return told(self._find(asked.query.get("sku", "")))
        return self._set_stock(path, asked.json())

    def say(self, fault: Fault, asked: Asked, api: str) -> Told:
        if fault is Fault.EXPIRED:
            return _no(401, "woocommerce_rest_authentication_error", "expired")
        if fault is Fault.THROTTLED:
            return Told(429, b"slow down", "text/plain", {"Retry-After": "3"}, "throttled")
        if fault is Fault.BUSY:
            return Told(503, b"<html>maintenance</html>", "text/html", {}, "busy")
        return _no(400, "rest_invalid_param")

    # what the suite does and sees

    def place(self, order: SampleOrder) -> None:
        with self._lock:
            before = self.held.get(order.number)
            status = order.raw_state or STATUS[order.state]
            meta = before.meta if before else {}
            self.held[order.number] = Held(order, status, order.modified_at, meta)

    def shipped(self) -> Sequence[ToldShipment]:
        return [
            ToldShipment(number, one["custom_tracking_provider"], one["tracking_number"])
            for number, held in self.held.items()
            for one in held.meta.get(META, ())
        ]

    def put_stock(self, sku: str, available: int) -> None:
        self._stock[sku] = available

    def stock(self) -> Mapping[str, int]:
        return dict(self._stock)

    def order_push(self, number: str) -> SignedPush:
        return self.push("order.updated", json.dumps(self.held[number].document()).encode())

    @property
    def push_secret(self) -> tuple[str, str]:
        return "", HOOK_SECRET

    def signed_push(self, body: bytes) -> SignedPush:
        return self.push("order.updated", body)

    def push(self, topic: str, body: bytes) -> SignedPush:
        signed = hmac.new(HOOK_SECRET.encode(), body, hashlib.sha256).digest()
        headers = {
            "Content-Type": "application/json",
            "X-WC-Webhook-Topic": topic,
            "X-WC-Webhook-Signature": base64.standard_b64encode(signed).decode(),
            "X-WC-Webhook-Delivery-ID": uuid.uuid4().hex,
        }
        return SignedPush(headers, body)

    # calls

    def _list(self, query: Mapping[str, str]) -> Told:
        after, before = (
            datetime.fromisoformat(query[name]).replace(tzinfo=UTC) if name in query else None
            for name in ("modified_after", "modified_before")
        )
        found = sorted(
            (
                one
                for one in self.held.values()
                if (after is None or _whole(one) > after) and (before is None or _whole(one) < before)
            ),
            key=lambda one: (one.modified_at, int(one.sample.number)),
        )  # fmt: skip
        size, page = int(query.get("per_page", "10")), int(query.get("page", "1"))
        if not 1 <= size <= 100:
            return _no(400, "rest_invalid_param")
        rows = [one.document() for one in found[(page - 1) * size : page * size]]
        pages = {"X-WP-Total": str(len(found)), "X-WP-TotalPages": str(-(-len(found) // size))}
        return told(rows, headers=pages)

    def _change(self, held: Held, wanted: Mapping[str, Any]) -> None:
        for meta in wanted.get("meta_data", ()):
            held.meta[meta["key"]] = meta["value"]
        held.status = wanted.get("status", held.status)
        held.modified_at = self.now()

    def _find(self, sku: str) -> list[dict[str, Any]]:
        """Odd ones are variations of product 7."""
        skus = list(self._stock)
        if sku not in skus:
            return []
        place = skus.index(sku)
        return [{"id": 100 + place, "sku": sku, "parent_id": 7 if place % 2 else 0}]

    def _set_stock(self, path: str, wanted: Mapping[str, Any]) -> Told:
        for place, sku in enumerate(self._stock):
            mine = (
                f"/products/7/variations/{100 + place}" if place % 2 else f"/products/{100 + place}"
            )
            if path == mine and wanted.get("manage_stock"):
                self._stock[sku] = int(wanted["stock_quantity"])
                return told({"id": 100 + place})
        return _no(404, "woocommerce_rest_product_invalid_id")


def _whole(held: Held) -> datetime:
    return held.modified_at.replace(microsecond=0)


def _no(status: int, code: str, outcome: str = "refused") -> Told:
    return told({"code": code, "message": "no", "data": {"status": status}}, status, outcome)
