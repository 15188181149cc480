"""One call of a mall: signed, sent, its errors made ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from tidegate.errors import TidegateError
from tidegate.sdk.account import Account
from tidegate.sdk.answers import broken, error_of
from tidegate.sdk.http.messages import JSON, Request, Response
from tidegate.sdk.http.sending import retry_after_s
from tidegate_connectors.generic.signing import request_signature

STALE_TIME = "stale_timestamp"
VERSION = "1"


class MallClient:
    """Safe to share between threads. `api` names a call for limits and the record."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def get(self, api: str, path: str, query: Mapping[str, str] | None = None) -> Any:
        """Raises as `call`."""
        asked = urlencode({name: value for name, value in (query or {}).items() if value != ""})
        return self.call(api, "GET", f"{path}?{asked}" if asked else path)

    def call(
        self, api: str, method: str, target: str, document: Any = None, *, key: str = ""
    ) -> Any:
        """The answer's JSON. Every call of the protocol may be repeated; `key` says which are the same.

        Raises:
            RemoteRetry, RemoteRefused, RemoteCredentials, RemoteUnknown, RemoteBroken: by the manifest's `errors`.
        """
        answer = self._send(api, method, target, document, key)
        if _code(answer) == STALE_TIME:  # its Date header has told us its time meanwhile
            answer = self._send(api, method, target, document, key)
        if answer.status >= 400:
            raise self._error(api, answer)
        return answer.json()

    def _send(self, api: str, method: str, target: str, document: Any, key: str) -> Response:
        account, body = self._account, b""
        if document is not None:
            body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        root = account.settings["url"].rstrip("/")
        timestamp = str(int(account.http.now().timestamp()))
        signed = urlsplit(root).path + target
        secret = account.secret("secret")
        headers = {
            "Accept": "application/json",
            "Mall-Protocol": VERSION,
            "Mall-Key": account.settings["key"],
            "Mall-Timestamp": timestamp,
            "Mall-Signature": request_signature(secret, timestamp, method, signed, body),
            **({"Content-Type": JSON} if body else {}),
            **({"Idempotency-Key": in_path(key)} if key else {}),
        }
        request = Request(method, root + target, api, {}, headers, body, idempotent=True)
        return account.http.send(request)

    def _error(self, api: str, answer: Response) -> TidegateError:
        code, manifest = _code(answer), self._account.manifest
        wait_s = retry_after_s(answer.headers.get("retry-after", ""))
        if not code and answer.status not in (401, 403, 404):
            return broken(manifest, api)
        return error_of(manifest, code, str(answer.status), wait_s=wait_s)


def _code(answer: Response) -> str:
    """`error.code` of a refusal, "" where it says none."""
    if answer.status < 400:
        return ""
    try:
        found = answer.json()
    except TidegateError:
        return ""
    about = found.get("error") if isinstance(found, Mapping) else None
    return str(about.get("code") or "") if isinstance(about, Mapping) else ""


def in_path(text: str) -> str:
    """A number as one step of a path (or a key as a header), whatever is in it."""
    return quote(text, safe="")
