"""Access tokens of Shopify: typed in, bought by the owner's consent, or had by an app of the shop's own every day."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from tidegate.sdk.account import Account
from tidegate.sdk.answers import error_of
from tidegate.sdk.authorizing import Callback, CallbackRefused, Consent, Granted
from tidegate.sdk.http.messages import form
from tidegate.sdk.signing import equal
from tidegate.sdk.values import Tokens
from tidegate_connectors.shopify.signing import callback_signature

API, REFUSED = "oauth.access_token", "401"
SHOP = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com")


def shop_host(account: Account) -> str:
    """`north-bank` and `https://north-bank.myshopify.com/` are the same shop."""
    shop = account.settings["shop"].strip().lower().removeprefix("https://").strip("/")
    return shop if "." in shop else f"{shop}.myshopify.com"


def shop_root(account: Account) -> str:
    return account.settings.get("url", "").rstrip("/") or f"https://{shop_host(account)}"


class ShopifyTokens:
    """A token that a person typed in goes first; it is not renewed."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def access(self) -> str:
        """Raises RemoteCredentials."""
        keeper = self._account.tokens
        return self._typed or (keeper.access() if keeper else "")

    def renewed(self, stale: str) -> str | None:
        """After `stale` was refused: a newer one; None where a person has to type it in."""
        keeper = self._account.tokens
        return None if self._typed or keeper is None else keeper.renewed(stale)

    def refresh_tokens(self, held: Tokens | None) -> Tokens:
        """Raises RemoteCredentials when the owner has to agree again."""
        if self._is_own:
            return self._read(self._ask({"grant_type": "client_credentials"}))
        if held is not None and held.refresh:
            grant = {"grant_type": "refresh_token", "refresh_token": held.refresh}
            return self._read(self._ask(grant))
        raise error_of(self._account.manifest, REFUSED)

    def prepare_consent(self, consent: Consent) -> Consent:
        """On the shop's own address."""
        return Consent(shop_root(self._account) + consent.url, consent.query)

    def check_callback(self, callback: Callback) -> None:
        query = callback.query
        wanted = callback_signature(self._account.secret("client_secret"), query)
        if not equal(query.get("hmac", ""), wanted):
            raise CallbackRefused("bad_signature")
        shop = query.get("shop", "").lower()
        if not SHOP.fullmatch(shop) or shop != shop_host(self._account):
            raise CallbackRefused("other_shop")

    def exchange_code(self, callback: Callback) -> Granted:
        """Raises RemoteCredentials when the code is over."""
        found = self._ask({"code": callback.query["code"]})
        given = {one.strip() for one in str(found.get("scope") or "").split(",") if one.strip()}
        implied = {
            f"read_{one.removeprefix('write_')}" for one in given if one.startswith("write_")
        }
        scopes = frozenset(given | implied) if given else None
        return Granted(self._read(found), scopes=scopes, who=shop_host(self._account))

    @property
    def _is_own(self) -> bool:
        return self._account.settings["grant"] == "client"

    @property
    def _typed(self) -> str:
        return "" if self._is_own else self._account.secret("access_token")

    def _ask(self, grant: Mapping[str, str]) -> Mapping[str, Any]:
        account = self._account
        known = {
            "client_id": account.settings.get("client_id", ""),
            "client_secret": account.secret("client_secret"),
        }
        url = f"{shop_root(account)}/admin/oauth/access_token"
        again = "code" not in grant  # a code is good once
        answer = account.http.send(form(url, API, {**known, **grant}, idempotent=again))
        if answer.status >= 400:
            raise error_of(account.manifest, f"oauth.{answer.status}", "oauth")
        found = answer.json()
        if not isinstance(found, Mapping) or not found.get("access_token"):
            raise error_of(account.manifest, "oauth")
        return found

    def _read(self, found: Mapping[str, Any]) -> Tokens:
        refresh, ends = str(found.get("refresh_token") or ""), self._after(found, "expires_in")
        owner = self._after(found, "refresh_token_expires_in") if refresh else ends
        return Tokens(str(found["access_token"]), refresh, ends, None if self._is_own else owner)

    def _after(self, found: Mapping[str, Any], name: str) -> datetime | None:
        life = str(found.get(name) or "")
        if not life.isdigit() or not int(life):
            return None
        return self._account.http.now() + timedelta(seconds=int(life))
