"""Pure: our request as the body of an order, and the waybill in an answer."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tidegate.errors import RemoteRefused
from tidegate.sdk.carrier import Contact, Waybill, WaybillRequest

SENDER, RECIPIENT = 1, 2
MOTHER = "1"  # of one parcel the only one
NOT_SERVED, BY_HAND = "3", "1"  # filterResult


def order_document(request: WaybillRequest, settings: Mapping[str, str]) -> dict[str, Any]:
    """Equal requests give equal bodies."""
    document: dict[str, Any] = {
        "language": "zh-CN",
        "orderId": request.client_key,
        "cargoDetails": _cargo(request),
        "cargoDesc": settings["cargo"],
        "contactInfoList": [
            _party(SENDER, request.sender),
            _party(RECIPIENT, request.recipient),
        ],
        "payMethod": int(settings["pay_method"]),
        "expressTypeId": int(express_type(request.service_code, settings)),
        "parcelQty": 1,
        "totalWeight": request.weight_g / 1000,
        "isReturnRoutelabel": 1,
        "isDocall": int(settings["call_courier"]),
    }
    if settings.get("monthly_card"):
        document["monthlyCard"] = settings["monthly_card"]
    if extras := _extras(request, settings):
        document["serviceList"] = extras
    if request.remark:
        document["remark"] = request.remark[:100]
    return document


def express_type(service_code: str, settings: Mapping[str, str]) -> str:
    """SF's product of a service, from `services` (`SF.express=1,…`)."""
    pairs = (part.partition("=") for part in settings.get("services", "").split(","))
    known = {code.strip(): product.strip() for code, _, product in pairs}
    return known.get(service_code) or settings["express_type"]


def read_waybill(found: Mapping[str, Any]) -> Waybill | None:
    """The waybill in an answer, None while a person at SF looks at the address.

    Raises:
        RemoteRefused: SF does not go there.
        KeyError, TypeError, AttributeError: the answer is none we understand.
    """
    numbers = found.get("waybillNoInfoList") or []
    number = next(
        (str(n["waybillNo"]) for n in numbers if str(n.get("waybillType", 1)) == MOTHER), ""
    )
    if number:
        return Waybill(number, _sort_code(found.get("routeLabelInfo")))
    if str(found.get("filterResult")) == NOT_SERVED:
        raise RemoteRefused(
            "sf.not_served",
            zh="顺丰不派送这个地址; 请换快递或修改地址。",
            en="SF does not serve the address; change carrier or address.",
        )
    return None


def _sort_code(labels: Any) -> str:
    """The route printed large on the label; empty where SF tells none."""
    label = labels[0] if isinstance(labels, list) and labels else {}
    data = label.get("routeLabelData") or {}
    return str(data.get("destRouteLabel") or data.get("destTeamCode") or "")


def _party(kind: int, contact: Contact) -> dict[str, Any]:
    mobile = contact.phone.startswith("1") and len(contact.phone.partition("-")[0]) == 11
    found = {
        "contactType": kind, "contact": contact.name, "mobile" if mobile else "tel": contact.phone,
        "country": "CN", "province": contact.province, "city": contact.city,
        "county": contact.district, "address": contact.address,
    }  # fmt: skip
    return {**found, "postCode": contact.postcode} if contact.postcode else found


def _cargo(request: WaybillRequest) -> list[dict[str, Any]]:
    cargo = [
        {"name": (item.title or item.sku)[:128], "count": item.quantity} for item in request.items
    ]
    return cargo or [{"name": "商品", "count": 1}]


def _extras(request: WaybillRequest, settings: Mapping[str, str]) -> list[dict[str, str]]:
    extras = []
    if request.cod_minor:
        cod = {"name": "COD", "value": _yuan(request.cod_minor)}
        card = settings.get("cod_card", "")
        extras.append({**cod, "value1": card} if card else cod)
    if request.insured_minor:
        extras.append({"name": "INSURE", "value": _yuan(request.insured_minor)})
    return extras


def _yuan(minor: int) -> str:
    return str(Decimal(minor).scaleb(-2))
