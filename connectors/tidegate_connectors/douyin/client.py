"""One call of Douyin: signed, sent, its envelope opened, its errors made ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidegate.errors import RemoteRetry, RemoteUnknown, TidegateError
from tidegate.sdk.account import Account
from tidegate.sdk.answers import SAID, broken, error_of
from tidegate.sdk.http.messages import JSON, Request
from tidegate.sdk.renewing import with_token
from tidegate.sdk.signing import canonical_json
from tidegate_connectors.douyin.signing import request_signature

GOOD, OLD_GOOD = "10000", "0"
STALE_TOKEN = ("isv.access-token-expired", "isv.access-token-no-existed")
STALE_TIME = "isv.timestamp-invalid"
TOO_MANY = "60000"
UNSURE = ("20000", "20001", "50001")  # its own trouble, maybe after the work was done
NEW_CODES = {"x-open-no-old-err-code": "1"}  # as the official SDK asks for them


class DouyinClient:
    """Safe to share between threads."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def call(
        self, method: str, asked: Mapping[str, Any], *, idempotent: bool = True, token: bool = True
    ) -> Any:
        """What is in `data`. A token that ran out is renewed, a clock that is off is set once.

        Raises:
            RemoteRetry, RemoteRefused, RemoteCredentials, RemoteUnknown, RemoteBroken: by the manifest's `errors`.
        """
        answer = with_token(
            self._account.tokens if token else None,
            lambda held: self._timely(method, asked, held, idempotent),
            lambda found: _codes(found)[0] in STALE_TOKEN,
        )
        return self._opened(method, answer, idempotent)

    def _timely(
        self, method: str, asked: Mapping[str, Any], token: str, idempotent: bool
    ) -> Mapping[str, Any]:
        answer = self._send(method, asked, token, idempotent)
        if _codes(answer)[0] == STALE_TIME:  # its Date header has told us its time meanwhile
            answer = self._send(method, asked, token, idempotent)
        return answer

    def _send(
        self, method: str, asked: Mapping[str, Any], token: str, idempotent: bool
    ) -> Mapping[str, Any]:
        account, body = self._account, canonical_json(asked)
        app_key = account.settings["app_key"]
        timestamp = str(int(account.http.now().timestamp()))
        sign = request_signature(app_key, account.secret("app_secret"), method, body, timestamp)
        params = {
            "app_key": app_key, "method": method, "access_token": token, "timestamp": timestamp,
            "v": "2", "sign": sign, "sign_method": "hmac-sha256",
        }  # fmt: skip
        url = f"{account.settings['url'].rstrip('/')}/{method.replace('.', '/')}"
        headers = {"Content-Type": JSON, **NEW_CODES}
        request = Request("POST", url, method, params, headers, body.encode(), idempotent)
        found = account.http.send(request).json()
        if not isinstance(found, Mapping):
            raise broken(account.manifest, method)
        return found

    def _opened(self, method: str, answer: Mapping[str, Any], idempotent: bool) -> Any:
        sub, code = _codes(answer)
        if code not in (GOOD, OLD_GOOD):
            raise self._error(method, sub, code, idempotent)
        if "data" not in answer:
            raise broken(self._account.manifest, method)
        return answer["data"]

    def _error(self, method: str, sub: str, code: str, idempotent: bool) -> TidegateError:
        manifest = self._account.manifest
        if not code:
            return broken(manifest, method)
        error = error_of(manifest, sub, sub.partition(":")[0], code)
        if code == TOO_MANY and isinstance(error, RemoteRetry):
            wait = error.fields.get("retry_after_s")
            self._account.http.throttled(method, float(str(wait)) if wait is not None else None)
        if code in UNSURE and not idempotent and type(error) is RemoteRetry:
            zh, en = SAID["unknown"]
            return RemoteUnknown(error.code, zh=f"抖店{zh}", en=f"Douyin {en}")
        return error


def _codes(answer: Mapping[str, Any]) -> tuple[str, str]:
    """(sub code, code) as text, of the new envelope or the old one."""
    code = answer.get("code", answer.get("err_no", answer.get("st")))
    return str(answer.get("sub_code") or ""), "" if code is None else str(code)
