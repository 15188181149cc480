"""The account a connector works for: settings, secrets, tokens and the client it sends by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tidegate.sdk.http.client import Http
from tidegate.sdk.http.dialing import Dialer
from tidegate.sdk.manifest import Manifest


def pairs_of(text: str) -> dict[str, str]:
    """A setting of `code=value` pairs, separated by spaces or commas; those without a value are left out."""
    parts = (part.partition("=") for part in text.replace(",", " ").split())
    return {code: value for code, _, value in parts if value}


class TokenKeeper(Protocol):
    """Holds the account's tokens; of many callers in many processes one asks for new ones."""

    def access(self) -> str:
        """A token that should hold a while longer.

        Raises:
            RemoteCredentials: there is none and none can be had.
        """
        ...

    def renewed(self, stale: str) -> str:
        """After the platform refused `stale`: a newer one."""
        ...


@dataclass(frozen=True, slots=True)
class Account:
    """`settings` are complete: defaults of the manifest are filled in, secrets are apart."""

    id: int
    shop: str  # name of the shop it belongs to, "" where it serves all
    manifest: Manifest
    settings: Mapping[str, str]
    http: Http
    secret: Callable[[str], str] = field(repr=False)  # name of a setting -> its value
    tokens: TokenKeeper | None = field(default=None, repr=False)
    dialer: Dialer = field(default_factory=Dialer, repr=False)  # for what is no HTTP

    @property
    def shop_timezone(self) -> str:
        """Zone of times that the platform writes without an offset."""
        return self.settings.get("timezone") or self.manifest.timezone


class Connect(Protocol):
    """What a connector's module offers as `connect`."""

    def __call__(self, account: Account) -> object: ...
