"""Parcels, waybill requests and shipments as the kit asks for them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tidegate.bootstrap import utc_now
from tidegate.contract import canaries
from tidegate.contract.bench import Stand
from tidegate.contract.card import Wrong
from tidegate.contract.pulling import base, order
from tidegate.sdk.carrier import (
    ClosedRecipient,
    Contact,
    Issued,
    ParcelItem,
    Waybill,
    WaybillRequest,
)
from tidegate.sdk.shop import Shipment
from tidegate.services.closed_recipients import token_of

SENDER = Contact("潮闸仓", "057188880000", "浙江省", "嘉兴市", "南湖区", "城南路 8 号")
RECIPIENT = Contact(
    canaries.NAME, canaries.PHONE, "浙江省", "杭州市", "西湖区", canaries.ADDRESS, "310012"
)

FIRST_CLOSED = 500


def carrier_of(stand: Stand) -> str:
    """Ours: what the server names, else the first that the manifest knows."""
    return stand.sample.get("carrier") or next(iter(stand.manifest.carriers), "SF")


def request(stand: Stand, key: str, **more: Any) -> WaybillRequest:
    """For somebody in clear, or where the connector takes closed recipients only, for an order that the shop has."""
    if not stand.manifest.plain_recipients and "closed" not in more:
        more = {**closed_order(stand), **more}
    service = stand.sample.get("service_code") or f"{carrier_of(stand)}.standard"
    fields: dict[str, Any] = {
        "client_key": key, "service_code": service, "order_number": f"T{key}",
        "parcel_number": f"T{key}-1", "sender": SENDER, "recipient": RECIPIENT,
        "items": (ParcelItem("KETTLE", "手冲壶 1.2 L", 2),), "weight_g": 1500,
    }  # fmt: skip
    return WaybillRequest(**{**fields, **more})


def closed_order(stand: Stand) -> dict[str, Any]:
    """Fields of a request for an order of the shop whose recipient stays closed: a new one is placed and fetched."""
    at = base(stand.manifest.sync) - timedelta(minutes=5)
    placed = order(FIRST_CLOSED + len(stand.server.waybills()), at)
    stand.server.place(placed)
    (draft,) = stand.made.fetch_order(placed.number).drafts
    token = token_of(draft.number, draft.extra, stand.manifest)
    if token is None:
        raise Wrong(
            "订单没有带来代替收件人的密文: 在 manifest.yaml 的 orders.tokens 里写明它在 extra 的哪里。",
            "The order brought nothing in place of its recipient: say in orders.tokens where it is in extra.",
        )
    region = Contact("", "", placed.province, placed.city, placed.district, "")
    closed = ClosedRecipient(draft.channel, draft.number, token.token, token.cipher)
    return {"order_number": draft.number, "recipient": region, "closed": closed}


def issued(asked: WaybillRequest, made: Waybill) -> Issued:
    return Issued(asked.client_key, made.waybill_no, asked.service_code, asked.order_number)


def shipment(stand: Stand, order_number: str, waybill_no: str) -> Shipment:
    return Shipment(
        f"ship-{order_number}", order_number, f"{order_number}-1", carrier_of(stand), waybill_no,
        utc_now().replace(microsecond=0),
    )  # fmt: skip
