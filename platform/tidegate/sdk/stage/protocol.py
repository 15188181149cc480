"""What a protocol server offers, so that one suite can try any connector against it.

A protocol server plays a platform: it speaks its protocol over HTTP, checks signatures by means of its own (it imports
nothing of the SDK but `tidegate.sdk.stage`), pages, limits, lets tokens expire and goes wrong on demand. It is found
by an entry point of the group `tidegate.protocol_servers` that has the connector's name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, runtime_checkable

GROUP = "tidegate.protocol_servers"


class Fault(StrEnum):
    """What goes wrong with the next calls. The first four are said in the platform's own way."""

    THROTTLED = "throttled"  # too many calls, come later
    EXPIRED = "expired"  # the token or key is no longer good
    REFUSED = "refused"  # a definite no of business
    BUSY = "busy"  # the platform's own "system busy", inside a good answer
    DOWN = "down"  # HTTP 500 before anything was done
    GARBAGE = "garbage"  # the work is done, the answer is unreadable
    SLOW = "slow"  # the answer comes after `seconds`
    CUT = "cut"  # the work is done, the connection is cut before the answer


@dataclass(frozen=True, slots=True)
class SampleLine:
    sku: str
    title: str
    quantity: int
    price: Decimal  # of one, in major units


@dataclass(frozen=True, slots=True)
class SampleOrder:
    """An order as the suite wants it at the platform. Instants are aware UTC; `state` is a word of our vocabulary
    (to_ship, shipped, cancelled …); `raw_state` is said in its place, as it is, where it is given.
    """

    number: str
    created_at: datetime
    modified_at: datetime
    lines: Sequence[SampleLine]
    total: Decimal
    state: str = "to_ship"
    raw_state: str = ""
    currency: str = "CNY"
    name: str = "张三"
    phone: str = "13800138000"
    province: str = "浙江省"
    city: str = "杭州市"
    district: str = "西湖区"
    address: str = "文三路 1 号"
    buyer_note: str = ""
    seller_note: str = ""


@dataclass(frozen=True, slots=True)
class ToldShipment:
    """A waybill number that the shop was told."""

    order_number: str
    carrier: str  # the platform's code
    waybill_no: str


@dataclass(frozen=True, slots=True)
class MadeWaybill:
    client_key: str
    waybill_no: str
    live: bool


@dataclass(frozen=True, slots=True)
class SignedPush:
    """A call that the platform makes to us, ready to send."""

    headers: Mapping[str, str]
    body: bytes
    query: str = ""


@dataclass(slots=True)
class Call:
    """One request that reached the server. `outcome`: done, refused, a fault's word, or bad_signature."""

    api: str
    at_s: float  # time.monotonic
    outcome: str = "done"
    detail: str = field(default="", repr=False)


class ProtocolServer(Protocol):
    """`settings` are those of an account that works, with the server's address and the secrets."""

    @property
    def settings(self) -> Mapping[str, str]: ...

    @property
    def calls(self) -> Sequence[Call]: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def fail(
        self, fault: Fault, *, times: int = 1, api: str = "*", seconds: float = 1.0, skip: int = 0
    ) -> None:
        """The next `times` calls of `api`, after `skip` good ones, go wrong."""
        ...

    def healed(self) -> None:
        """No fault is left."""
        ...

    def skew(self, seconds: float) -> None:
        """The server's clock runs ahead by so much: signatures and Date headers go by it."""
        ...


@runtime_checkable
class HasOrders(Protocol):
    """`place` adds the order or changes the one with its number."""

    def place(self, order: SampleOrder) -> None: ...


@runtime_checkable
class HasLimits(Protocol):
    """api -> (calls, seconds), `*` for all together; what is over them is answered as THROTTLED. May be set."""

    limits: Mapping[str, tuple[int, float]]


@runtime_checkable
class OffersSamples(Protocol):
    """Words that this platform takes where the suite can't know them: `service_code` of a waybill, `carrier` of a
    shipment (both ours), `secret`: a setting whose wrong value must be noticed, and `answers: status` where nobody
    reads what it answers.
    """

    @property
    def samples(self) -> Mapping[str, str]: ...


@runtime_checkable
class HasTokens(Protocol):
    """Access tokens given out so far stop being good; a refresh gets new ones."""

    def expire_tokens(self) -> None: ...


@runtime_checkable
class AsksOwners(Protocol):
    """The page where a shop's owner agrees. `callback` is the address registered for our app; `unauthorised` gives the
    settings of an account that waits for it, laid over `settings`. `consent` plays the owner at an address that we sent
    them to and gives the one they come back to; it checks by means of its own that the address is ours.
    """

    callback: str

    def unauthorised(self) -> Mapping[str, str]: ...

    def consent(self, address: str, *, agrees: bool = True) -> str: ...


@runtime_checkable
class HasShipments(Protocol):
    def shipped(self) -> Sequence[ToldShipment]: ...


@runtime_checkable
class HasStock(Protocol):
    def put_stock(self, sku: str, available: int) -> None: ...

    def stock(self) -> Mapping[str, int]: ...


@runtime_checkable
class HasWaybills(Protocol):
    def waybills(self) -> Sequence[MadeWaybill]: ...


@runtime_checkable
class HasScans(Protocol):
    """`code` is the platform's own status code, `carrier` its carrier code."""

    def add_scan(
        self, carrier: str, waybill_no: str, code: str, at: datetime, text: str
    ) -> None: ...


@runtime_checkable
class HasNotices(Protocol):
    """Texts that were shown, oldest first."""

    def notices(self) -> Sequence[str]: ...


@runtime_checkable
class PushesOrders(Protocol):
    """What the platform sends when this order changes."""

    def order_push(self, number: str) -> SignedPush: ...


@runtime_checkable
class PushesScans(Protocol):
    def scan_push(self, carrier: str, waybill_no: str) -> SignedPush: ...


@runtime_checkable
class SignsPushes(Protocol):
    """`push_secret` is the platform's name for the account and the secret that pushes are signed with; `signed_push`
    signs any body, also one that says nothing.
    """

    @property
    def push_secret(self) -> tuple[str, str]: ...

    def signed_push(self, body: bytes) -> SignedPush: ...


@runtime_checkable
class HasFreight(Protocol):
    """What a parcel between the suite's two addresses costs there: the platform's service code -> major units."""

    def freight(self, weight_g: int) -> Mapping[str, Decimal]: ...


@runtime_checkable
class HidesRecipients(Protocol):
    """From now on the order's recipient is told as a token or cipher text; `keep_closed`: and is opened to nobody."""

    def hide(self, number: str) -> None: ...

    def keep_closed(self, number: str) -> None: ...


@runtime_checkable
class HasMessages(Protocol):
    """Ids of messages that were not confirmed yet."""

    def unconfirmed(self) -> Sequence[str]: ...


@runtime_checkable
class HasSubscriptions(Protocol):
    """Waybill numbers whose scans will be pushed."""

    def subscribed(self) -> Sequence[str]: ...
