"""Cainiao waybills (菜鸟电子面单) through TOP: the order's OAID goes in, a number and print data come out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from tidegate.errors import RemoteRefused, RemoteRetry, RemoteUnknown
from tidegate.sdk.account import Account, pairs_of
from tidegate.sdk.answers import SAID, broken, error_of
from tidegate.sdk.carrier import Contact, Issued, Waybill, WaybillRequest
from tidegate.sdk.carrier_codes import CarrierCodes
from tidegate.sdk.package_ids import package_id
from tidegate.sdk.values import Label
from tidegate_connectors.taobao.client import TopClient, rows_of

CREATE, CANCEL = "cainiao.waybill.ii.get", "cainiao.waybill.ii.cancel"
BY_ORDER, BY_NUMBER = (
    "cainiao.waybill.ii.query.by.tradecode",
    "cainiao.waybill.ii.query.by.waybillcode",
)
ASKED = "param_waybill_cloud_print_apply_new_request"
OTHERS = "OTHERS"  # the channel of orders that are not Taobao's
PLATFORMS = ("taobao", "tmall")
ROW, RESULT = "waybill_cloud_print_response", "waybill_cloud_print_with_result_desc_response"


class Waybills:
    def __init__(self, account: Account, client: TopClient) -> None:
        self._account, self._client = account, client
        self._carriers = CarrierCodes(account)
        settings = account.settings
        self._templates = pairs_of(settings.get("label_templates", ""))
        self._absent = set(settings.get("absent_codes", "").replace(",", " ").split())

    def create_waybill(self, request: WaybillRequest) -> Waybill:
        """A number; the same order and package id answer the number they got before.

        Raises:
            RemoteRefused: also when the account's settings or the order's OAID are missing; nothing was sent.
        """
        courier = self._courier(request.service_code)
        asked = {
            "cp_code": courier,
            "sender": {"address": _place(request.sender), **_reached(request.sender)},
            "trade_order_info_dtos": [self._order(request, courier)],
        }
        try:
            inner = self._client.call(CREATE, {ASKED: _json(asked)}, idempotent=False)
        except RemoteRetry as error:
            if error.code.startswith("taobao.isp."):  # its own trouble, maybe after the work
                zh, en = SAID["unknown"]
                raise RemoteUnknown(error.code, zh=f"菜鸟{zh}", en=f"Cainiao {en}") from None
            raise
        rows = rows_of(inner, "modules", ROW)
        if len(rows) != 1 or not isinstance(rows[0], Mapping) or not rows[0].get("waybill_code"):
            raise broken(self._account.manifest, CREATE)
        return _waybill(rows[0])

    def query_requested(self, request: WaybillRequest) -> Waybill | None:
        return self._of_order(request.order_number, request.client_key)

    def cancel_issued(self, issued: Issued) -> None:
        """Void by number; where it was never told, Cainiao is asked for it by the shop order first."""
        number = issued.waybill_no
        if not number:
            found = self._of_order(issued.order_number, issued.client_key)
            if found is None:
                return
            number = found.waybill_no
        asked = {"cp_code": self._courier(issued.service_code), "waybill_code": number}
        if str(self._client.call(CANCEL, asked).get("cancel_result")).lower() != "true":
            raise error_of(self._account.manifest, "waybill.not_cancelled")

    def label(self, issued: Issued) -> Label:
        """For Cainiao's print component; of a closed recipient it holds masks and text sealed by Cainiao."""
        asked = {
            "object_id": issued.client_key, "cp_code": self._courier(issued.service_code),
            "waybill_code": issued.waybill_no,
        }  # fmt: skip
        for row in self._results(BY_NUMBER, asked):
            if str(row.get("waybill_code")) == issued.waybill_no and row.get("print_data"):
                data = str(row["print_data"])
                template = str(_opened(data).get("templateURL") or "")
                return Label("print_data", data.encode(), template)
        raise broken(self._account.manifest, BY_NUMBER)

    def _of_order(self, order_number: str, client_key: str) -> Waybill | None:
        """The one with our package id among those of a shop order.

        Raises:
            RemoteUnknown: there are some and their print data is sealed as a whole: a person looks.
        """
        asked = {"object_id": client_key, "biz_sub_code": order_number}
        sealed = False
        for row in self._results(BY_ORDER, asked):
            package = (_opened(str(row.get("print_data"))).get("data") or {}).get("packageInfo")
            if isinstance(package, Mapping) and package.get("id") == package_id(client_key):
                return _waybill(row)
            sealed = sealed or not isinstance(package, Mapping)
        if sealed:
            raise _which(order_number)
        return None

    def _results(self, api: str, asked: Mapping[str, str]) -> Sequence[Mapping[str, Any]]:
        inner = self._client.call(api, {"param_list": _json([asked])})
        found = []
        for row in rows_of(inner, "modules", RESULT):
            if not isinstance(row, Mapping):
                raise broken(self._account.manifest, api)
            code = str(row.get("error_code") or "")
            if str(row.get("success", "true")).lower() == "false" and code not in self._absent:
                raise error_of(self._account.manifest, code, "waybill.unclear")
            if isinstance(row.get(ROW), Mapping):
                found.append(row[ROW])
        return found

    def _courier(self, service_code: str) -> str:
        return self._carriers.of(service_code.partition(".")[0])

    def _order(self, request: WaybillRequest, courier: str) -> dict[str, Any]:
        settings = self._account.settings
        template, user = self._templates.get(courier, ""), settings.get("seller_id", "")
        if not template or not user.isdigit():
            raise _not_set_up("label_templates" if user.isdigit() else "seller_id")
        order: dict[str, Any] = {
            "object_id": request.client_key,
            "order_info": {
                "order_channels_type": settings["order_channel"] if request.closed else OTHERS,
                "trade_order_list": [request.order_number],
            },
            "package_info": {
                "id": package_id(request.client_key),
                "items": [
                    {"count": one.quantity, "name": (one.title or one.sku)[:100]}
                    for one in request.items
                ],
                "weight": request.weight_g,
                "goods_description": "商品",
            },
            "recipient": _recipient(request),
            "template_url": template,
            "user_id": int(user),
        }
        if services := _services(request):
            order["logistics_services"] = _json(services)
        return order


