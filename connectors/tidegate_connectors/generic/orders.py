"""Orders of a mall: by window of change, one by number."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tidegate.sdk.account import Account
from tidegate.sdk.answers import broken
from tidegate.sdk.mapping.reading import OrderReader
from tidegate.sdk.values import OrderPage, Window
from tidegate_connectors.generic.client import MallClient, in_path

LIST, ONE = "orders.list", "orders.get"
MOST_PER_PAGE = 200


class MallOrders:
    def __init__(self, account: Account, client: MallClient) -> None:
        self._manifest, self._client = account.manifest, client
        self._size = min(max(int(account.settings["page_size"]), 1), MOST_PER_PAGE)
        self._reader = OrderReader(account, account.settings.get("currency", ""))

    def pull_orders(self, window: Window, cursor: str) -> OrderPage:
        """The mall's cursor stands behind the last order it gave, so that what changes meanwhile hides no other."""
        asked = {
            "modified_from": utc(window.start),
            "modified_to": utc(window.end),
            "limit": str(self._size),
            "cursor": cursor,
        }
        found = self._client.get(LIST, "/orders", asked)
        rows = found.get("orders") if isinstance(found, Mapping) else None
        after = found.get("next") if isinstance(found, Mapping) else None
        if not isinstance(rows, list) or not isinstance(after, str | None):
            raise broken(self._manifest, LIST)
        return self._reader.page(rows, LIST, after or None)

    def fetch_order(self, number: str) -> OrderPage:
        return self._reader.page([self.order(number)], ONE)

    def order(self, number: str) -> Mapping[str, Any]:
        """The document of one order. Raises RemoteRefused when there is none."""
        found = self._client.get(ONE, f"/orders/{in_path(number)}")
        if not isinstance(found, Mapping):
            raise broken(self._manifest, ONE)
        return found


def utc(at: datetime) -> str:
    """With microseconds: what the mall compares with has no more."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
