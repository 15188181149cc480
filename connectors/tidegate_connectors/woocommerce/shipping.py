"""Tracking numbers told to WooCommerce. Its core has no field for them: they go where the tracking extensions look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from tidegate.sdk.account import Account
from tidegate.sdk.answers import error_of
from tidegate.sdk.carrier_codes import CarrierCodes
from tidegate.sdk.shop import Shipment
from tidegate_connectors.woocommerce.client import WooClient
from tidegate_connectors.woocommerce.orders import WooOrders

SHIP = "orders.ship"
PARCEL, UNITS = "tidegate_parcel", "tidegate_units"
NOT_OPEN = ("cancelled", "refunded", "failed", "trash")


class WooShipping:
    def __init__(self, account: Account, client: WooClient, orders: WooOrders) -> None:
        self._manifest, self._client, self._orders = account.manifest, client, orders
        self._carriers = CarrierCodes(account)
        self._meta, self._after = (
            account.settings["tracking_meta"],
            account.settings["shipped_status"],
        )

    def ship(self, shipment: Shipment) -> None:
        """Safe to repeat: a parcel that the order has is replaced by itself, others stay."""
        company = self._carriers.of(shipment.carrier)
        order = self._orders.order(shipment.order_number)
        if order.get("status") in NOT_OPEN:
            raise error_of(self._manifest, "not_open")
        known = self._parcels(order)
        mine = next((one for one in known if _is(one, shipment)), None)
        if mine is not None and mine.get("tracking_number") != shipment.waybill_no:
            raise error_of(self._manifest, "other_number")
        entry = self._entry(shipment, company)
        parcels = [one for one in known if not _is(one, shipment)] + [entry]
        document: dict[str, Any] = {"meta_data": [{"key": self._meta, "value": parcels}]}
        if self._after and _is_whole(order, parcels):
            document["status"] = self._after
        number = quote(shipment.order_number, safe="")
        self._client.put(SHIP, f"/orders/{number}", document)

    def shipped(self, order_number: str, parcel_number: str) -> str | None:
        """The number that the order has for this parcel."""
        parcels = self._parcels(self._orders.order(order_number))
        found = next((one for one in parcels if one.get(PARCEL) == parcel_number), None)
        return str(found["tracking_number"]) if found else None

    def _parcels(self, order: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        for meta in order.get("meta_data") or ():
            if isinstance(meta, Mapping) and meta.get("key") == self._meta:
                value = meta.get("value")
                rows = value if isinstance(value, list) else []
                return [one for one in rows if isinstance(one, Mapping)]
        return []

    def _entry(self, shipment: Shipment, company: str) -> dict[str, Any]:
        return {
            "tracking_provider": "",
            "custom_tracking_provider": company,
            "custom_tracking_link": "",
            "tracking_number": shipment.waybill_no,
            "date_shipped": str(int(shipment.shipped_at.timestamp())),
            "tracking_id": shipment.client_key,
            PARCEL: shipment.parcel_number,
            UNITS: sum(one.quantity for one in shipment.items),
        }


def _is(entry: Mapping[str, Any], shipment: Shipment) -> bool:
    return entry.get(PARCEL) == shipment.parcel_number


def _is_whole(order: Mapping[str, Any], parcels: list[Mapping[str, Any]]) -> bool:
    """Whether nothing is left to be shipped; a parcel that names no units is all of the order."""
    told = [int(one[UNITS]) for one in parcels if UNITS in one]
    if not all(told):
        return True
    return sum(told) >= sum(
        int(line.get("quantity") or 0) for line in order.get("line_items") or ()
    )
