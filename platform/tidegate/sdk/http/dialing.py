"""Connections that are no HTTP (mail), by the same rules: nothing inside our network unless listed, limits of time,
and through the account's line, where the breaker, the limits and the record of calls are.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

from tidegate.sdk.http import troubles
from tidegate.sdk.http.addresses import Addresses, is_inner
from tidegate.sdk.http.flight import Flight
from tidegate.sdk.http.sending import Times

Found = TypeVar("Found")
Through = Callable[[str, Callable[[], Any]], Any]


def _straight(_api: str, call: Callable[[], Any]) -> Any:
    return call()


@dataclass(frozen=True, slots=True)
class Dialer:
    """`trusted` as for `Addresses`; `through` runs a call on the account's line."""

    trusted: Iterable[str] = ()
    times: Times = field(default_factory=Times)
    through: Through = field(default=_straight, repr=False)

    def talk(
        self,
        api: str,
        host: str,
        port: int,
        ports: Iterable[int],
        talk: Callable[[socket.socket, Flight], Found],
    ) -> Found:
        """What `talk` returns over a connection to `host`; it ends after `times.total_s` whatever it waits for.
        Hosts that are not listed may be called on `ports` only.

        Raises:
            RemoteRetry: there is no connection, or it is refused; nothing was sent. And what `talk` raises.
        """

        def call() -> Found:
            with (
                Flight(self.times.total_s) as flight,
                self._open(api, host, port, ports) as connection,
            ):
                flight.on(connection, begun=False)
                return talk(connection, flight)

        found: Found = self.through(api, call)
        return found

    def _open(self, api: str, host: str, port: int, ports: Iterable[int]) -> socket.socket:
        address = self._resolved(api, host, port, ports)
        try:
            connection = socket.create_connection((address, port), self.times.connect_s)
        except OSError:
            raise troubles.unreachable(api, "connect") from None
        connection.settimeout(self.times.read_s)
        return connection

    def _resolved(self, api: str, host: str, port: int, ports: Iterable[int]) -> str:
        """Resolved once: what was looked at is what is called."""
        try:
            named = f"[{host}]" if ":" in host else host
            trusted = Addresses(self.trusted).trusts(urlsplit(f"//{named}:{port}"))
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, ValueError):
            raise troubles.unreachable(api, "name") from None
        addresses = [str(one[4][0]) for one in found]
        if not trusted and (port not in ports or any(is_inner(one) for one in addresses)):
            raise troubles.closed_address(api, host, ports)
        return addresses[0]
