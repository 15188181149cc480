"""Tokens of Jushuitan: thirty days each; a renewal keeps the token's value and gives it another thirty."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from tidegate.sdk.account import Account
from tidegate.sdk.answers import error_of
from tidegate.sdk.authorizing import Callback, CallbackRefused, Consent, Granted
from tidegate.sdk.signing import equal
from tidegate.sdk.values import Tokens
from tidegate_connectors.jushuitan.client import JstClient, signature

FIRST = "/openWeb/auth/getInitToken"
BOUGHT = "/openWeb/auth/accessToken"
AGAIN = "/openWeb/auth/refreshToken"
REFUSED = ("100", "140", "150")  # vendors may not renew since 2023; others are refused an old one


class JstTokens:
    def __init__(self, account: Account, client: JstClient) -> None:
        self._account, self._client = account, client

    def refresh_tokens(self, held: Tokens | None) -> Tokens:
        """Raises RemoteCredentials when a person has to authorise again."""
        entered = self._account.secret("access_token")
        if held is None and entered:
            return Tokens(entered, self._account.secret("refresh_token"))
        if held is not None and held.refresh:
            answer = self._client.signed(AGAIN, _renewal(held))
            if str(answer.get("code")) not in REFUSED:
                return self._read(AGAIN, answer)
            if self._account.settings["authorisation"] != "own":
                raise error_of(self._account.manifest, "150")
        return self._first()

    def prepare_consent(self, consent: Consent) -> Consent:
        """Signed like a call, with its time."""
        stamp = str(int(self._account.http.now().timestamp()))
        return Consent(consent.url, self._signed({**consent.query, "timestamp": stamp}))

    def check_callback(self, callback: Callback) -> None:
        told = {name: value for name, value in callback.query.items() if value}
        wanted = signature(told, self._account.secret("app_secret"))
        if not equal(told.get("sign", ""), wanted):
            raise CallbackRefused("bad_signature")
        if (
            told.get("app_key", self._account.settings["app_key"])
            != self._account.settings["app_key"]
        ):
            raise CallbackRefused("other_shop")

    def exchange_code(self, callback: Callback) -> Granted:
        """Raises RemoteCredentials, RemoteRefused when the code is over."""
        asked = {"grant_type": "authorization_code", "code": callback.query["code"]}
        return Granted(self._read(BOUGHT, self._client.signed(BOUGHT, asked)))

    def _signed(self, fields: Mapping[str, str]) -> dict[str, str]:
        return {**fields, "sign": signature(fields, self._account.secret("app_secret"))}

    def _first(self) -> Tokens:
        own = self._account.settings["authorisation"] == "own"
        code = secrets.token_hex(3) if own else self._account.secret("code")
        if not code:
            raise error_of(self._account.manifest, "100")
        asked = {"grant_type": "authorization_code", "code": code}
        path = FIRST if own else BOUGHT
        return self._read(path, self._client.signed(path, asked))

    def _read(self, path: str, answer: Mapping[str, Any]) -> Tokens:
        found = self._client.opened(path, answer)
        if not found.get("access_token"):
            raise error_of(self._account.manifest, "150")
        life = int(str(found.get("expires_in") or 0))
        now = self._account.http.now()
        refresh, ends = str(found.get("refresh_token") or ""), now + timedelta(seconds=life)
        own = self._account.settings["authorisation"] == "own"  # vendors' tokens are not renewed
        known = ends if life else None
        return Tokens(str(found["access_token"]), refresh, known, None if own else known)


def _renewal(held: Tokens) -> dict[str, str]:
    return {"grant_type": "refresh_token", "refresh_token": held.refresh, "scope": "all"}
