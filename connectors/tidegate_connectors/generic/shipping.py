"""Tracking numbers told to a mall, one call a parcel."""

from __future__ import annotations

from typing import Any

from tidegate.errors import RemoteRefused
from tidegate.sdk.account import Account
from tidegate.sdk.answers import broken
from tidegate.sdk.carrier_codes import CarrierCodes
from tidegate.sdk.shop import Shipment
from tidegate_connectors.generic.client import MallClient, in_path
from tidegate_connectors.generic.orders import utc

SHIP, SHIPMENTS = "shipments.add", "shipments.list"


class MallShipping:
    def __init__(self, account: Account, client: MallClient) -> None:
        self._manifest, self._client = account.manifest, client
        self._carriers = CarrierCodes(account)

    def ship(self, shipment: Shipment) -> None:
        """Safe to repeat: the mall knows the key, and where it refuses it is asked for the number."""
        document: dict[str, Any] = {
            "parcel": shipment.parcel_number,
            "carrier": self._carriers.of(shipment.carrier),
            "waybill_no": shipment.waybill_no,
            "shipped_at": utc(shipment.shipped_at),
        }
        if shipment.items:
            document["items"] = [
                {"line": one.sub_number, "sku": one.sku, "quantity": one.quantity}
                for one in shipment.items
            ]
        number = shipment.order_number
        try:
            self._client.call(
                SHIP, "POST", f"/orders/{in_path(number)}/shipments", document,
                key=shipment.client_key,
            )  # fmt: skip
        except RemoteRefused:
            if self.shipped(number, shipment.parcel_number) != shipment.waybill_no:
                raise

    def shipped(self, order_number: str, parcel_number: str) -> str | None:
        """The number that the mall has for this parcel."""
        found = self._client.get(SHIPMENTS, f"/orders/{in_path(order_number)}/shipments")
        try:
            rows = {str(one["parcel"]): str(one["waybill_no"]) for one in found["shipments"]}
        except (KeyError, TypeError):
            raise broken(self._manifest, SHIPMENTS) from None
        return rows.get(parcel_number)
