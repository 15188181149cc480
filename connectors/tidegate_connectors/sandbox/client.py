"""HTTP of the sandbox carrier: signing, time-outs, and which outcome a failed call had."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import MaxRetryError, NewConnectionError

from tidegate.errors import RemoteRefused, RemoteRetry, RemoteUnknown, TidegateError
from tidegate_connectors.sandbox.manifest import is_account_refusal, refusal_text

CONNECT_TIMEOUT_S = 3.05
ACCOUNT_PAUSE_S = 60  # an operator has to act; asking faster helps nobody
CONNECTIONS = 16


class SandboxClient:
    """Signed POST calls to one account. Safe to share between threads."""

    def __init__(
        self,
        url: str,
        app_key: str,
        secret: str,
        timeout_s: float,
        unix_time: Callable[[], float] = time.time,
    ) -> None:
        self._url = url.rstrip("/")
        self._app_key = app_key
        self._secret = secret.encode()
        self._timeout = (min(CONNECT_TIMEOUT_S, timeout_s), timeout_s)
        self._unix_time = unix_time
        self._session = requests.Session()
        self._session.trust_env = False  # an office proxy has no business between us and a carrier
        adapter = HTTPAdapter(pool_maxsize=CONNECTIONS, max_retries=0)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def call(self, path: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """What the other side put into `data`.

        Raises:
            RemoteRetry: nothing was done; `retry_after_s` among its fields if a time was named.
            RemoteRefused: a definite no.
            RemoteUnknown: it may or may not have been done.
        """
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        try:
            response = self._session.post(
                self._url + path,
                data=body,
                headers=self._headers(path, body),
                timeout=self._timeout,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            if _never_sent(error):
                raise _unreachable(path) from None  # the cause would print the request
            raise unclear(path, "no_answer") from None
        return _read(path, response)

    def close(self) -> None:
        self._session.close()

    def _headers(self, path: str, body: bytes) -> dict[str, str]:
        stamp, nonce = str(int(self._unix_time())), secrets.token_hex(16)
        text = "\n".join((self._app_key, stamp, nonce, path, hashlib.sha256(body).hexdigest()))
        return {
            "Content-Type": "application/json; charset=utf-8",
            "X-App-Key": self._app_key,
            "X-Timestamp": stamp,
            "X-Nonce": nonce,
            "X-Signature": hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest(),
        }


def _never_sent(error: requests.RequestException) -> bool:
    """Whether the connection itself failed: no name, nobody listening, no handshake."""
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.SSLError):
        return True
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(reason, NewConnectionError)  # NameResolutionError is one, too


def _read(path: str, response: requests.Response) -> dict[str, Any]:
    if response.status_code >= 500:
        raise unclear(path, f"http_{response.status_code}")
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if response.status_code == 429:
        raise _throttled(path, response.headers.get("Retry-After", ""))
    if not isinstance(answer, dict) or not isinstance(answer.get("success"), bool):
        raise unclear(path, "unreadable")
    if not answer["success"]:
        raise _refused(path, str(answer.get("code", "")))
    data = answer.get("data")
    if not isinstance(data, dict):
        raise unclear(path, "unreadable")
    return data


def _unreachable(path: str) -> RemoteRetry:
    return RemoteRetry(
        "carrier.unreachable",
        zh="连不上沙箱快递, 什么都没有发出, 会自动重试; "
        "请确认 tidegate sandbox 在运行, 且 TIDEGATE_SANDBOX_URL 正确。",
        en="The sandbox carrier cannot be reached; nothing was sent and it will be tried again. "
        "Check that tidegate sandbox runs and TIDEGATE_SANDBOX_URL is right.",
        call=path,
    )


def unclear(path: str, why: str) -> RemoteUnknown:
    return RemoteUnknown(
        "carrier.no_clear_answer",
        zh=f"沙箱快递没有给出明确答复({why}), 不知道是否已受理; 将用同一订单号查询后再处理。",
        en=f"The sandbox carrier gave no clear answer ({why}), so it may or may not have acted; "
        "it will be asked under the same order code first.",
        call=path,
        why=why,
    )


def _throttled(path: str, after: str) -> RemoteRetry:
    seconds = min(int(after), 3600) if after.isascii() and after.isdigit() else 5
    return RemoteRetry(
        "carrier.throttled",
        zh=f"沙箱快递要求放慢, {seconds} 秒后再试。",
        en=f"The sandbox carrier asks for a pause; next try in {seconds} s.",
        call=path,
        retry_after_s=seconds,
    )


def _refused(path: str, code: str) -> TidegateError:
    zh, en = refusal_text(code)
    if is_account_refusal(code):  # nothing is wrong with the parcel: it waits
        return RemoteRetry(
            f"carrier.{code}", zh=zh, en=en, call=path, retry_after_s=ACCOUNT_PAUSE_S
        )
    return RemoteRefused(f"carrier.{code}", zh=zh, en=en, call=path)
