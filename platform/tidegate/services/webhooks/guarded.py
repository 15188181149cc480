"""Calls to addresses that people typed: nothing inside our network can be reached by them.

Which ones may be called is said by sdk/http/addresses.py, how a call ends whatever it waits for by sdk/http/flight.py.
Here: no redirects, no proxies, a limit on time and size, and whatever happens is told and not raised.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests_hardened import Config, HTTPSession  # type: ignore[import-untyped]

from tidegate.errors import InputError
from tidegate.sdk.http.addresses import Addresses, GuardedAdapter, RefusedAddress, read
from tidegate.sdk.http.flight import POOLS, Flight

CONNECT_S, READ_S, TOTAL_S = 3.0, 15.0, 30.0
MOST_ANSWER = 4096  # bytes of an answer that are looked at


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
        self._addresses = Addresses(trusted)
        self._times = (connect_s, read_s)
        self._total_s = total_s

    def check(self, url: str) -> str:
        """The address as it will be called.

        Raises:
            InputError: it can't be called for its form; what its name resolves to is looked at in each call.
        """
        if not self._addresses.allowed(url):
            raise _unusable(url)
        return url

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Heard:
        """Call once. Whatever happens, it is told and not raised."""
        try:
            self.check(url)
        except InputError:
            return Heard(None, "refused_address", "", 0)
        with self._session(url) as session, Flight(self._total_s) as flight:
            try:
                with session.post(
                    url, data=body, headers=dict(headers), timeout=self._times, stream=True,
                    allow_redirects=False,
                ) as response:  # fmt: skip
                    answer = _beginning(response)
                    return Heard(
                        response.status_code, None, answer, flight.took_ms, _retry_after(response)
                    )
            except (RefusedAddress, requests.exceptions.InvalidURL):
                return Heard(None, "refused_address", "", flight.took_ms)
            except requests.Timeout:
                return Heard(None, "timeout", "", flight.took_ms)
            except requests.exceptions.SSLError:
                return Heard(None, "tls", "", flight.took_ms)
            except (requests.RequestException, OSError, ValueError) as error:
                code = "no_connection" if _never_connected(error) else "cut"
                return Heard(None, "timeout" if flight.late else code, "", flight.took_ms)

    def _session(self, url: str) -> requests.Session:
        parts = urlsplit(url)
        session: requests.Session
        if self._addresses.trusts(parts):
            session = requests.Session()
            adapter: HTTPAdapter = HTTPAdapter()
        else:
            session = HTTPSession(Config(True, False, True, self._times))
            adapter = GuardedAdapter(is_https_proto=parts.scheme == "https")
        adapter.poolmanager.pool_classes_by_scheme = POOLS
        session.mount(f"{parts.scheme}://", adapter)
        session.trust_env = False
        return session


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


def _unusable(url: str) -> InputError:
    parts = read(url)
    host = parts.hostname if parts else None
    return InputError(
        "webhooks.address",
        zh=f"不能调用这个地址（{host or '无法识别'}）：须是公网 https 地址，端口 443、80 或 8443；"
        "内网系统须由管理员写进 TIDEGATE_TRUSTED_HOSTS。",
        en=f"This address can't be called ({host or 'unreadable'}): it must be public https on port 443, 80 or "
        "8443; systems inside your network have to be listed in TIDEGATE_TRUSTED_HOSTS.",
        field="url",
    )
