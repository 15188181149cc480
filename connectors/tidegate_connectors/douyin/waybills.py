"""Douyin's own waybills (电子面单): the cipher text of an order goes in, a number and sealed print data come out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tidegate.errors import RemoteRefused, TidegateError
from tidegate.sdk.account import Account, pairs_of
from tidegate.sdk.answers import broken, error_of, is_done
from tidegate.sdk.carrier import Contact, Issued, Waybill, WaybillRequest
from tidegate.sdk.carrier_codes import CarrierCodes
from tidegate.sdk.package_ids import package_id
from tidegate.sdk.values import Label
from tidegate_connectors.douyin.client import DouyinClient

CREATE, CANCEL, PRINT = (
    "logistics.newCreateOrder",
    "logistics.cancelOrder",
    "logistics.waybillApply",
)
PLATFORM = "douyin"
COUNTRY = "CHN"


class DouyinWaybills:
    def __init__(self, account: Account, client: DouyinClient) -> None:
        self._account, self._client = account, client
        self._carriers = CarrierCodes(account)
        self._products = pairs_of(account.settings.get("waybill_products", ""))
        self._templates = pairs_of(account.settings.get("label_templates", ""))

    def create_waybill(self, request: WaybillRequest) -> Waybill:
        """A number; a repeated package id of an order answers the number it got then.

        Raises:
            RemoteRefused: also when the order brought no cipher text; nothing was sent.
        """
        package = package_id(request.client_key)
        asked = {
            "logistics_code": self._courier(request.service_code),
            "sender_info": {"address": _place(request.sender), "contact": _reached(request.sender)},
            "order_infos": [self._order(request, package)],
        }
        data = self._client.call(CREATE, asked, idempotent=False)
        row = self._one(data, "ebill_infos", CREATE)
        if not row.get("track_no"):
            raise broken(self._account.manifest, CREATE)
        mark = row.get("sort_code") or row.get("short_address_name") or ""
        return Waybill(str(row["track_no"]), str(mark))

    def cancel_issued(self, issued: Issued) -> None:
        """Void by number; one that was voided before is fine.

        Raises:
            RemoteRefused: also when the number was never told.
        """
        if not issued.waybill_no:
            raise _untold(issued.order_number or issued.client_key)
        asked = {
            "logistics_code": self._courier(issued.service_code),
            "track_no": issued.waybill_no,
        }
        try:
            data = self._client.call(CANCEL, asked)
        except RemoteRefused as error:
            manifest = self._account.manifest
            if is_done(manifest, error.code.removeprefix(f"{manifest.id}.")):
                return
            raise
        result = data.get("cancel_result") if isinstance(data, Mapping) else None
        if not isinstance(result, Mapping) or not result.get("success"):
            raise error_of(self._account.manifest, "waybill.not_cancelled")

    def label(self, issued: Issued) -> Label:
        """For Douyin's print component: the recipient inside is sealed by Douyin."""
        courier = self._courier(issued.service_code)
        applied = [{"logistics_code": courier, "track_no": issued.waybill_no}]
        data = self._client.call(PRINT, {"waybill_applies": applied})
        row = self._one(data, "waybill_infos", PRINT)
        if not row.get("print_data"):
            raise broken(self._account.manifest, PRINT)
        template = self._templates.get(courier, "")
        printed = {
            "encryptedData": str(row["print_data"]), "signature": str(row.get("sign") or ""),
            "templateURL": template,
        }  # fmt: skip
        return Label("print_data", json.dumps(printed, ensure_ascii=False).encode(), template)

    def _courier(self, service_code: str) -> str:
        """Raises RemoteRefused: nothing says which courier it is."""
        return self._carriers.of(service_code.partition(".")[0])

    def _order(self, request: WaybillRequest, package: str) -> dict[str, Any]:
        order: dict[str, Any] = {
            "order_id": request.order_number,
            "pack_id": package,
            "receiver_info": self._receiver(request),
            "items": [
                {"item_name": (one.title or one.sku)[:100], "item_count": one.quantity}
                for one in request.items
            ],
        }
        if product := self._products.get(request.service_code):
            order["product_type"] = product
        if request.remark:
            order["remark"] = request.remark[:100]
        if request.insured_minor:
            value = json.dumps({"value": str(request.insured_minor)})
            order["service_list"] = [{"service_code": "SVC-INSURE", "service_value": value}]
        return order

    def _receiver(self, request: WaybillRequest) -> dict[str, Any]:
        """The order's own cipher text, and the region, which is not personal."""
        closed = request.closed
        cipher = closed.cipher if closed is not None and closed.platform == PLATFORM else {}
        if closed is None or not all(cipher.get(part) for part in ("name", "phone", "address")):
            raise _no_cipher(request.order_number)
        place = {**_place(request.recipient), "detail_address": cipher["address"]}
        if closed.town:
            place["street_name"] = closed.town
        return {"address": place, "contact": {"name": cipher["name"], "mobile": cipher["phone"]}}

    def _one(self, data: Any, name: str, api: str) -> Mapping[str, Any]:
        """The only row that was asked for, or what Douyin says against it."""
        found = data if isinstance(data, Mapping) else {}
        for row in found.get("err_infos") or ():
            if isinstance(row, Mapping):
                raise self._refused(str(row.get("err_code") or "?"))
        rows = [row for row in found.get(name) or [] if isinstance(row, Mapping)]
        if len(rows) != 1:
            raise broken(self._account.manifest, api)
        return rows[0]

    def _refused(self, code: str) -> TidegateError:
        return error_of(self._account.manifest, f"waybill.{code}")


def _place(contact: Contact) -> dict[str, str]:
    return {
        "country_code": COUNTRY, "province_name": contact.province, "city_name": contact.city,
        "district_name": contact.district, "detail_address": contact.address,
    }  # fmt: skip


def _reached(contact: Contact) -> dict[str, str]:
    mobile = contact.phone.startswith("1") and len(contact.phone) == 11
    return {"name": contact.name, "mobile" if mobile else "phone": contact.phone}


def _no_cipher(number: str) -> RemoteRefused:
    return RemoteRefused(
        "douyin.no_cipher",
        zh=f"订单 {number} 没有带来完整的收件人密文, 抖店电子面单取不了号; 请重新同步这笔订单, 或换快递。",
        en=f"Order {number} brought no complete cipher text of its recipient, which Douyin's waybills are made from; "
        "read the order again or choose another service.",
        order=number,
    )


def _untold(number: str) -> RemoteRefused:
    return RemoteRefused(
        "douyin.number_untold",
        zh=f"订单 {number} 的取号没有得到运单号, 抖店只能按运单号取消; 请在抖店后台的电子面单里查看并取消。",
        en=f"The request for order {number} was never answered with a number and Douyin voids by number only; look it "
        "up under e-waybills in the shop's back office and void it there.",
        order=number,
    )
