"""The orders of the shop as Douyin shows them: money in fen, times in Unix seconds, people as cipher text and masks."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from tidegate.sdk.stage.protocol import SampleOrder
from tidegate_platforms.douyin.envelope import Refusal

STATUS = {
    "unpaid": 1, "paid_hold": 105, "to_ship": 2, "part_shipped": 101, "shipped": 3,
    "cancelled": 4, "refunded": 4, "completed": 5, "delivered": 3,
}  # fmt: skip


@dataclass(slots=True)
class Held:
    sample: SampleOrder
    status: int | str
    updated_s: int
    parcels: list[dict[str, Any]] = field(default_factory=list)


class Book:
    """Orders by number, in the order of their last change."""

    def __init__(self) -> None:
        self.held: dict[str, Held] = {}

    def place(self, order: SampleOrder) -> None:
        status: int | str = order.raw_state or STATUS[order.state]
        before = self.held.get(order.number)
        changed = int(order.modified_at.timestamp())
        self.held[order.number] = Held(order, status, changed, before.parcels if before else [])

    def changed_between(self, start_s: int, end_s: int) -> list[Held]:
        found = [one for one in self.held.values() if start_s <= one.updated_s < end_s]
        return sorted(found, key=lambda one: (one.updated_s, one.sample.number))

    def one(self, number: str) -> Held:
        if number not in self.held:
            raise Refusal(50002, "isv.business-failed:order-not-found", "订单不存在")
        return self.held[number]

    def ship(self, number: str, company: str, tracking_no: str, now: datetime) -> None:
        held = self.one(number)
        if held.status not in (2, 101):
            raise Refusal(50002, "isv.business-failed:already-shipped", "订单已发货, 不能重复发货")
        self._pack(held, company, tracking_no, now)
        held.status = 3

    def ship_part(
        self, number: str, company: str, tracking_no: str, lines: list[Any], now: datetime
    ) -> None:
        held = self.one(number)
        wanted = {str(row["shipped_order_id"]) for row in lines}
        known = {line_number(number, place) for place, _ in enumerate(held.sample.lines)}
        gone = {one for parcel in held.parcels for one in parcel["lines"]}
        if not wanted or not wanted <= known:
            raise Refusal(40004, "isv.parameter-invalid:shipped_order_id", "子订单号错误")
        if wanted & gone or held.status not in (2, 101):
            raise Refusal(50002, "isv.business-failed:already-shipped", "子订单已发货")
        self._pack(held, company, tracking_no, now, sorted(wanted))
        held.status = 3 if wanted | gone == known else 101

    def _pack(
        self, held: Held, company: str, tracking_no: str, now: datetime, lines: Any = ()
    ) -> None:
        held.updated_s = int(now.timestamp())
        held.parcels.append(
            {
                "tracking_no": tracking_no, "company": company, "ship_time": held.updated_s,
                "lines": list(lines),
            }
        )  # fmt: skip

    def document(self, held: Held) -> dict[str, Any]:
        order = held.sample
        paid_s = 0 if held.status in (1, 4) else int(order.created_at.timestamp()) + 30
        return {
            "order_id": order.number, "order_status": held.status,
            "create_time": int(order.created_at.timestamp()), "pay_time": paid_s,
            "update_time": held.updated_s, "order_amount": fen(order.total),
            "pay_amount": fen(order.total), "post_amount": 0, "promotion_amount": 0,
            "buyer_words": order.buyer_note, "seller_words": order.seller_note,
            "seller_remark_stars": 0, **_person(order),
            "sku_order_list": [
                {
                    "order_id": line_number(order.number, place), "product_name": line.title,
                    "code": line.sku, "sku_id": 1_700_000_000_000_000_000 + place,
                    "item_num": line.quantity, "origin_amount": fen(line.price),
                    "pay_amount": fen(line.price * line.quantity),
                    "spec": [{"name": "规格", "value": "默认"}],
                }
                for place, line in enumerate(order.lines)
            ],
            "logistics_info": [
                {name: value for name, value in parcel.items() if name != "lines"}
                for parcel in held.parcels
            ],
        }  # fmt: skip


def line_number(number: str, place: int) -> str:
    return f"{number}{place}"


def fen(amount: Decimal) -> int:
    return int(amount * 100)


def cipher(kind: str, text: str) -> str:
    """What stands for a text in an order; it says nothing by itself."""
    turned = bytes(byte ^ 0x5A for byte in text.encode())
    return f"#{kind}#{base64.b64encode(turned).decode()}#"


def opened(text: str) -> tuple[int, str]:
    """(data type, text) of a cipher text. Raises ValueError."""
    _, kind, turned, _ = text.split("#")
    plain = bytes(byte ^ 0x5A for byte in base64.b64decode(turned)).decode()
    return {"addr": 1, "name": 2, "phone": 3}[kind], plain


def _person(order: SampleOrder) -> Mapping[str, Any]:
    return {
        "encrypt_post_receiver": cipher("name", order.name),
        "encrypt_post_tel": cipher("phone", order.phone),
        "mask_post_receiver": f"{order.name[:1]}*",
        "mask_post_tel": f"{order.phone[:3]}****{order.phone[-4:]}",
        "post_addr": {
            "province": {"id": "1", "name": order.province},
            "city": {"id": "2", "name": order.city},
            "town": {"id": "3", "name": order.district},
            "street": {"id": "4", "name": ""},
            "encrypt_detail": cipher("addr", order.address),
        },
        "mask_post_addr": {"detail": "****"},
    }
