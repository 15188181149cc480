"""Tokens: a self-used app's by the shop's number, a tool's by the owner's code; later ones by refresh token."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from tidegate.errors import RemoteCredentials
from tidegate.sdk.account import Account
from tidegate.sdk.answers import error_of
from tidegate.sdk.authorizing import Callback, Granted
from tidegate.sdk.values import Tokens
from tidegate_connectors.douyin.client import DouyinClient

CREATE, REFRESH = "token.create", "token.refresh"
NO_TOKEN = "isv.access-token-no-existed"  # noqa: S105  (an error code of the platform)


class DouyinTokens:
    def __init__(self, account: Account, client: DouyinClient) -> None:
        self._account, self._client = account, client

    def refresh_tokens(self, held: Tokens | None) -> Tokens:
        """A self-used app whose refresh token is over simply asks anew.

        Raises:
            RemoteCredentials: the owner has to authorise again.
        """
        if held is not None and held.refresh:
            try:
                asked = {"grant_type": "refresh_token", "refresh_token": held.refresh}
                return self._tokens(self._ask(REFRESH, asked))
            except RemoteCredentials:
                if not self._is_self_used:
                    raise
        return self._tokens(self._ask(CREATE, self._first(held)))

    def exchange_code(self, callback: Callback) -> Granted:
        """Raises RemoteCredentials, RemoteRetry when the code is over."""
        code = {"code": callback.query["code"], "grant_type": "authorization_code"}
        found = self._ask(CREATE, code)
        told = {"shop_id": str(found.get("shop_id") or "")}
        return Granted(self._tokens(found), told, who=str(found.get("shop_name") or ""))

    @property
    def _is_self_used(self) -> bool:
        return self._account.settings["app_kind"] == "self"

    def _first(self, held: Tokens | None) -> dict[str, str]:
        account = self._account
        if self._is_self_used:
            shop = {"code": "", "grant_type": "authorization_self"}
            tried = {"test_shop": "1"} if account.settings["test_shop"] == "yes" else {}
            return {**shop, "shop_id": account.settings["shop_id"], **tried}
        code = account.secret("code")
        if held is not None or not code:
            raise error_of(account.manifest, NO_TOKEN)
        return {"code": code, "grant_type": "authorization_code"}

    def _ask(self, method: str, asked: Mapping[str, str]) -> Mapping[str, Any]:
        """`access_token` none, for it is what is asked for."""
        found = self._client.call(method, asked, token=False)
        if not isinstance(found, Mapping) or not found.get("access_token"):
            raise error_of(self._account.manifest, NO_TOKEN)
        return found

    def _tokens(self, found: Mapping[str, Any]) -> Tokens:
        life = str(found.get("expires_in") or "")
        ends = self._account.http.now() + timedelta(seconds=int(life)) if life.isdigit() else None
        refresh = str(found.get("refresh_token") or "")
        alone = refresh or self._is_self_used
        return Tokens(str(found["access_token"]), refresh, ends, None if alone else ends)
