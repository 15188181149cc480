"""Sessions of TOP: the one that a person entered, the one an authorisation code buys, the next by refresh token."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from tidegate.errors import RemoteCredentials
from tidegate.sdk.account import Account
from tidegate.sdk.answers import error_of
from tidegate.sdk.http.messages import form
from tidegate.sdk.values import Tokens

API = "oauth.token"


class Sessions:
    def __init__(self, account: Account) -> None:
        self._account = account

    def refresh_tokens(self, held: Tokens | None) -> Tokens:
        """Raises RemoteCredentials when the owner has to authorise again."""
        entered = self._account.secret("session")
        if held is None and entered:
            return Tokens(entered, self._account.secret("refresh_token"))
        try:
            return self._asked(held)
        except RemoteCredentials:
            if held is None or entered in ("", held.access):
                raise
            return Tokens(entered, self._account.secret("refresh_token"))  # entered since then

    def _asked(self, held: Tokens | None) -> Tokens:
        account = self._account
        code = account.secret("code")
        if held is not None and held.refresh:
            grant = {"grant_type": "refresh_token", "refresh_token": held.refresh}
        elif held is None and code:
            grant = {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": account.settings.get("redirect_uri", ""),
            }
        else:
            raise error_of(account.manifest, "27")
        known = {
            "client_id": account.settings["app_key"],
            "client_secret": account.secret("app_secret"),
        }
        return self._read(
            account.http.send(form(account.settings["token_url"], API, {**known, **grant})).json()
        )

    def _read(self, found: Any) -> Tokens:
        if not isinstance(found, Mapping) or not found.get("access_token"):
            raise error_of(self._account.manifest, "27")
        life = str(found.get("expires_in") or "")
        now = self._account.http.now()
        return Tokens(
            str(found["access_token"]),
            str(found.get("refresh_token") or ""),
            now + timedelta(seconds=int(life)) if life.isdigit() and int(life) else None,
        )
