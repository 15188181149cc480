"""What a shop connector can do for an order that was shipped: be told its waybill.

It raises the same three families as a carrier (sdk/carrier.py): RemoteRetry, RemoteRefused, RemoteUnknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from tidegate.sdk.carrier import DuplicateClass


@dataclass(frozen=True, slots=True)
class ShippedItem:
    """Units of one line of the order in a parcel; `sub_number` is the line's number at the shop, where it has one."""

    sub_number: str
    sku: str
    quantity: int
    platform_sku: str = ""


@dataclass(frozen=True, slots=True)
class Shipment:
    """One parcel of an order that left; `client_key` is the same in every attempt.

    `items` is what is inside when the order left in several parcels; empty: all of the order.
    """

    client_key: str
    order_number: str
    parcel_number: str
    carrier: str
    waybill_no: str
    shipped_at: datetime
    items: tuple[ShippedItem, ...] = ()


@runtime_checkable
class ShipsOrders(Protocol):
    """One account at a shop that takes tracking numbers."""

    @property
    def name(self) -> str: ...

    @property
    def duplicates(self) -> DuplicateClass: ...

    def ship(self, shipment: Shipment) -> None:
        """Tell the shop the number; safe to repeat where `duplicates` says so."""
        ...

    def shipped(self, order_number: str, parcel_number: str) -> str | None:
        """The waybill number that the shop has for the parcel, or None. Class C is never asked."""
        ...
