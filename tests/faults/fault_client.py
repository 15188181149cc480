"""Connectors for the fault server: carriers and shops of every duplicate class, outcomes told apart by the book."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from tidegate.errors import RemoteRefused, RemoteRetry, RemoteUnknown
from tidegate.sdk.carrier import CarrierScan, DuplicateClass, ScanPage, Waybill, WaybillRequest
from tidegate.sdk.shop import Shipment


class FaultClient:
    """Signed calls; a new connection each, so that a time-out says nothing about the next."""

    def __init__(self, url: str, case: str, duplicates: str, timeout_s: float) -> None:
        self.duplicates = DuplicateClass(duplicates)
        self._host = urlsplit(url).netloc
        self._case = case
        self._timeout_s = timeout_s

    def call(self, name: str, asked: dict[str, Any]) -> dict[str, Any]:
        path, body = f"/{self._case}/{self.duplicates}/{name}", json.dumps(asked).encode()
        sign = hmac.new(b"faults", path.encode() + body, hashlib.sha256).hexdigest()
        connection = HTTPConnection(self._host, timeout=self._timeout_s)
        try:
            connection.connect()
        except OSError:
            raise RemoteRetry("fault.unreachable", zh="连不上。", en="Unreachable.") from None
        try:
            connection.request("POST", path, body, {"X-Sign": sign})
            response = connection.getresponse()
            said = response.read()
        except (OSError, HTTPException):
            raise _unclear("no_answer") from None
        finally:
            connection.close()
        if response.status == 429:
            raise RemoteRetry("fault.throttled", zh="稍后。", en="Later.", retry_after_s=1)
        if response.status >= 500:
            raise _unclear(str(response.status))
        try:
            found = json.loads(said)
        except ValueError:
            raise _unclear("unreadable") from None
        if not found["ok"]:
            raise RemoteRefused(f"fault.{found['code']}", zh="被拒绝。", en="Refused.")
        return dict(found)


class FaultCarrier(FaultClient):
    """tidegate.sdk.carrier.Carrier."""

    name = "sandbox"

    def create_waybill(self, request: WaybillRequest) -> Waybill:
        asked = {"key": request.client_key, "order": request.order_number}
        return Waybill(self.call("create", asked)["number"], "330-A01-02")

    def query_waybill(self, client_key: str) -> Waybill | None:
        found = self.call("query", {"key": client_key})["number"]
        return Waybill(found, "330-A01-02") if found else None

    def cancel_waybill(self, client_key: str) -> None:
        self.call("cancel", {"key": client_key})

    def scans_since(self, cursor: str) -> ScanPage:
        found = self.call("scans", {"cursor": cursor})
        scans = [
            CarrierScan(
                row["id"], row["number"], datetime.fromisoformat(row["at"]), row["state"].upper(),
                row["state"], "嘉兴市", "快件",
            )
            for row in found["scans"]
        ]  # fmt: skip
        return ScanPage(scans, found["cursor"], False)


class FaultShop(FaultClient):
    """tidegate.sdk.shop.ShipsOrders."""

    name = "fault-shop"

    def ship(self, shipment: Shipment) -> None:
        self.call("ship", {
            "key": shipment.client_key, "order": shipment.order_number,
            "parcel": shipment.parcel_number, "number": shipment.waybill_no,
        })  # fmt: skip

    def shipped(self, order_number: str, parcel_number: str) -> str | None:
        found: str | None = self.call("shipped", {"parcel": parcel_number})["number"]
        return found


def _unclear(why: str) -> RemoteUnknown:
    return RemoteUnknown(
        "fault.no_clear_answer", zh="没有明确答复。", en="No clear answer.", why=why
    )
