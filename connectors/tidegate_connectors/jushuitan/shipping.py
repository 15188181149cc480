"""Tracking numbers told to the ERP, by inner order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidegate.errors import RemoteRefused
from tidegate.sdk.account import Account
from tidegate.sdk.carrier_codes import CarrierCodes
from tidegate.sdk.shop import Shipment
from tidegate_connectors.jushuitan.client import JstClient
from tidegate_connectors.jushuitan.orders import JstOrders

SENT = "/open/order/sent/upload"


class JstShipping:
    def __init__(self, account: Account, client: JstClient, orders: JstOrders) -> None:
        self._client, self._orders = client, orders
        self._carriers = CarrierCodes(account)

    def ship(self, shipment: Shipment) -> None:
        """Safe to repeat: an order that has this very number is done."""
        if shipment.items:
            raise _in_parts()
        order = self._order(shipment.order_number)
        if order.get("l_id") == shipment.waybill_no and order.get("status") == "Sent":
            return
        if order.get("status") == "Sent":
            raise _sent_before()
        code, _, name = self._carriers.of(shipment.carrier).partition("/")
        item = {
            "o_id": order.get("o_id"), "shop_id": order.get("shop_id"), "so_id": order.get("so_id"),
            "lc_id": code, "lc_name": name or code, "l_id": shipment.waybill_no,
        }  # fmt: skip
        found = self._client.call(SENT, {"items": [item]}, idempotent=False)
        rows = found.get("datas")
        for row in rows if isinstance(rows, list) else ():
            refused = isinstance(row, Mapping) and row.get("issuccess") is False
            if refused and self.shipped(shipment.order_number, "") != shipment.waybill_no:
                raise _refused()

    def shipped(self, order_number: str, parcel_number: str) -> str | None:
        """The number that the inner order has once it is sent."""
        order = self._order(order_number)
        number = order.get("l_id")
        return str(number) if number and order.get("status") == "Sent" else None

    def _order(self, number: str) -> Mapping[str, Any]:
        for row in self._orders.rows(number):
            if isinstance(row, Mapping) and str(row.get("o_id")) == number:
                return row
        raise RemoteRefused(
            "jushuitan.no_order",
            zh=f"聚水潭里没有内部单号 {number}; 它可能已被合并或拆分, 请在聚水潭核对。",
            en=f"Jushuitan has no order {number}; it may have been merged or split, look it up there.",
            number=number,
        )


def _in_parts() -> RemoteRefused:
    return RemoteRefused(
        "jushuitan.in_parts",
        zh="聚水潭按内部单发货, 一单一个运单号; 请先在聚水潭拆单, 再分别发货。",
        en="Jushuitan ships whole orders with one number each; split the order there first, then ship its parts.",
    )


def _sent_before() -> RemoteRefused:
    return RemoteRefused(
        "jushuitan.sent_before",
        zh="聚水潭里这笔订单已发货, 运单号不同; 请在聚水潭核对。",
        en="The order was sent there before, with another number; look it up in Jushuitan.",
    )


def _refused() -> RemoteRefused:
    return RemoteRefused(
        "jushuitan.row_refused",
        zh="聚水潭没有接受发货; 请在聚水潭查看该订单的状态。",
        en="Jushuitan did not accept the shipment; look at the order's state there.",
    )
