"""Parcels, waybill requests and shipments as the kit asks for them."""

from __future__ import annotations

from typing import Any

from tidegate.bootstrap import utc_now
from tidegate.contract import canaries
from tidegate.contract.bench import Stand
from tidegate.sdk.carrier import Contact, ParcelItem, WaybillRequest
from tidegate.sdk.shop import Shipment

SENDER = Contact("潮闸仓", "057188880000", "浙江省", "嘉兴市", "南湖区", "城南路 8 号")
RECIPIENT = Contact(
    canaries.NAME, canaries.PHONE, "浙江省", "杭州市", "西湖区", canaries.ADDRESS, "310012"
)


def carrier_of(stand: Stand) -> str:
    """Ours: what the server names, else the first that the manifest knows."""
    return stand.sample.get("carrier") or next(iter(stand.manifest.carriers), "SF")


def request(stand: Stand, key: str, **more: Any) -> WaybillRequest:
    service = stand.sample.get("service_code") or f"{carrier_of(stand)}.standard"
    fields: dict[str, Any] = {
        "client_key": key, "service_code": service, "order_number": f"T{key}",
        "parcel_number": f"T{key}-1", "sender": SENDER, "recipient": RECIPIENT,
        "items": (ParcelItem("KETTLE", "手冲壶 1.2 L", 2),), "weight_g": 1500,
    }  # fmt: skip
    return WaybillRequest(**{**fields, **more})


def shipment(stand: Stand, order_number: str, waybill_no: str) -> Shipment:
    return Shipment(
        f"ship-{order_number}", order_number, f"{order_number}-1", carrier_of(stand), waybill_no,
        utc_now().replace(microsecond=0),
    )  # fmt: skip
