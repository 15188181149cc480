"""One call of TOP: signed, sent, its envelope opened, its errors made ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from tidegate.errors import RemoteRetry, TidegateError
from tidegate.sdk.account import Account
from tidegate.sdk.answers import broken, error_of
from tidegate.sdk.http.messages import form
from tidegate.sdk.renewing import with_token
from tidegate_connectors.taobao.signing import signature

BEIJING = ZoneInfo("Asia/Shanghai")
BAD_SESSION, BAD_TIME, TOO_MANY = ("26", "27"), "33", "7"
_BAN = re.compile(r"last for (\d{1,6}) more second")
TIME = "%Y-%m-%d %H:%M:%S"


class TopClient:
    """Safe to share between threads."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def call(
        self,
        api: str,
        fields: Mapping[str, str],
        *,
        idempotent: bool = True,
        session: bool = True,
    ) -> Mapping[str, Any]:
        """What is inside `<api>_response`. A session that ran out is renewed, a clock that is off is set once.

        Raises:
            RemoteRetry, RemoteRefused, RemoteCredentials, RemoteUnknown, RemoteBroken: by the manifest's `errors`.
        """
        answer = with_token(
            self._account.tokens if session else None,
            lambda token: self._timely(api, fields, token, idempotent),
            lambda found: _code(found) in BAD_SESSION,
        )
        return self._opened(api, answer)

    def _timely(
        self, api: str, fields: Mapping[str, str], session: str, idempotent: bool
    ) -> Mapping[str, Any]:
        answer = self._send(api, fields, session, idempotent)
        if _code(answer) == BAD_TIME:  # its Date header has told us its time meanwhile
            answer = self._send(api, fields, session, idempotent)
        return answer

    def _send(
        self, api: str, fields: Mapping[str, str], session: str, idempotent: bool
    ) -> Mapping[str, Any]:
        account = self._account
        settings = account.settings
        known = {
            "method": api,
            "app_key": settings["app_key"],
            "session": session,
            "timestamp": account.http.now().astimezone(BEIJING).strftime(TIME),
            "format": "json",
            "v": "2.0",
            "sign_method": settings["sign_method"],
        }
        signed = {name: value for name, value in {**fields, **known}.items() if value != ""}
        signed["sign"] = signature(signed, account.secret("app_secret"))
        request = form(settings["gateway"], api, signed, idempotent=idempotent)
        found = account.http.send(request).json()
        if not isinstance(found, Mapping):
            raise broken(account.manifest, api)
        return found

    def _opened(self, api: str, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        if "error_response" in answer:
            raise self._error(api, answer["error_response"])
        inner = answer.get(f"{api.removeprefix('taobao.').replace('.', '_')}_response")
        if not isinstance(inner, Mapping):
            raise broken(self._account.manifest, api)
        result = inner.get("result")
        if isinstance(result, Mapping) and str(result.get("success", "true")).lower() == "false":
            code = str(result.get("error_code") or result.get("err_code") or "")
            raise error_of(self._account.manifest, code, "15")
        return inner

    def _error(self, api: str, about: Any) -> TidegateError:
        manifest = self._account.manifest
        if not isinstance(about, Mapping):
            return broken(manifest, api)
        code, sub = str(about.get("code", "")), str(about.get("sub_code") or "")
        ban = _BAN.search(str(about.get("sub_msg") or ""))
        wait_s = float(ban.group(1)) if ban else None
        error = error_of(manifest, sub, code, wait_s=wait_s)
        if code == TOO_MANY and isinstance(error, RemoteRetry):
            self._account.http.throttled(api, wait_s)
        return error


def _code(answer: Mapping[str, Any]) -> str:
    about = answer.get("error_response")
    return str(about.get("code", "")) if isinstance(about, Mapping) else ""


def rows_of(inner: Mapping[str, Any], outer: str, name: str) -> list[Any]:
    """TOP's lists: `{"trades": {"trade": […]}}`; an empty one may be missing at either depth."""
    found = inner.get(outer)
    rows = found.get(name) if isinstance(found, Mapping) else found
    return list(rows) if isinstance(rows, list) else []
