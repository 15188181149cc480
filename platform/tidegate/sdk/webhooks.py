"""What a connector does with calls that its platform makes to us.

The platform keeps the raw body and every header until `verify` agreed; `events` cuts the body into things that can be
kept and repeated one by one; `content` says later, in a job, what one of them means. Nothing here looks at a store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from tidegate.domain.orders import OrderDraft
from tidegate.sdk.carrier import CarrierScan


@dataclass(frozen=True, slots=True)
class HookRequest:
    """One call as it came. `headers` are keyed in lower case; `body` is what was signed."""

    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class HookSecret:
    """What the platform signs with: its name for the account (may be empty) and the secret itself."""

    account: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class HookEvent:
    """One thing that was told. `id` is unique at the source; empty: known by the hash of its payload.

    `at` is when it happened there (aware), if the platform says so; `payload` is plain JSON.
    """

    id: str
    kind: str
    payload: Mapping[str, Any] = field(repr=False)
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HookContent:
    """What an event means to us; all empty: nothing that we keep.

    `numbers` are orders that changed and are only named: the account's connector fetches them (FetchesOrder).
    `changed_at` (aware): the change that is told of, by the time that the platform writes into the order for it
    (`order.revision`); an order that is here as of then or later is not fetched. None: not told, always fetched.
    """

    scans: tuple[CarrierScan, ...] = ()
    orders: tuple[OrderDraft, ...] = ()
    numbers: tuple[str, ...] = ()
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HookAnswer:
    """What the platform expects to hear."""

    body: str = ""
    media_type: str = "application/json"
    status: int = 200


class HookRefused(Exception):
    """The call is not proven to come from the platform: `code` is bad_signature, too_old or not_signed."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class WebhookReceiver(Protocol):
    """The receiving side of a connector."""

    @property
    def signs(self) -> bool:
        """Whether the platform signs; if not, the address is the only secret and is told to nobody."""
        ...

    def verify(self, request: HookRequest, secrets: Sequence[HookSecret], now: datetime) -> None:
        """Agree if one of the secrets signed exactly this body, and lately where the platform signs a time.

        Raises:
            HookRefused: it did not.
        """
        ...

    def events(self, request: HookRequest) -> Sequence[HookEvent]:
        """The events in a verified call.

        Raises:
            ValueError, KeyError, TypeError: the body is none we understand.
        """
        ...

    def content(self, event: HookEvent) -> HookContent:
        """What an event says; must give the same for the same payload, whenever it is asked.

        Raises:
            ValueError, KeyError, TypeError: the payload is none we understand.
        """
        ...

    def answer(self, secrets: Sequence[HookSecret], now: datetime) -> HookAnswer:
        """The reply that tells the platform to stop repeating."""
        ...


@runtime_checkable
class AnswersByBody(Protocol):
    """A receiver of several forms of calls, each of which waits for its own words; asked in place of `answer`."""

    def answer_to(
        self, request: HookRequest, secrets: Sequence[HookSecret], now: datetime
    ) -> HookAnswer: ...


def must_be_fresh(unix_time: str, now: datetime, window_s: int = 300) -> None:
    """Refuse a signed time (Unix seconds as text) that is further than the window from now.

    Raises:
        HookRefused: too old, too far ahead, or no time at all.
    """
    is_time = unix_time.isascii() and unix_time.isdigit() and len(unix_time) <= 12
    if not is_time or abs(now.timestamp() - int(unix_time)) > window_s:
        raise HookRefused("too_old")
