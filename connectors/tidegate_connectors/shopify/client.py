"""One query of Shopify: sent, its cost counted, its three ways of refusing made our errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidegate.errors import RemoteRetry, RemoteUnknown, RemoteWait, TidegateError
from tidegate.sdk.account import Account
from tidegate.sdk.answers import SAID, broken, error_of
from tidegate.sdk.http.messages import Response, json_post
from tidegate.sdk.http.sending import retry_after_s
from tidegate.sdk.renewing import MOST_RENEWALS
from tidegate_connectors.shopify.budget import Budget
from tidegate_connectors.shopify.tokens import ShopifyTokens, shop_root

THROTTLED = "THROTTLED"
UNAUTHORISED = 401
UNSURE = ("INTERNAL_SERVER_ERROR", "TIMEOUT")  # its own trouble, maybe after the work was done


class ShopifyClient:
    """Safe to share between threads."""

    def __init__(self, account: Account, tokens: ShopifyTokens) -> None:
        self._account, self._tokens, self._budget = account, tokens, Budget()
        self._url = f"{shop_root(account)}/admin/api/{account.settings['version']}/graphql.json"

    def call(
        self, api: str, query: str, variables: Mapping[str, Any], *, idempotent: bool = True
    ) -> Mapping[str, Any]:
        """`data` of the answer. A token that ran out is renewed, where that can be done without a person.

        Raises:
            RemoteRetry, RemoteRefused, RemoteCredentials, RemoteUnknown, RemoteBroken: by the manifest's `errors`.
        """
        http = self._account.http
        if wait_s := self._budget.wait_s(api, http.now()):
            raise self._dear(api, wait_s)
        document = {"query": query, "variables": variables}
        token = self._tokens.access()
        answer = self._send(api, document, token, idempotent)
        for _ in range(MOST_RENEWALS):
            if answer.status != UNAUTHORISED or not (newer := self._tokens.renewed(token)):
                break
            token, answer = newer, self._send(api, document, newer, idempotent)
        if answer.status >= 400:
            wait = retry_after_s(answer.headers.get("retry-after", ""))
            raise error_of(self._account.manifest, str(answer.status), wait_s=wait)
        return self._opened(api, answer.json(), idempotent)

    def _send(
        self, api: str, document: Mapping[str, Any], token: str, idempotent: bool
    ) -> Response:
        headers = {"X-Shopify-Access-Token": token}
        return self._account.http.send(
            json_post(self._url, api, document, headers=headers, idempotent=idempotent)
        )

    def change(
        self,
        api: str,
        query: str,
        variables: Mapping[str, Any],
        name: str,
        *,
        idempotent: bool = False,
    ) -> Mapping[str, Any]:
        """A mutation's payload. `userErrors` are a definite no: nothing was done.

        Raises:
            As `call`.
        """
        payload = self.call(api, query, variables, idempotent=idempotent).get(name)
        if not isinstance(payload, Mapping):
            raise broken(self._account.manifest, api)
        troubles = payload.get("userErrors")
        if troubles:
            raise error_of(self._account.manifest, _user_code(troubles), "userErrors")
        return payload

    def _opened(self, api: str, found: Any, idempotent: bool) -> Mapping[str, Any]:
        if not isinstance(found, Mapping):
            raise broken(self._account.manifest, api)
        cost = _inside(found, "extensions", "cost")
        if isinstance(cost, Mapping):
            self._budget.seen(api, cost, self._account.http.now())
        if found.get("errors"):
            raise self._error(api, found["errors"], idempotent)
        data = found.get("data")
        if not isinstance(data, Mapping):
            raise broken(self._account.manifest, api)
        return data

    def _error(self, api: str, errors: Any, idempotent: bool) -> TidegateError:
        first = errors[0] if isinstance(errors, Sequence) and not isinstance(errors, str) else {}
        code = str(_inside(first, "extensions", "code") or "")
        manifest = self._account.manifest
        if code == THROTTLED:
            wait_s = self._budget.wait_s(api, self._account.http.now()) or None
            self._account.http.throttled(api, wait_s)
            return error_of(manifest, code, wait_s=wait_s)
        error = error_of(manifest, code, "errors")
        if code in UNSURE and not idempotent and isinstance(error, RemoteRetry):
            zh, en = SAID["unknown"]
            return RemoteUnknown(error.code, zh=f"Shopify {zh}", en=f"Shopify {en}")
        return error

    def _dear(self, api: str, wait_s: float) -> RemoteWait:
        return RemoteWait(
            "shopify.points",
            zh=f"Shopify 的查询点数不够 ({api}), {wait_s:.1f} 秒后再试; 什么都没有发出。",
            en=f"Not enough of Shopify's query points ({api}); next try in {wait_s:.1f} s, nothing was sent.",
            api=api,
            retry_after_s=wait_s,
        )


def _inside(document: Any, *steps: str) -> Any:
    for step in steps:
        document = document.get(step) if isinstance(document, Mapping) else None
    return document


def _user_code(troubles: Any) -> str:
    first = troubles[0] if isinstance(troubles, list) else {}
    return str(_inside(first, "code") or "")
