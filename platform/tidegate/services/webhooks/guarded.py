"""Calls to addresses that people typed: nothing inside our network can be reached by them.

requests-hardened resolves the name once, refuses inner addresses and connects to what it resolved, so a name that
changes its mind (DNS rebinding) gains nothing. Ours on top: https and three ports only, no user in the address, more
refused networks, no redirects, no proxies, a limit on time and size. Hosts that an operator listed are exempt.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests_hardened import Config, HTTPSession  # type: ignore[import-untyped]
from requests_hardened.ip_filter import InvalidIPAddress  # type: ignore[import-untyped]
from requests_hardened.ip_filter_adapter import IPFilterAdapter  # type: ignore[import-untyped]
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from tidegate.errors import InputError

PORTS = (443, 80, 8443)
CONNECT_S, READ_S, TOTAL_S = 3.0, 15.0, 30.0
MOST_ANSWER = 4096  # bytes of an answer that are looked at
REFUSED = tuple(
    ipaddress.ip_network(net)
    for net in ("::/96", "fec0::/10", "64:ff9b::/96", "2001::/32", "0.0.0.0/8", "240.0.0.0/4")
)


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a call: a status with the beginning of the answer, or why there was none.

    error: refused_address, no_connection, tls, timeout, cut. `retry_after_s` is what the other side asked for.
    """

    status: int | None
    error: str | None
    answer: str
    took_ms: int
    retry_after_s: int | None = None


class GuardedCaller:
    """Safe to share between threads; every call has a connection of its own.

    `trusted` are `host` or `host:port` inside our network that may be called, by http too.
    """

    def __init__(
        self,
        trusted: Iterable[str] = (),
        *,
        connect_s: float = CONNECT_S,
        read_s: float = READ_S,
        total_s: float = TOTAL_S,
    ) -> None:
        self._trusted = frozenset(name.strip().lower() for name in trusted if name.strip())
        self._times = (connect_s, read_s)
        self._total_s = total_s

    def check(self, url: str) -> str:
        """The address as it will be called.

        Raises:
            InputError: it can't be called for its form; what its name resolves to is looked at in each call.
        """
        parts = _parts(url)
        if parts is None:
            raise _unusable(url)
        if self._is_trusted(parts):
            return url
        if parts.scheme != "https" or (parts.port or 443) not in PORTS or _is_inner(parts.hostname):
            raise _unusable(url)
        return url

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Heard:
        """Call once. Whatever happens, it is told and not raised."""
        start = time.monotonic()
        try:
            self.check(url)
        except InputError:
            return Heard(None, "refused_address", "", 0)
        opened: list[Any] = []
        with self._session(url, opened) as session:
            end = threading.Timer(self._total_s, _cut, (opened,))
            end.daemon = True
            end.start()
            try:
                with session.post(
                    url, data=body, headers=dict(headers), timeout=self._times, stream=True,
                    allow_redirects=False,
                ) as response:  # fmt: skip
                    answer = _beginning(response)
                    return Heard(
                        response.status_code, None, answer, _ms(start), _retry_after(response)
                    )
            except (InvalidIPAddress, requests.exceptions.InvalidURL):
                return Heard(None, "refused_address", "", _ms(start))
            except requests.Timeout:
                return Heard(None, "timeout", "", _ms(start))
            except requests.exceptions.SSLError:
                return Heard(None, "tls", "", _ms(start))
            except (requests.RequestException, OSError, ValueError) as error:
                late = time.monotonic() - start >= self._total_s
                code = "no_connection" if _never_connected(error) else "cut"
                return Heard(None, "timeout" if late else code, "", _ms(start))
            finally:
                end.cancel()

    def _is_trusted(self, parts: SplitResult) -> bool:
        host = (parts.hostname or "").lower()
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return host in self._trusted or f"{host}:{port}" in self._trusted

    def _session(self, url: str, opened: list[Any]) -> requests.Session:
        parts = urlsplit(url)
        session: requests.Session
        if self._is_trusted(parts):
            session = requests.Session()
            adapter: HTTPAdapter = HTTPAdapter()
        else:
            session = HTTPSession(Config(True, False, True, self._times))
            adapter = _Guard(is_https_proto=parts.scheme == "https")
        adapter.poolmanager.pool_classes_by_scheme = _pools(opened)
        session.mount(f"{parts.scheme}://", adapter)
        session.trust_env = False
        return session


class _Guard(IPFilterAdapter):  # type: ignore[misc]  # the library ships no types
    """The library's filter, and ours on what it resolved."""

    def build_connection_pool_key_attributes(
        self, request: Any, verify: Any, cert: Any = None
    ) -> Any:
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        if _is_inner(host["host"]):
            raise InvalidIPAddress(host["host"])
        return host, pool


def _parts(url: str) -> SplitResult | None:
    odd = any(ord(sign) < 33 or sign in "\\\x7f" for sign in url)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if odd or parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        return None
    return None if "@" in parts.netloc else parts


def _is_inner(host: str | None) -> bool:
    """Whether a literal address lies in a network that nobody outside should name."""
    try:
        found = ipaddress.ip_address((host or "").strip("[]").partition("%")[0])
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    address = mapped or found
    return not address.is_global or address.is_multicast or any(address in net for net in REFUSED)


def _pools(opened: list[Any]) -> dict[str, Any]:
    """Connection pools whose sockets we know, so that a call can be ended whatever it waits for."""

    class Plain(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            opened.append(self.sock)

    class Secure(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            opened.append(self.sock)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def _cut(opened: Iterable[Any]) -> None:
    for found in opened:
        try:
            found.shutdown(socket.SHUT_RDWR)
        except OSError:
            continue  # it ended by itself


def _beginning(response: requests.Response) -> str:
    read = b""
    for chunk in response.iter_content(1024):
        read += chunk
        if len(read) >= MOST_ANSWER:
            break
    return read[:MOST_ANSWER].decode("utf-8", "replace")


def _retry_after(response: requests.Response) -> int | None:
    text = response.headers.get("Retry-After", "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else None


def _never_connected(error: Exception) -> bool:
    """Nobody listens there, or there is no such name."""
    told = repr(error)
    return isinstance(error, requests.ConnectionError) and (
        "NewConnectionError" in told or "Failed to resolve" in told
    )


def _ms(start: float) -> int:
    return round((time.monotonic() - start) * 1000)


def _unusable(url: str) -> InputError:
    host = urlsplit(url).hostname if _parts(url) else None
    return InputError(
        "webhooks.address",
        zh=f"不能调用这个地址（{host or '无法识别'}）：须是公网 https 地址，端口 443、80 或 8443；"
        "内网系统须由管理员写进 TIDEGATE_TRUSTED_HOSTS。",
        en=f"This address can't be called ({host or 'unreadable'}): it must be public https on port 443, 80 or "
        "8443; systems inside your network have to be listed in TIDEGATE_TRUSTED_HOSTS.",
        field="url",
    )
