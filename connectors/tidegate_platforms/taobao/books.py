"""Trades as TOP keeps them, and what was told of their shipping. Times are Beijing time without an offset."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tidegate.sdk.stage.protocol import SampleOrder, ToldShipment
from tidegate_platforms.taobao.gate import BEIJING
from tidegate_platforms.taobao.refusals import business

STATES = {
    "unpaid": "WAIT_BUYER_PAY",
    "paid_hold": "PAID_FORBID_CONSIGN",
    "to_ship": "WAIT_SELLER_SEND_GOODS",
    "part_shipped": "SELLER_CONSIGNED_PART",
    "shipped": "WAIT_BUYER_CONFIRM_GOODS",
    "delivered": "TRADE_BUYER_SIGNED",
    "completed": "TRADE_FINISHED",
    "cancelled": "TRADE_CLOSED_BY_TAOBAO",
    "refunded": "TRADE_CLOSED",
}
OPEN = ("WAIT_SELLER_SEND_GOODS", "SELLER_CONSIGNED_PART")
COMPANIES = {"SF", "ZTO", "YTO", "STO", "YUNDA", "EMS", "POST", "HTKY", "DBKD", "ZJS"}


def written(at: datetime) -> str:
    return at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def document(order: SampleOrder) -> dict[str, Any]:
    """The trade with everything TOP knows; what a call asks for is cut out of it."""
    tid = order.number
    lines = [
        {
            "oid": int(f"{tid}{n}") if tid.isdigit() else f"{tid}{n}",
            "oid_str": f"{tid}{n}",
            "outer_sku_id": line.sku,
            "sku_id": f"4600{n}",
            "num_iid": 520000000001 + n,
            "title": line.title,
            "sku_properties_name": "颜色分类:哑光黑",
            "num": line.quantity,
            "price": f"{line.price:.2f}",
            "payment": f"{line.price * line.quantity:.2f}",
            "refund_status": "NO_REFUND",
            "invoice_no": "",
        }
        for n, line in enumerate(order.lines, 1)
    ]
    status = order.raw_state or STATES[order.state]
    paid = status not in ("WAIT_BUYER_PAY", "TRADE_CLOSED_BY_TAOBAO")
    return {
        "tid": int(tid) if tid.isdigit() else tid,
        "tid_str": tid,
        "status": status,
        "type": "fixed",
        "created": written(order.created_at),
        "modified": written(order.modified_at),
        **({"pay_time": written(order.created_at)} if paid else {}),
        "payment": f"{order.total:.2f}",
        "total_fee": f"{sum(line.price * line.quantity for line in order.lines):.2f}",
        "post_fee": "0.00",
        "discount_fee": "0.00",
        "buyer_nick": f"t**{tid[-2:]}",
        "buyer_open_uid": f"AAH{tid}",
        "buyer_message": order.buyer_note,
        "seller_memo": order.seller_note,
        "seller_flag": 1 if order.seller_note else 0,
        "receiver_name": f"{order.name[:1]}**",
        "receiver_mobile": f"{order.phone[:3]}****{order.phone[-4:]}",
        "receiver_state": order.province,
        "receiver_city": order.city,
        "receiver_district": order.district,
        "receiver_town": "",
        "receiver_address": "文三路***号",
        "receiver_zip": "000000",
        "oaid": f"oaid-{tid}",
        "orders": {"order": lines},
    }


def cut(trade: Mapping[str, Any], fields: str) -> dict[str, Any]:
    """Only what was asked for; an OAID is made for those who ask for the whole recipient."""
    asked = {one.strip() for one in fields.split(",")}
    found = {name: value for name, value in trade.items() if name in asked}
    if "tid" in asked:
        found["tid_str"] = trade["tid_str"]
    whole = {"receiver_name", "receiver_address", "created", "receiver_mobile", "receiver_phone"}
    if whole <= asked:
        found["oaid"] = trade["oaid"]
    else:
        found.pop("oaid", None)
    return found


def packages_of(fields: Mapping[str, str]) -> list[dict[str, Any]]:
    """The parcels of a shipping call in either form: number, company, and sub orders (none: all)."""
    if "consign_pkgs" not in fields:
        subs = fields.get("sub_tid", "")
        return [
            {
                "out_sid": fields.get("out_sid", ""),
                "company_code": fields.get("company_code", ""),
                "subs": subs.split(",") if subs else [],
            }
        ]
    return [
        {
            "out_sid": one.get("out_sid", ""),
            "company_code": one.get("company_code", ""),
            "subs": [goods["sub_tid"] for goods in one.get("goods", [])],
        }
        for one in json.loads(fields["consign_pkgs"])
    ]


def consign(
    trade: dict[str, Any] | None, packages: Sequence[Mapping[str, Any]], now: datetime
) -> list[ToldShipment]:
    """Ship a trade or parts of it; all packages or none.

    Raises:
        Refusal: no such trade, shipped before, or a company that nobody knows.
    """
    if trade is None:
        raise business("isv.logistics-offline-service-error:B01", "订单不存在")
    lines = {line["oid_str"]: line for line in trade["orders"]["order"]}
    for package in packages:
        if package["company_code"] not in COMPANIES:
            raise business("isv.invalid-parameter:company_code:P10", "物流公司编号不存在")
        chosen = [lines[sub] for sub in package["subs"]] or list(lines.values())
        if trade["status"] not in OPEN or any(line["invoice_no"] for line in chosen):
            raise business("isv.logistics-offline-service-error:B04", "订单已经发货或者已关闭")
    done = []
    for package in packages:
        for line in [lines[sub] for sub in package["subs"]] or list(lines.values()):
            line["invoice_no"] = package["out_sid"]
        told = ToldShipment(trade["tid_str"], package["company_code"], package["out_sid"])
        done.append(told)
    whole = all(line["invoice_no"] for line in lines.values())
    trade["status"] = "WAIT_BUYER_CONFIRM_GOODS" if whole else "SELLER_CONSIGNED_PART"
    trade["modified"] = written(now)
    return done
