"""Orders of the ERP: by window of change, and by their inner number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidegate.sdk.account import Account
from tidegate.sdk.mapping.reading import OrderReader
from tidegate.sdk.values import OrderPage, Window
from tidegate.sdk.window import NumberedPages
from tidegate_connectors.jushuitan.client import JstClient, written

QUERY = "/open/orders/single/query"
MOST_PER_PAGE, MOST_PAGES = 50, 800
PERSONAL = ("receiver_name", "receiver_mobile", "receiver_phone", "receiver_address")


class JstOrders:
    def __init__(self, account: Account, client: JstClient) -> None:
        settings = account.settings
        self._client, self._shop = client, settings.get("shop_id", "")
        size = min(max(int(settings["page_size"]), 1), MOST_PER_PAGE)
        self._pages = NumberedPages(size, most=MOST_PAGES)
        self._reader = OrderReader(account)

    def pull_orders(self, window: Window, cursor: str) -> OrderPage:
        """Raises WindowTooLarge where the pages would go past the cap."""
        asked: dict[str, Any] = {
            "modified_begin": written(window.start),
            "modified_end": written(window.end),
            "date_type": 0,
            "page_size": self._pages.size,
        }
        if self._shop:
            asked["shop_id"] = int(self._shop)

        def fetch(page: int) -> tuple[Sequence[Any], int]:
            found = self._client.call(QUERY, {**asked, "page_index": page})
            return _rows(found), int(found.get("data_count") or 0)

        rows, after = self._pages.read(fetch, cursor)
        return self._page(rows, after)

    def fetch_order(self, number: str) -> OrderPage:
        return self._page(self.rows(number), None)

    def rows(self, number: str) -> Sequence[Any]:
        """The documents under an inner number, at most one."""
        asked = {"o_ids": [int(number)] if number.isdigit() else [number], "page_index": 1}
        return _rows(self._client.call(QUERY, {**asked, "page_size": self._pages.size}))

    def _page(self, rows: Sequence[Any], after: str | None) -> OrderPage:
        return self._reader.page([_prepared(one) for one in rows], QUERY, after)


def _rows(found: Mapping[str, Any]) -> Sequence[Any]:
    rows = found.get("orders")
    return rows if isinstance(rows, list) else ()


def _prepared(row: Any) -> Any:
    """Jushuitan says nowhere whether a recipient is masked; its asterisks do."""
    if not isinstance(row, Mapping):
        return row
    masked = any("*" in str(row.get(name) or "") for name in PERSONAL)
    return {**row, "receiver_kind": "masked" if masked else "plain"}
