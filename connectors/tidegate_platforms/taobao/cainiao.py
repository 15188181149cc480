"""Cainiao's e-waybills behind TOP: one number for an order and package, made from an OAID or a clear recipient."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tidegate_platforms.taobao.refusals import business

COURIERS = {"SF", "ZTO", "YTO", "STO", "YUNDA", "EMS", "POST", "HTKY", "DBKD"}
ABSENT = "WAYBILL_NOT_EXIST"
MOST = 10


@dataclass(slots=True)
class Ebill:
    object_id: str
    order: str
    package: str
    courier: str
    number: str
    recipient: Mapping[str, Any]
    template: str
    live: bool = True
    collected: bool = False


class Cainiao:
    """`oaids`: token -> the trade that was shown with it. `sealed`: print data is encrypted as a whole."""

    def __init__(self, oaids: Mapping[str, Any]) -> None:
        self._oaids = oaids
        self.made: dict[tuple[str, str, str], Ebill] = {}
        self.sealed = False

    def create(self, fields: Mapping[str, str]) -> dict[str, Any]:
        asked = json.loads(fields["param_waybill_cloud_print_apply_new_request"])
        courier, orders = asked.get("cp_code"), asked.get("trade_order_info_dtos") or []
        if courier not in COURIERS:
            raise business("isv.cp-code-not-subscribed", "商家没有订购该物流服务商的电子面单")
        sender = asked.get("sender") or {}
        if not sender.get("name") or not (sender.get("address") or {}).get("province"):
            raise business("isv.invalid-parameter:sender", "发货人信息不完整")
        if not 1 <= len(orders) <= MOST:
            raise business("isv.invalid-parameter:trade_order_info_dtos", "一次最多10个")
        made = [self._one(courier, order) for order in orders]
        return {
            "modules": {
                "waybill_cloud_print_response": [
                    {"object_id": one.object_id, **self._told(one)} for one in made
                ]
            }
        }

    def cancel(self, fields: Mapping[str, str]) -> dict[str, Any]:
        found = self._by_number(fields.get("waybill_code", ""))
        if found is None or found.courier != fields.get("cp_code"):
            raise business("isv.waybill-not-exist", "面单号不存在")
        if found.collected:
            raise business("isv.waybill-collected", "面单已揽收, 不能取消")
        found.live = False
        return {"cancel_result": True}

    def by_order(self, fields: Mapping[str, str]) -> dict[str, Any]:
        rows: list[dict[str, Any]] = []
        for asked in json.loads(fields["param_list"]):
            of_order = [
                one
                for one in self.made.values()
                if one.order == asked.get("biz_sub_code") and one.live
            ]
            rows += [self._result(asked["object_id"], one) for one in of_order]
            if not of_order:
                rows.append(_absent(asked["object_id"]))
        return {"modules": {"waybill_cloud_print_with_result_desc_response": rows}}

    def by_number(self, fields: Mapping[str, str]) -> dict[str, Any]:
        rows = []
        for asked in json.loads(fields["param_list"]):
            found = self._by_number(asked.get("waybill_code", ""))
            good = found is not None and found.live and found.courier == asked.get("cp_code")
            rows.append(
                self._result(asked["object_id"], found)
                if good and found is not None
                else _absent(asked["object_id"])
            )
        return {"modules": {"waybill_cloud_print_with_result_desc_response": rows}}

    def _one(self, courier: str, order: Mapping[str, Any]) -> Ebill:
        about, package = order.get("order_info") or {}, order.get("package_info") or {}
        numbers = about.get("trade_order_list") or []
        if not order.get("object_id") or not order.get("user_id") or not order.get("template_url"):
            raise business("isv.invalid-parameter:trade_order_info_dto", "请求缺少必填内容")
        if len(numbers) != 1 or not package.get("items") or not package.get("id"):
            raise business("isv.invalid-parameter:package_info", "包裹信息不完整")
        recipient = order.get("recipient") or {}
        self._check(about.get("order_channels_type"), numbers[0], recipient)
        key = (courier, numbers[0], str(package["id"]).lower())
        found = self.made.get(key)
        if found is not None and not found.live:
            raise business("isv.waybill-cancelled", "面单已取消, 请更换包裹id")
        if found is None:
            number = f"75{len(self.made) + 1:012d}"
            found = self.made[key] = Ebill(
                order["object_id"], numbers[0], package["id"], courier, number, recipient,
                order["template_url"],
            )  # fmt: skip
        return found

    def _check(self, channel: Any, number: str, recipient: Mapping[str, Any]) -> None:
        """A Taobao order is taken by its OAID and trade number and nothing else; others come in clear."""
        if channel in ("TB", "TM"):
            trade = self._oaids.get(str(recipient.get("oaid")))
            if set(recipient) - {"oaid", "tid"}:
                raise business("isv.recipient-not-closed", "淘系订单的收件人须用 OAID")
            if trade is None or trade.number != number or recipient.get("tid") != number:
                raise business("isv.oaid-not-match", "OAID 与订单不匹配")
            return
        address = recipient.get("address") or {}
        if channel != "OTHERS" or "oaid" in recipient:
            raise business("isv.invalid-parameter:order_channels_type", "订单渠道不正确")
        if not recipient.get("name") or not address.get("province") or not address.get("detail"):
            raise business("isv.invalid-parameter:recipient", "收件人信息不完整")

    def _told(self, one: Ebill) -> dict[str, Any]:
        return {
            "waybill_code": one.number, "cp_code": one.courier, "real_cp_code": one.courier,
            "parent_waybill_code": "", "print_data": self._print_data(one),
        }  # fmt: skip

    def _print_data(self, one: Ebill) -> str:
        about = {
            "waybillCode": one.number, "cpCode": one.courier,
            "packageInfo": {"id": one.package}, "recipient": {"name": "*", "detail": "AES:…"},
            "routingInfo": {"sortation": {"name": "杭州"}, "routeCode": "330-A01-02"},
        }  # fmt: skip
        data = {"encryptedData": "AES:…"} if self.sealed else {"data": about}
        return json.dumps(
            {**data, "signature": "MD:…", "templateURL": one.template, "ver": "1"},
            ensure_ascii=False,
        )

    def _result(self, object_id: str, one: Ebill) -> dict[str, Any]:
        return {
            "object_id": object_id, "success": True,
            "waybill_cloud_print_response": self._told(one),
        }  # fmt: skip

    def _by_number(self, number: str) -> Ebill | None:
        return next((one for one in self.made.values() if one.number == number), None)


def _absent(object_id: str) -> dict[str, Any]:
    return {
        "object_id": object_id, "success": False, "error_code": ABSENT, "error_message": "面单不存在",
    }  # fmt: skip
