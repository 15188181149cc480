"""Douyin's e-waybills: made from cipher text of orders that the shop has, voided by number, printed sealed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tidegate_platforms.douyin.envelope import Refusal
from tidegate_platforms.douyin.orders import Book, cipher

COURIERS = {"shunfeng", "zhongtong", "yuantong", "shentong", "yunda", "ems", "jtexpress", "jd"}
PACK_SIGNS = set("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
MOST_PACK, MOST_ORDERS = 15, 50


@dataclass(slots=True)
class Ebill:
    order_id: str
    pack_id: str
    courier: str
    number: str
    live: bool = True
    collected: bool = False


class Ebills:
    """By order and package. `balance` 0: the courier's branch has no numbers left."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self.made: dict[tuple[str, str], Ebill] = {}
        self.balance = 1_000

    def create(self, params: Mapping[str, Any]) -> dict[str, Any]:
        courier, orders = str(params.get("logistics_code") or ""), params.get("order_infos") or []
        if courier not in COURIERS:
            raise Refusal(40004, "isv.parameter-invalid:10711", "电子面单订购关系不存在")
        sender = params.get("sender_info") or {}
        if not (sender.get("contact") or {}).get("name"):
            raise Refusal(40004, "isv.parameter-invalid:4006", "寄件人姓名不能为空")
        if not 1 <= len(orders) <= MOST_ORDERS:
            raise Refusal(40004, "isv.parameter-invalid:1000", "拼接参数异常")
        made: list[dict[str, Any]] = []
        wrong: list[dict[str, Any]] = []
        for order in orders:
            order_id, pack_id = str(order.get("order_id")), str(order.get("pack_id") or "")
            told = {"order_id": order_id, "pack_id": pack_id}
            error = self._wrong(order, order_id, pack_id)
            if error is not None:
                wrong.append({**told, "err_code": error[0], "err_msg": error[1]})
                continue
            ebill = self._issued(order_id, pack_id, courier)
            made.append(
                {**told, "track_no": ebill.number, "company": courier, "sort_code": "330-A01 02",
                 "short_address_name": "杭州", "sub_waybill_codes": ""}
            )  # fmt: skip
        return {"ebill_infos": made, "err_infos": wrong}

    def cancel(self, params: Mapping[str, Any]) -> dict[str, Any]:
        ebill = self._by_number(str(params.get("track_no") or ""))
        if ebill is None or ebill.courier != params.get("logistics_code"):
            raise Refusal(40004, "isv.parameter-invalid:10014", "电子面单号不存在")
        if ebill.collected:
            raise Refusal(50002, "isv.business-failed:10802", "该运单已取件，不允许取消")
        if not ebill.live:
            raise Refusal(50002, "isv.business-failed:10801", "该运单已取消成功,请勿重复操作")
        ebill.live = False
        return {"cancel_result": {"success": True}}

    def print_data(self, params: Mapping[str, Any]) -> dict[str, Any]:
        infos: list[dict[str, Any]] = []
        wrong: list[dict[str, Any]] = []
        for one in params.get("waybill_applies") or []:
            number = str(one.get("track_no") or "")
            ebill = self._by_number(number)
            if ebill is None or not ebill.live:
                wrong.append({"track_no": number, "err_code": 10014, "err_msg": "电子面单号不存在"})
                continue
            sealed = cipher("name", json.dumps({"track_no": number, "order_id": ebill.order_id}))
            infos.append(
                {"track_no": number, "order_id": ebill.order_id, "print_data": sealed,
                 "sign": f"sign-{number}"}
            )  # fmt: skip
        return {"waybill_infos": infos, "err_infos": wrong}

    def _wrong(self, order: Mapping[str, Any], number: str, pack: str) -> tuple[str, str] | None:
        """Only the very cipher text that the order was shown with is taken; a clear name never is."""
        if number not in self._book.held:
            return "15002", "订单信息不存在"
        if len(pack) > MOST_PACK or not set(pack) <= PACK_SIGNS:
            return "1000", "包裹id不合法"
        if not order.get("items"):
            return "1000", "商品明细不能为空"
        shown = self._book.document(self._book.held[number])
        receiver = order.get("receiver_info") or {}
        contact, address = receiver.get("contact") or {}, receiver.get("address") or {}
        given = (contact.get("name"), contact.get("mobile"), address.get("detail_address"))
        wanted = (
            shown["encrypt_post_receiver"], shown["encrypt_post_tel"],
            shown["post_addr"]["encrypt_detail"],
        )  # fmt: skip
        if given != wanted or not address.get("province_name") or not address.get("city_name"):
            return "4005", "收件人信息须为该订单的密文"
        known = self.made.get((number, pack))
        if known is not None and not known.live:
            return "10903", "单号已回收，不允许变更"
        if known is None and self.balance < 1:
            return "10712", "单号余额不足"
        return None

    def _issued(self, order_id: str, pack_id: str, courier: str) -> Ebill:
        found = self.made.get((order_id, pack_id))
        if found is None:
            number = f"DY{len(self.made) + 1:012d}"
            found = self.made[order_id, pack_id] = Ebill(order_id, pack_id, courier, number)
            self.balance -= 1
        return found

    def _by_number(self, number: str) -> Ebill | None:
        return next((one for one in self.made.values() if one.number == number), None)
