"""Pure: our request as a body of 1007 (and 1801), and the waybill in an answer."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tidegate.sdk.carrier import Contact, Waybill, WaybillRequest
from tidegate_connectors.kdniao.terms import Terms
from tidegate_connectors.kdniao.texts import phone_fields, plain

MOST_REMARK, MOST_GOODS = 60, 100


def waybill_document(request: WaybillRequest, terms: Terms) -> dict[str, Any]:
    """Equal requests give equal bodies.

    Raises:
        RemoteRefused: nothing says which courier the service is.
    """
    settings = terms.account.settings
    shipper, product = terms.courier(request.service_code)
    document: dict[str, Any] = {
        "OrderCode": request.client_key,
        "ShipperCode": shipper,
        **terms.contract(),
        "PayType": int(settings["pay_type"]),
        "ExpType": product,
        "Quantity": 1,
        "IsNotice": int(settings["notify"]),
        "IsSubscribe": settings["subscribe"],
        "Weight": kilograms(request.weight_g),
        "Sender": party(request.sender),
        "Receiver": party(request.recipient),
        "Commodity": _goods(request),
    }
    if request.remark:
        document["Remark"] = plain(request.remark, MOST_REMARK)
    if services := _extras(request, terms):
        document["AddService"] = services
    if settings.get("callback"):
        document["Callback"] = settings["callback"]
    if request.currency != "CNY":
        document["CurrencyCode"] = request.currency
    return document


def read_waybill(answer: Mapping[str, Any]) -> Waybill | None:
    """The waybill in an answer; None when it names no number.

    Raises:
        TypeError: the answer is none we understand.
    """
    order = answer.get("Order") or {}
    if not isinstance(order, Mapping):
        raise TypeError("Order is no object")
    number = str(order.get("LogisticCode") or "").strip()
    mark = str(order.get("MarkDestination") or order.get("SortingCode") or "").strip()
    return Waybill(number, mark) if number else None


def party(contact: Contact) -> dict[str, str]:
    """Address without province, city and district, as the command wants it."""
    found = {
        "Name": plain(contact.name), **phone_fields(contact.phone), **region(contact),
        "Address": plain(contact.address),
    }  # fmt: skip
    return {**found, "PostCode": contact.postcode} if contact.postcode else found


def region(contact: Contact) -> dict[str, str]:
    return {
        "ProvinceName": plain(contact.province), "CityName": plain(contact.city),
        "ExpAreaName": plain(contact.district),
    }  # fmt: skip


def kilograms(weight_g: int) -> float:
    return weight_g / 1000


def yuan(minor: int) -> str:
    return str(Decimal(minor).scaleb(-2))


def _goods(request: WaybillRequest) -> list[dict[str, Any]]:
    goods = [
        {
            "GoodsName": plain(item.title or item.sku, MOST_GOODS) or item.sku or "商品",
            "GoodsCode": plain(item.sku),
            "Goodsquantity": item.quantity,  # spelt like this
        }
        for item in request.items
    ]
    return goods or [{"GoodsName": "商品", "Goodsquantity": 1}]


def _extras(request: WaybillRequest, terms: Terms) -> list[dict[str, str]]:
    extras = []
    if request.cod_minor:
        cod = {"Name": "COD", "Value": yuan(request.cod_minor)}
        customer = terms.account.settings.get("cod_customer", "")
        extras.append({**cod, "CustomerID": customer} if customer else cod)
    if request.insured_minor:
        extras.append({"Name": "INSURE", "Value": yuan(request.insured_minor)})
    return extras
