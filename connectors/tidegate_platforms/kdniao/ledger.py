"""Order codes and what became of them: a code is used once for ever, also after its waybill was voided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tidegate_platforms.kdniao.envelope import Refusal, need

MOST_CODE, MOST_NAME, MOST_ADDRESS = 30, 30, 100
REJECTED = set("'\"#&+`%\\")
PEOPLE = tuple(
    f"{who}.{what}"
    for who in ("Sender", "Receiver")
    for what in ("Name", "ProvinceName", "CityName", "ExpAreaName", "Address")
)


@dataclass(slots=True)
class Order:
    code: str
    shipper: str
    number: str
    mark: str
    live: bool = True
    collected: bool = False
    document: Mapping[str, Any] = field(default_factory=dict, repr=False)


class Ledger:
    """`numbers_left` None: as many as are asked for."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.numbers_left: int | None = None

    def create(self, document: Mapping[str, Any]) -> tuple[Order, bool]:
        """The order, and whether it was there before.

        Raises:
            Refusal: the body is not what 1007 wants.
        """
        _check(document)
        code = str(document["OrderCode"])
        if code in self.orders:
            return self.orders[code], True
        if self.numbers_left == 0:
            raise Refusal("105", "单号余额不足")
        if self.numbers_left is not None:
            self.numbers_left -= 1
        shipper = str(document["ShipperCode"])
        count = len(self.orders) + 1
        number = f"SF{count:013}" if shipper == "SF" else f"78{count:012}"
        mark = f"{len(document['Receiver']['CityName']):03}-{count % 100:02} {count % 7:02}"
        self.orders[code] = Order(code, shipper, number, mark, document=dict(document))
        return self.orders[code], False

    def cancel(self, document: Mapping[str, Any]) -> Order:
        """Raises Refusal."""
        need(document, "ShipperCode", "OrderCode")
        order = self.orders.get(str(document["OrderCode"]))
        if order is None or order.shipper != document["ShipperCode"]:
            raise Refusal("105", "订单号不存在")
        if document.get("ExpNo") not in (None, "", order.number):
            raise Refusal("102", "运单号与订单号不一致")
        if not order.live:
            raise Refusal("105", "该订单已取消")
        if order.collected:
            raise Refusal("105", "快件已揽收,无法取消")
        order.live = False
        return order

    def by_number(self, number: str) -> Order | None:
        return next((one for one in self.orders.values() if one.number == number), None)


def _check(document: Mapping[str, Any]) -> None:
    need(
        document, "OrderCode", "ShipperCode", "PayType", "ExpType", "Quantity", "Commodity", *PEOPLE,
        "Sender.Mobile|Sender.Tel", "Receiver.Mobile|Receiver.Tel",
    )  # fmt: skip
    if len(str(document["OrderCode"])) > MOST_CODE:
        raise Refusal("103", "OrderCode长度超过30")
    for who in ("Sender", "Receiver"):
        if len(document[who]["Name"]) > MOST_NAME or len(document[who]["Address"]) > MOST_ADDRESS:
            raise Refusal("103", f"{who}长度超限")
    for text in _texts(document):
        if REJECTED & set(text) or any(0x1F000 <= ord(sign) <= 0x1FAFF for sign in text):
            raise Refusal("102", "参数含有特殊字符")


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [text for one in value.values() for text in _texts(one)]
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    return [value] if isinstance(value, str) else []
