"""A shop's owner gives access on the platform's page: the page's address, what comes back, what it is exchanged for.

The manifest's `authorize` says what is data; these protocols are for what is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from tidegate.sdk.values import Tokens


@dataclass(frozen=True, slots=True)
class Consent:
    """The page of consent as the manifest fills it in; `query` goes behind `url`."""

    url: str
    query: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Callback:
    """What the owner's browser came back with. `redirect_uri` is the address it was to come back to."""

    query: Mapping[str, str]
    redirect_uri: str

    def __repr__(self) -> str:  # the query holds what buys tokens
        return "Callback(…)"


@dataclass(frozen=True, slots=True)
class Granted:
    """`told`: values that `authorize.keeps` gives a place, by the names used there; empty ones count as not told.
    `scopes` None: the platform does not say. `who`: the shop as the platform calls it.
    """

    tokens: Tokens
    told: Mapping[str, str] = field(default_factory=dict)
    scopes: frozenset[str] | None = None
    who: str = ""


class CallbackRefused(Exception):
    """`code`: bad_signature, or other_shop when it is about another shop than the account's."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@runtime_checkable
class ExchangesCode(Protocol):
    """Tokens for what the owner's browser brought. Asked once for each callback."""

    def exchange_code(self, callback: Callback) -> Granted:
        """Raises RemoteCredentials or RemoteRefused when the code is over or was used."""
        ...


@runtime_checkable
class ChecksCallback(Protocol):
    """For platforms that sign what they send back (`authorize.signed`)."""

    def check_callback(self, callback: Callback) -> None:
        """Raises CallbackRefused."""
        ...


@runtime_checkable
class PreparesConsent(Protocol):
    """For platforms whose page has an address that is signed or depends on the shop. Makes no call."""

    def prepare_consent(self, consent: Consent) -> Consent: ...
