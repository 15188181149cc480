"""Tracking numbers told to TOP: whole orders and parts of them, and what it was told before."""

from __future__ import annotations

import json
from typing import Any

from tidegate.errors import RemoteRefused, RemoteRetry, RemoteUnknown
from tidegate.sdk.account import Account
from tidegate.sdk.answers import SAID
from tidegate.sdk.carrier_codes import CarrierCodes
from tidegate.sdk.shop import Shipment
from tidegate_connectors.taobao.client import TopClient, rows_of
from tidegate_connectors.taobao.orders import Trades

ASCP = "alibaba.ascp.logistics.offline.send"
TO_SEE = "tid,status,orders"


class Shipping:
    def __init__(self, account: Account, client: TopClient, trades: Trades) -> None:
        self._account, self._client, self._trades = account, client, trades
        self._carriers = CarrierCodes(account)

    def ship(self, shipment: Shipment) -> None:
        """Safe to repeat: where TOP refuses, it is asked whether it has this very number."""
        api = self._account.settings["ship_api"]
        fields = self._asked(api, shipment, self._carriers.of(shipment.carrier))
        try:
            self._client.call(api, fields, idempotent=False)
        except RemoteRefused:
            if shipment.waybill_no not in self.numbers(shipment.order_number):
                raise
        except RemoteRetry as error:
            if error.code.startswith("taobao.isp."):  # its own trouble, maybe after the work
                zh, en = SAID["unknown"]
                raise RemoteUnknown(error.code, zh=f"淘宝{zh}", en=f"Taobao {en}") from None
            raise

    def shipped(self, order_number: str, parcel_number: str) -> str | None:
        """The number that the order has there; None where it has none, or several and can't say whose."""
        found = self.numbers(order_number)
        return next(iter(found)) if len(found) == 1 else None

    def numbers(self, order_number: str) -> set[str]:
        """Every tracking number that TOP has for the order."""
        trade = self._trades.trade(order_number, TO_SEE)
        lines = rows_of(trade, "orders", "order")
        return {str(line["invoice_no"]) for line in lines if line.get("invoice_no")}

    def _asked(self, api: str, shipment: Shipment, company: str) -> dict[str, str]:
        parts = [one for one in shipment.items if one.sub_number]
        fields = {"tid": shipment.order_number}
        if api != ASCP:
            fields |= {"out_sid": shipment.waybill_no, "company_code": company}
            if parts:
                numbers = dict.fromkeys(one.sub_number for one in parts)
                fields |= {"sub_tid": ",".join(numbers), "is_split": "1"}
            return fields
        package: dict[str, Any] = {"out_sid": shipment.waybill_no, "company_code": company}
        if parts:
            package["goods"] = [
                {"sub_tid": one.sub_number, "num": one.quantity, "item_type": 0} for one in parts
            ]
        fields["consign_pkgs"] = json.dumps([package], ensure_ascii=False, separators=(",", ":"))
        if kind := self._account.settings.get("consign_type", ""):
            fields["consign_type"] = kind
        return fields
