"""Orders: an orderId is taken once for ever; a voided order is known as such."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tidegate_platforms.sf.envelope import Refusal

MOST_ORDER_ID = 64
NEEDED = ("contact", "province", "city", "address")


@dataclass(slots=True)
class Order:
    order_id: str
    number: str
    route: str
    filter_result: int = 2
    live: bool = True
    collected: bool = False
    document: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def answer(self) -> dict[str, Any]:
        """What an order answers when it is made and when it is asked for."""
        numbers = [{"waybillType": 1, "waybillNo": self.number}] if self.filter_result == 2 else []
        label = {"code": "1000", "routeLabelData": {"destRouteLabel": self.route}}
        return {
            "orderId": self.order_id, "filterResult": self.filter_result,
            "waybillNoInfoList": numbers, "routeLabelInfo": [label] if numbers else [],
        }  # fmt: skip


class Ledger:
    """`by_hand` are cities that a person looks at first, `not_served` those SF does not go to."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.by_hand: set[str] = set()
        self.not_served: set[str] = set()

    def create(self, document: Mapping[str, Any]) -> Order:
        """Raises Refusal."""
        order_id = str(document.get("orderId") or "")
        parties = {one.get("contactType"): one for one in document.get("contactInfoList") or []}
        if not order_id or len(order_id) > MOST_ORDER_ID or not {1, 2} <= parties.keys():
            raise Refusal("20011", "订单号或联系人不正确")
        for party in parties.values():
            if not all(party.get(name) for name in NEEDED):
                raise Refusal("20012", "联系人信息不完整")
            if not (party.get("mobile") or party.get("tel")):
                raise Refusal("20012", "联系电话不能为空")
        if not document.get("cargoDetails") or not document.get("expressTypeId"):
            raise Refusal("20013", "托寄物或产品不能为空")
        if order_id in self.orders:
            raise Refusal("8016", "重复下单")
        city, count = str(parties[2]["city"]), len(self.orders) + 1
        filtered = 1 if city in self.by_hand else 3 if city in self.not_served else 2
        order = Order(
            order_id, f"SF{count:013}", f"{len(city)}71W-{count % 100:02}", filtered,
            live=filtered != 3, document=dict(document),
        )  # fmt: skip
        self.orders[order_id] = order
        return order

    def find(self, order_id: str) -> Order:
        """Raises Refusal."""
        order = self.orders.get(order_id)
        if order is None:
            raise Refusal("8018", "未下单")
        if not order.live and order.filter_result == 2:
            raise Refusal("8037", "订单已取消")
        return order

    def cancel(self, order_id: str) -> Order:
        """Raises Refusal."""
        order = self.find(order_id)
        if order.collected:
            raise Refusal("8019", "已收件,不能取消")
        order.live = False
        return order

    def by_number(self, number: str) -> Order | None:
        return next((one for one in self.orders.values() if one.number == number), None)
