"""One call of a WooCommerce shop: with its key pair, its errors made ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tidegate.errors import TidegateError
from tidegate.sdk.account import Account
from tidegate.sdk.answers import error_of
from tidegate.sdk.http.messages import JSON, Request, Response
from tidegate.sdk.http.sending import retry_after_s
from tidegate.sdk.signing import base64_of

ROOT = "/wp-json/wc/v3"


class WooClient:
    """Safe to share between threads."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._root = account.settings["url"].rstrip("/") + ROOT

    def get(self, api: str, path: str, query: Mapping[str, str] | None = None) -> Response:
        """Raises as `put`."""
        return self._send(Request("GET", self._root + path, api, query or {}, {}, b"", True))

    def put(self, api: str, path: str, document: Any) -> Response:
        """Absolute values: the same again does no harm.

        Raises:
            RemoteRetry, RemoteRefused, RemoteCredentials, RemoteBroken: by the manifest's `errors`.
        """
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {"Content-Type": JSON}
        return self._send(Request("PUT", self._root + path, api, {}, headers, body, True))

    def _send(self, request: Request) -> Response:
        account = self._account
        pair = f"{account.secret('consumer_key')}:{account.secret('consumer_secret')}"
        headers = {**request.headers, "Authorization": f"Basic {base64_of(pair)}"}
        answer = account.http.send(
            Request(
                request.method, request.url, request.api, request.params, headers, request.body,
                request.idempotent,
            )
        )  # fmt: skip
        if answer.status >= 400:
            raise self._error(answer)
        return answer

    def _error(self, answer: Response) -> TidegateError:
        wait_s = retry_after_s(answer.headers.get("retry-after", ""))
        return error_of(self._account.manifest, _code(answer), str(answer.status), wait_s=wait_s)


def _code(answer: Response) -> str:
    try:
        found = answer.json()
    except TidegateError:
        return ""
    return str(found.get("code") or "") if isinstance(found, Mapping) else ""