def _recipient(request: WaybillRequest) -> dict[str, Any]:
    closed = request.closed
    if closed is not None:
        if closed.platform not in PLATFORMS or not closed.token:
            raise _no_oaid(request.order_number)
        return {"oaid": closed.token, "tid": closed.order_number}
    return {"address": _place(request.recipient), **_reached(request.recipient)}


def _waybill(row: Mapping[str, Any]) -> Waybill:
    """The route of the label is in the print data, where that is not sealed as a whole."""
    data = _opened(str(row.get("print_data"))).get("data")
    routing = data.get("routingInfo") if isinstance(data, Mapping) else None
    route = routing if isinstance(routing, Mapping) else {}
    sortation = route.get("sortation")
    name = sortation.get("name") if isinstance(sortation, Mapping) else ""
    return Waybill(str(row["waybill_code"]), str(route.get("routeCode") or name or ""))


def _opened(print_data: str) -> Mapping[str, Any]:
    """TOP's print data is text of JSON."""
    try:
        found = json.loads(print_data)
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}


def _place(contact: Contact) -> dict[str, str]:
    return {
        "province": contact.province, "city": contact.city, "district": contact.district,
        "detail": contact.address,
    }  # fmt: skip


def _reached(contact: Contact) -> dict[str, str]:
    mobile = contact.phone.startswith("1") and len(contact.phone.partition("-")[0]) == 11
    return {"name": contact.name, "mobile" if mobile else "phone": contact.phone}


def _services(request: WaybillRequest) -> dict[str, Any]:
    """Amounts in yuan (inferred)."""
    asked = {"SVC-COD": request.cod_minor, "SVC-INSURE": request.insured_minor}
    return {
        name: {"value": str(Decimal(minor).scaleb(-2))} for name, minor in asked.items() if minor
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _not_set_up(setting: str) -> RemoteRefused:
    return RemoteRefused(
        "taobao.waybills_not_set_up",
        zh=f"账号还没有填写 {setting}, 菜鸟电子面单取不了号; 请在连接页的账号设置里补上。",
        en=f"The account's setting {setting} is missing and Cainiao waybills need it; fill it in on the connections "
        "page.",
        field=setting,
    )


def _no_oaid(number: str) -> RemoteRefused:
    return RemoteRefused(
        "taobao.no_oaid",
        zh=f"订单 {number} 没有带来 OAID, 菜鸟电子面单取不了号; 请重新同步这笔订单, 或换快递。",
        en=f"Order {number} brought no OAID, which Cainiao's waybills are made from; read the order again or choose "
        "another service.",
        order=number,
    )


def _which(number: str) -> RemoteUnknown:
    return RemoteUnknown(
        "taobao.which_waybill",
        zh=f"菜鸟上订单 {number} 已有运单, 但打印数据整体加密, 分不清属于哪个包裹; 请在菜鸟后台核对后填写。",
        en=f"Cainiao has waybills of order {number}, and their print data is sealed as a whole: which parcel's they "
        "are can't be told. Look in Cainiao's console.",
        order=number,
        for_person=True,
    )
