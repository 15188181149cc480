"""Sessions of TOP: the one that a person entered, the one the owner's consent buys, the next by refresh token."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

from tidegate.errors import RemoteCredentials
from tidegate.sdk.account import Account
from tidegate.sdk.answers import error_of
from tidegate.sdk.authorizing import Callback, Granted
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

    def exchange_code(self, callback: Callback) -> Granted:
        """Raises RemoteCredentials when the code is over."""
        found = self._bought(callback.query["code"], callback.redirect_uri)
        return Granted(self._read(found), who=unquote(str(found.get("taobao_user_nick") or "")))

    def _asked(self, held: Tokens | None) -> Tokens:
        account = self._account
        code = account.secret("code")
        if held is not None and held.refresh:
            return self._read(
                self._sent({"grant_type": "refresh_token", "refresh_token": held.refresh})
            )
        if held is None and code:
            return self._read(self._bought(code, account.settings.get("redirect_uri", "")))
        raise error_of(account.manifest, "27")

    def _bought(self, code: str, redirect_uri: str) -> Any:
        return self._sent(
            {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        )

    def _sent(self, grant: Mapping[str, str]) -> Any:
        account = self._account
        known = {
            "client_id": account.settings["app_key"],
            "client_secret": account.secret("app_secret"),
        }
        answer = account.http.send(form(account.settings["token_url"], API, {**known, **grant}))
        return answer.json()

    def _read(self, found: Any) -> Tokens:
        if not isinstance(found, Mapping) or not found.get("access_token"):
            raise error_of(self._account.manifest, "27")
        refresh, ends = str(found.get("refresh_token") or ""), self._after(found, "expires_in")
        owner = self._after(found, "re_expires_in") if refresh else ends
        return Tokens(str(found["access_token"]), refresh, ends, owner)

    def _after(self, found: Mapping[str, Any], name: str) -> datetime | None:
        life = str(found.get(name) or "")
        if not life.isdigit() or not int(life):
            return None
        return self._account.http.now() + timedelta(seconds=int(life))
