"""Values that travel between the platform and a connector. Instants are aware UTC, money in minor units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tidegate.domain.orders import OrderDraft
from tidegate.sdk.carrier import Contact, ParcelItem
from tidegate.sdk.source import RowProblem


@dataclass(frozen=True, slots=True)
class Window:
    """Half open: start <= changed < end."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class OrderPage:
    """One page: `read` = len(drafts) + len(rejected). `cursor` goes into the next call; None: the last page."""

    drafts: Sequence[OrderDraft]
    read: int
    rejected: Sequence[RowProblem] = ()
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class OrderMessage:
    """A message that an order changed; `order_number` is empty where it is about something else."""

    id: str
    order_number: str
    topic: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StockLevel:
    """Units that may be sold. `warehouse` is the platform's code, empty where it knows none."""

    sku: str
    available: int
    warehouse: str = ""
    platform_sku: str = ""


@dataclass(frozen=True, slots=True)
class StockPage:
    levels: Sequence[StockLevel]
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of one level; `code` empty: taken over."""

    code: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """`kind`: pdf, png, html, or print_data (for the platform's own print component). Personal data."""

    kind: str
    content: bytes
    template: str = ""

    def __repr__(self) -> str:
        return f"Label({self.kind})"


@dataclass(frozen=True, slots=True)
class Tracked:
    """A parcel to follow. `phone_tail`: the last four digits some carriers ask for."""

    waybill_no: str
    carrier: str
    order_number: str = ""
    phone_tail: str = ""

    def __repr__(self) -> str:
        return f"Tracked({self.carrier} {self.waybill_no})"


@dataclass(frozen=True, slots=True)
class QuoteRequest:
    sender: Contact
    recipient: Contact
    weight_g: int
    items: Sequence[ParcelItem] = ()


@dataclass(frozen=True, slots=True)
class Quote:
    """`hours`: how long it takes, where that is told."""

    service_code: str
    minor: int
    currency: str
    hours: int | None = None


@dataclass(frozen=True, slots=True)
class RecipientToken:
    """What an order brought in place of its recipient: a token (OAID), or cipher text per field."""

    order_number: str
    token: str = ""
    cipher: Mapping[str, str] = field(default_factory=dict)  # name, phone, address -> cipher text


@dataclass(frozen=True, slots=True)
class Recipient:
    """In clear; never logged. `phone` may be a virtual number with `valid_until`."""

    name: str
    phone: str
    address: str
    province: str = ""
    city: str = ""
    district: str = ""
    valid_until: datetime | None = None

    def __repr__(self) -> str:
        return "Recipient(…)"


@dataclass(frozen=True, slots=True)
class Notice:
    """To operators. `key` is the same in every attempt; `text` is plain, `lines` become a list."""

    key: str
    title: str
    lines: Sequence[str]
    link: str = ""
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Tokens:
    """`expires_at` None: does not expire. `refresh` is often good for one use only. `authorised_until`: when the shop's
    owner has to agree again, where that is known; None too where the next tokens are had without the owner.
    """

    access: str
    refresh: str = ""
    expires_at: datetime | None = None
    authorised_until: datetime | None = None

    def __repr__(self) -> str:
        return "Tokens(…)"
