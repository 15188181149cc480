"""Sends a request once, within limits of time and size, and sorts what came of it.

Certainly not sent (no name, no connection, no handshake, an address that may not be called): RemoteRetry. Sent and
no clear answer (time-out, cut, 5xx): RemoteUnknown, or RemoteRetry where asking twice does no harm. Later (429):
RemoteRetry. An answer we can't use: RemoteBroken. Retries belong to the job table; only a GET that found no
connection is tried a second time here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import MissingHeaderBodySeparatorDefect
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import DecodeError, HTTPError

from tidegate.errors import TidegateError
from tidegate.sdk.http import troubles
from tidegate.sdk.http.addresses import Addresses, GuardedAdapter, RefusedAddress
from tidegate.sdk.http.flight import POOLS, Flight
from tidegate.sdk.http.messages import Request, Response

REDIRECTS = (301, 302, 303, 307, 308)
MOST_WAIT_S = 3600
CHUNK = 16_384
AGENT = "Tidegate"


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds: to connect, between two reads, of a call as a whole."""

    connect_s: float = 3.0
    read_s: float = 12.0
    total_s: float = 30.0


@dataclass(slots=True)
class Sent:
    """What is known of a call whatever came of it; filled in while it runs."""

    attempts: int = 0
    took_ms: int = 0
    status: int | None = None
    server_at: datetime | None = None  # the Date header
    response: Response | None = None


class Sender:
    """One pool of connections; safe to share between threads."""

    def __init__(
        self,
        trusted: Iterable[str] = (),
        *,
        times: Times | None = None,
        most_bytes: int = 16 * 1024 * 1024,
        connections: int = 4,
    ) -> None:
        logging.getLogger("urllib3").setLevel(
            logging.CRITICAL
        )  # its warnings print whole addresses
        self._addresses = Addresses(trusted)
        self._times = times or Times()
        self._most = most_bytes
        self._guarded = _session(GuardedAdapter, connections)
        self._trusted = _session(None, connections)

    def send(self, request: Request, sent: Sent | None = None) -> Response:
        """The answer. `sent` is filled in also when this raises.

        Raises:
            RemoteRetry, RemoteUnknown, RemoteBroken: as the module says.
        """
        told = sent if sent is not None else Sent()
        tries = 2 if request.idempotent and request.method == "GET" else 1
        while True:
            told.attempts += 1
            try:
                return self._once(request, told)
            except TidegateError as error:
                if error.code != "remote.unreachable" or told.attempts >= tries:
                    raise

    def close(self) -> None:
        self._guarded.close()
        self._trusted.close()

    def _once(self, request: Request, sent: Sent) -> Response:
        if not self._addresses.allowed(request.url):
            raise troubles.bad_address(request.api, _host(request.url))
        trusted = self._addresses.trusts(urlsplit(request.url))
        session = self._trusted if trusted else self._guarded
        with Flight(self._times.total_s) as flight:
            try:
                found = self._call(session, request, sent)
                if flight.late:  # a cut socket reads as an end: what came before it is no answer
                    raise requests.Timeout
                return found
            except RefusedAddress:
                raise troubles.bad_address(request.api, _host(request.url)) from None
            except (requests.RequestException, HTTPError, OSError, ValueError) as error:
                raise _sorted(error, request, flight) from None  # the cause would print the request
            finally:
                sent.took_ms = flight.took_ms

    def _call(self, session: requests.Session, request: Request, sent: Sent) -> Response:
        times = (self._times.connect_s, self._times.read_s)
        with session.request(
            request.method, request.url, params=dict(request.params) or None,
            data=request.body or None, headers={"User-Agent": AGENT, **request.headers},
            timeout=times, stream=True, allow_redirects=False,
        ) as answer:  # fmt: skip
            headers = {name.lower(): value for name, value in answer.headers.items()}
            sent.status, sent.server_at = answer.status_code, _moment(headers.get("date", ""))
            if _cut_short(answer):
                raise requests.ConnectionError
            body = self._read(answer, request)
        sent.response = Response(answer.status_code, headers, body)
        _usable(sent.response, request, sent.server_at)
        return sent.response

    def _read(self, answer: requests.Response, request: Request) -> bytes:
        read = bytearray()
        for chunk in answer.raw.stream(CHUNK, decode_content=True):
            read += chunk
            if len(read) > self._most:
                raise troubles.broken(request.api, "too_large")
        return bytes(read)


def _cut_short(answer: requests.Response) -> bool:
    """Whether the headers ended in the middle; http.client takes what there is."""
    original = getattr(answer.raw, "_original_response", None)
    defects = getattr(getattr(original, "msg", None), "defects", ())
    return any(isinstance(one, MissingHeaderBodySeparatorDefect) for one in defects)


def _session(adapter: type[Any] | None, connections: int) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # neither a proxy nor .netrc comes between us and a platform
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers["Accept-Encoding"] = "gzip, deflate"
    for scheme in POOLS:
        made = adapter(is_https_proto=scheme == "https") if adapter else HTTPAdapter()
        made.init_poolmanager(connections, max(connections, 10))
        made.poolmanager.pool_classes_by_scheme = POOLS
        session.mount(f"{scheme}://", made)
    return session


def _sorted(error: Exception, request: Request, flight: Flight) -> TidegateError:
    """Which of our errors it is: by whether a byte left, not by the library's name for it."""
    if not flight.begun:
        return troubles.unreachable(request.api, _why_not(error))
    if isinstance(error, DecodeError | requests.exceptions.ContentDecodingError):
        return troubles.broken(request.api, "encoding")
    late = flight.late or isinstance(error, requests.Timeout) or "timed out" in str(error).lower()
    return troubles.unclear(request.api, "timeout" if late else "cut", request.idempotent)


def _why_not(error: Exception) -> str:
    said = repr(error)
    if isinstance(error, requests.exceptions.SSLError):
        return "tls"
    return "name" if "resolve" in said or "NameResolution" in said else "connect"


def _usable(response: Response, request: Request, server_at: datetime | None) -> None:
    """Raises for statuses that no connector should see."""
    wait = retry_after_s(response.headers.get("retry-after", ""), server_at)
    if response.status == 429:
        raise troubles.throttled(request.api, wait)
    if response.status >= 500:
        fields = {} if wait is None else {"retry_after_s": wait}
        raise troubles.unclear(
            request.api, f"http_{response.status}", request.idempotent, status=response.status, **fields
        )  # fmt: skip
    if response.status in REDIRECTS:
        raise troubles.broken(request.api, "redirect")


def retry_after_s(text: str, server_at: datetime | None = None) -> float | None:
    """Seconds from a Retry-After header: a number, or a date by the server's own clock. At most an hour."""
    plain = text.strip()
    if plain.isascii() and plain.isdigit():
        return float(min(int(plain[:9]), MOST_WAIT_S))
    until = _moment(plain)
    if until is None:
        return None
    now = server_at or datetime.now(UTC)
    return min(max((until - now).total_seconds(), 0.0), float(MOST_WAIT_S))


def _moment(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "")[:80]
    except ValueError:
        return ""
