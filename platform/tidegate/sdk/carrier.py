"""What a carrier connector can do, and the values that travel.

A connector raises exactly one of three families when a call did not succeed (promises.md §1.5):
RemoteRetry: definitely not sent (or told to come later); RemoteRefused: a definite no;
RemoteUnknown: sent, but nobody knows what happened (time-out, cut connection, 5xx, unreadable answer).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class DuplicateClass(StrEnum):
    """How the other side treats a repeated client key (promises.md D3)."""

    HONOURS_KEY = "A"  # answers the original again
    REFUSES_AND_QUERIES = "B"  # refuses the repeat, can be asked
    NEITHER = "C"  # a person decides after an unknown outcome


@dataclass(frozen=True, slots=True)
class Contact:
    """A sender or recipient in clear; never logged."""

    name: str
    phone: str
    province: str
    city: str
    district: str
    address: str
    postcode: str = ""


@dataclass(frozen=True, slots=True)
class ClosedRecipient:
    """A recipient that the shop's platform keeps to itself: only its token or cipher text travels, never opened.

    `platform` is the channel of the shop order and `order_number` its number there; `cipher` has the texts of name,
    phone and address as they came.
    """

    platform: str
    order_number: str
    token: str = ""
    cipher: Mapping[str, str] = field(default_factory=dict)
    town: str = ""

    def __repr__(self) -> str:
        return f"ClosedRecipient({self.platform} {self.order_number})"


@dataclass(frozen=True, slots=True)
class ParcelItem:
    sku: str
    title: str
    quantity: int


@dataclass(frozen=True, slots=True)
class WaybillRequest:
    """Everything a carrier needs for one waybill; `client_key` is the same in every attempt.

    With a `closed` recipient `recipient` names the region and nobody: name, phone and address are empty.
    """

    client_key: str
    service_code: str
    order_number: str
    parcel_number: str
    sender: Contact
    recipient: Contact
    items: Sequence[ParcelItem]
    weight_g: int
    currency: str = "CNY"
    cod_minor: int = 0
    insured_minor: int = 0
    remark: str = ""
    closed: ClosedRecipient | None = None


@dataclass(frozen=True, slots=True)
class Waybill:
    """What the carrier gave: its number and the sort code printed large on the label (三段码)."""

    waybill_no: str
    sort_code: str


@dataclass(frozen=True, slots=True)
class Issued:
    """A request that was made before, to be voided or printed: some carriers want the number and the product beside
    the key, platforms the number of the shop order.

    `waybill_no` is empty when the outcome of the request was never told.
    """

    client_key: str
    waybill_no: str
    service_code: str
    order_number: str = ""


@dataclass(frozen=True, slots=True)
class CarrierScan:
    """One tracking event. `event_id` is unique at the source, so that a repeat is recognised."""

    event_id: str
    waybill_no: str
    at: datetime
    code: str
    state: str  # unified (domain.tracking)
    place: str
    description: str


@dataclass(frozen=True, slots=True)
class ScanPage:
    """Scans in the order the source learnt of them; `cursor` goes into the next call, `more` says: call at once."""

    scans: Sequence[CarrierScan]
    cursor: str
    more: bool


class Carrier(Protocol):
    """One account at a carrier or aggregator."""

    @property
    def name(self) -> str: ...

    @property
    def duplicates(self) -> DuplicateClass: ...

    def create_waybill(self, request: WaybillRequest) -> Waybill: ...

    def query_waybill(self, client_key: str) -> Waybill | None:
        """The waybill made under this key, or None if there is none."""
        ...

    def cancel_waybill(self, client_key: str) -> None: ...

    def scans_since(self, cursor: str) -> ScanPage: ...
