"""Tracking numbers told to Douyin: the whole order at once, or a parcel of several."""

from __future__ import annotations

from typing import Any

from tidegate.errors import RemoteRefused
from tidegate.sdk.account import Account
from tidegate.sdk.carrier_codes import CarrierCodes
from tidegate.sdk.shop import Shipment
from tidegate_connectors.douyin.client import DouyinClient
from tidegate_connectors.douyin.orders import DouyinOrders, numbers_of

WHOLE, PART = "order.logisticsAdd", "order.logisticsAddSinglePack"


class DouyinShipping:
    def __init__(self, account: Account, client: DouyinClient, orders: DouyinOrders) -> None:
        self._client, self._orders = client, orders
        self._carriers = CarrierCodes(account)

    def ship(self, shipment: Shipment) -> None:
        """Safe to repeat: where Douyin refuses, it is asked whether it has this very number."""
        asked: dict[str, Any] = {
            "order_id": shipment.order_number,
            "company_code": self._carriers.of(shipment.carrier),
            "logistics_code": shipment.waybill_no,
        }
        parts = [one for one in shipment.items if one.sub_number]
        if parts:
            asked["request_id"] = shipment.client_key
            asked["shipped_order_info"] = [
                {"shipped_order_id": one.sub_number, "shipped_num": one.quantity} for one in parts
            ]
        try:
            self._client.call(PART if parts else WHOLE, asked, idempotent=False)
        except RemoteRefused:
            if shipment.waybill_no not in self.numbers(shipment.order_number):
                raise

    def shipped(self, order_number: str, parcel_number: str) -> str | None:
        """The number that the order has there; None where it has none, or several and can't say whose."""
        found = self.numbers(order_number)
        return next(iter(found)) if len(found) == 1 else None

    def numbers(self, order_number: str) -> set[str]:
        return numbers_of(self._orders.detail(order_number))
