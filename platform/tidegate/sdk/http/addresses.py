"""Which addresses may be called: nothing inside our network, unless an operator listed the host.

requests-hardened resolves a name once, refuses inner addresses and connects to what it resolved, so a name that
changes its mind (DNS rebinding) gains nothing. Ours on top: https and three ports, no user in the address, and
networks that the library lets pass.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any
from urllib.parse import SplitResult, urlsplit

from requests_hardened.ip_filter import InvalidIPAddress  # type: ignore[import-untyped]
from requests_hardened.ip_filter_adapter import IPFilterAdapter  # type: ignore[import-untyped]

PORTS = (443, 80, 8443)
DEFAULT_PORTS = {"http": 80, "https": 443}
REFUSED = tuple(
    ipaddress.ip_network(network)
    for network in ("::/96", "fec0::/10", "64:ff9b::/96", "2001::/32", "0.0.0.0/8", "240.0.0.0/4")
)
RefusedAddress = InvalidIPAddress


class Addresses:
    """`trusted` are `host` or `host:port` that may be called though they are inside, by http too."""

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        self._trusted = frozenset(name.strip().lower() for name in trusted if name.strip())

    def allowed(self, url: str) -> bool:
        """By its form; what a name resolves to is looked at when it is called."""
        parts = read(url)
        if parts is None:
            return False
        if self.trusts(parts):
            return True
        return parts.scheme == "https" and port_of(parts) in PORTS and not is_inner(parts.hostname)

    def trusts(self, parts: SplitResult) -> bool:
        host = (parts.hostname or "").lower()
        return host in self._trusted or f"{host}:{port_of(parts)}" in self._trusted


def read(url: str) -> SplitResult | None:
    """The parts of a plain http(s) address; None for anything that two readers could read differently."""
    if any(ord(sign) < 33 or sign in "\\\x7f" for sign in url):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    plain = parts.scheme in DEFAULT_PORTS and parts.hostname and "@" not in parts.netloc
    return parts if plain and port != 0 else None


def port_of(parts: SplitResult) -> int:
    return parts.port or DEFAULT_PORTS[parts.scheme]


def is_inner(host: str | None) -> bool:
    """Whether a literal address lies in a network that nobody outside should name; a name is not."""
    try:
        found = ipaddress.ip_address((host or "").strip("[]").partition("%")[0])
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    address = mapped or found
    return not address.is_global or address.is_multicast or any(address in net for net in REFUSED)


class GuardedAdapter(IPFilterAdapter):  # type: ignore[misc]  # the library ships no types
    """The library's filter, and ours on what it resolved."""

    def build_connection_pool_key_attributes(
        self, request: Any, verify: Any, cert: Any = None
    ) -> Any:
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        if is_inner(host["host"]):
            raise RefusedAddress(host["host"])
        return host, pool
