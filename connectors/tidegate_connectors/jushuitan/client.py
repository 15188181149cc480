"""One call of Jushuitan: signed, sent, its envelope opened, its errors made ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tidegate.errors import RemoteRetry, TidegateError
from tidegate.sdk.account import Account
from tidegate.sdk.answers import broken, error_of
from tidegate.sdk.http.messages import form
from tidegate.sdk.renewing import with_token
from tidegate.sdk.signing import joined, md5_hex

BEIJING = ZoneInfo("Asia/Shanghai")
EXPIRED, BAD_TIME, THROTTLED = "100", "140", ("199", "200")
TIME = "%Y-%m-%d %H:%M:%S"


def signature(fields: Mapping[str, str], secret: str) -> str:
    """The secret stands in front only; `sign` itself takes no part."""
    signed = {name: value for name, value in fields.items() if name != "sign"}
    return md5_hex(secret + joined(signed, skip_empty=False))


def written(at: datetime) -> str:
    return at.astimezone(BEIJING).strftime(TIME)


class JstClient:
    """Safe to share between threads."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def call(self, path: str, biz: Any, *, idempotent: bool = True) -> Mapping[str, Any]:
        """What `data` holds (the answer itself in the older form). A token that ran out is renewed, a
        clock that is off is set once.

        Raises:
            RemoteRetry, RemoteRefused, RemoteCredentials, RemoteUnknown, RemoteBroken: by the manifest's `errors`.
        """
        answer = with_token(
            self._account.tokens,
            lambda token: self._timely(path, biz, token, idempotent),
            lambda found: str(found.get("code")) == EXPIRED,
        )
        return self.opened(path, answer)

    def _timely(self, path: str, biz: Any, token: str, idempotent: bool) -> Mapping[str, Any]:
        answer = self._send(path, biz, token, idempotent)
        if str(answer.get("code")) == BAD_TIME:  # its Date header has told us its time meanwhile
            answer = self._send(path, biz, token, idempotent)
        return answer

    def signed(self, path: str, fields: Mapping[str, str]) -> Mapping[str, Any]:
        """A call that is made without a token: the fields, the time and the signature."""
        known = {"app_key": self._account.settings["app_key"], "timestamp": self._now()}
        return self._post(path, {**known, "charset": "utf-8", **fields}, idempotent=False)

    def opened(self, path: str, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        code = str(answer.get("code", ""))
        if code not in ("0", "None", "") or answer.get("issuccess") is False:
            raise self._error(path, code)
        inner = answer.get("data", answer)
        if inner is None:
            return {}
        if not isinstance(inner, Mapping):
            raise broken(self._account.manifest, path)
        return inner

    def _send(self, path: str, biz: Any, token: str, idempotent: bool) -> Mapping[str, Any]:
        fields = {
            "app_key": self._account.settings["app_key"],
            "access_token": token,
            "timestamp": self._now(),
            "charset": "utf-8",
            "version": "2",
            "biz": json.dumps(biz, ensure_ascii=False, separators=(",", ":")),
        }
        return self._post(path, fields, idempotent=idempotent)

    def _post(self, path: str, fields: dict[str, str], *, idempotent: bool) -> Mapping[str, Any]:
        account = self._account
        fields["sign"] = signature(fields, account.secret("app_secret"))
        url = account.settings["gateway"].rstrip("/") + path
        request = form(url, api_of(path), fields, idempotent=idempotent)
        answer = account.http.send(request).json()
        if not isinstance(answer, Mapping) or not {"code", "issuccess", "data"} & answer.keys():
            raise broken(account.manifest, api_of(path))
        return answer

    def _error(self, path: str, code: str) -> TidegateError:
        error = error_of(self._account.manifest, code)
        if code in THROTTLED and isinstance(error, RemoteRetry):
            wait = error.fields.get("retry_after_s")
            self._account.http.throttled(api_of(path), float(str(wait)) if wait else None)
        return error

    def _now(self) -> str:
        return str(int(self._account.http.now().timestamp()))


def api_of(path: str) -> str:
    """`/open/orders/single/query` as limits and records name it: `open.orders.single.query`."""
    return path.strip("/").replace("/", ".")
