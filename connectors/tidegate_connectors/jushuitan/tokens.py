"""Tokens of Jushuitan: thirty days each; a renewal keeps the token's value and gives it another thirty."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from tidegate.sdk.account import Account
from tidegate.sdk.answers import error_of
from tidegate.sdk.values import Tokens
from tidegate_connectors.jushuitan.client import JstClient

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
        return Tokens(
            str(found["access_token"]),
            str(found.get("refresh_token") or ""),
            now + timedelta(seconds=life) if life else None,
        )


def _renewal(held: Tokens) -> dict[str, str]:
    return {"grant_type": "refresh_token", "refresh_token": held.refresh, "scope": "all"}
