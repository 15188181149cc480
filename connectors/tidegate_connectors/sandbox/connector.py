"""The sandbox account as a `Carrier`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

from tidegate.errors import ConfigError
from tidegate.sdk.carrier import DuplicateClass, ScanPage, Waybill, WaybillRequest
from tidegate_connectors.sandbox.client import SandboxClient, unclear
from tidegate_connectors.sandbox.mapping import read_scan, read_waybill, waybill_document

T = TypeVar("T")
DEFAULT_APP_KEY = "tidegate"
DEFAULT_TIMEOUT_S = 10.0


class SandboxCarrier:
    """Implements tidegate.sdk.carrier.Carrier; safe to share between threads."""

    name = "sandbox"
    duplicates = DuplicateClass.HONOURS_KEY

    def __init__(
        self,
        url: str,
        app_key: str,
        secret: str,
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> None:
        self._client = SandboxClient(url, app_key, secret, timeout_s)

    def create_waybill(self, request: WaybillRequest) -> Waybill:
        """A waybill; the same `client_key` gives the same one again."""
        data = self._client.call("/v1/create", waybill_document(request))
        return _understood(data, "/v1/create", read_waybill)

    def query_waybill(self, client_key: str) -> Waybill | None:
        """The live waybill made under this key, or None (never made, or cancelled)."""
        data = self._client.call("/v1/query", {"order_code": client_key})
        if data.get("status") in ("absent", "cancelled"):
            return None
        return _understood(data, "/v1/query", read_waybill)

    def cancel_waybill(self, client_key: str) -> None:
        """Void the waybill; cancelling twice is fine."""
        self._client.call("/v1/cancel", {"order_code": client_key})

    def scans_since(self, cursor: str) -> ScanPage:
        """Scans after `cursor` ("" from the beginning) in the order they became known."""
        data = self._client.call("/v1/scans", {"cursor": cursor})
        return _understood(data, "/v1/scans", _read_page)

    def request_pickup(self, waybill_nos: Sequence[str]) -> Sequence[str]:
        """Send the courier for these numbers now; returns the numbers the carrier booked."""
        data = self._client.call("/v1/pickups", {"waybill_nos": list(waybill_nos)})
        return _understood(data, "/v1/pickups", lambda found: [str(no) for no in found["booked"]])

    def close(self) -> None:
        self._client.close()


def make_carrier(settings: Mapping[str, Any]) -> SandboxCarrier:
    """A carrier from the settings of manifest.yaml: `url`, `secret`, `app_key`, `timeout_s`.

    Raises:
        ConfigError: the address or the secret is missing or unusable.
    """
    url, secret = str(settings.get("url") or ""), str(settings.get("secret") or "")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(
            "sandbox.url",
            zh="沙箱快递的地址不可用; TIDEGATE_SANDBOX_URL 应形如 http://127.0.0.1:8765。",
            en="The sandbox carrier's address is unusable; TIDEGATE_SANDBOX_URL looks like "
            "http://127.0.0.1:8765.",
        )
    if not secret:
        raise ConfigError(
            "sandbox.secret",
            zh="沙箱快递没有密钥; 请提供与沙箱启动时相同的密钥。",
            en="The sandbox carrier has no secret; give the one the sandbox was started with.",
        )
    return SandboxCarrier(
        url,
        str(settings.get("app_key") or DEFAULT_APP_KEY),
        secret,
        float(settings.get("timeout_s") or DEFAULT_TIMEOUT_S),
    )


def _read_page(data: Mapping[str, Any]) -> ScanPage:
    return ScanPage(
        scans=[read_scan(scan) for scan in data["scans"]],
        cursor=str(data["cursor"]),
        more=bool(data["more"]),
    )


def _understood(data: Mapping[str, Any], call: str, read: Callable[[Mapping[str, Any]], T]) -> T:
    """Translate an answer; one we cannot read says nothing about what was done."""
    try:
        return read(data)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise unclear(call, "unreadable") from None
