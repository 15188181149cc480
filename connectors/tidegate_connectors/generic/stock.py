"""Units on sale: read page by page, told in lots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidegate.sdk.account import Account
from tidegate.sdk.answers import broken
from tidegate.sdk.values import Pushed, StockLevel, StockPage
from tidegate_connectors.generic.client import MallClient

READ, TELL = "stock.list", "stock.set"
MOST = 100  # levels of a call


class MallStock:
    def __init__(self, account: Account, client: MallClient) -> None:
        self._manifest, self._client = account.manifest, client

    def pull_stock(self, cursor: str) -> StockPage:
        found = self._client.get(READ, "/stock", {"cursor": cursor})
        try:
            levels = [_level(one) for one in found["levels"]]
            after = found.get("next")
        except (KeyError, TypeError, ValueError, AttributeError):
            raise broken(self._manifest, READ) from None
        return StockPage(levels, str(after) if after else None)

    def push_stock(self, levels: Sequence[StockLevel]) -> Sequence[Pushed]:
        """Absolute figures; one answer per level, in their order."""
        told: list[Pushed] = []
        for start in range(0, len(levels), MOST):
            told += self._push(levels[start : start + MOST])
        return told

    def _push(self, levels: Sequence[StockLevel]) -> list[Pushed]:
        rows = [
            {"sku": one.sku, "available": one.available, "warehouse": one.warehouse}
            for one in levels
        ]
        found = self._client.call(TELL, "PUT", "/stock", {"levels": rows})
        results = found.get("results") if isinstance(found, Mapping) else None
        if not isinstance(results, list) or len(results) != len(levels):
            raise broken(self._manifest, TELL)
        return [_pushed(one) for one in results]


def _level(row: Any) -> StockLevel:
    return StockLevel(str(row["sku"]), int(row["available"]), str(row.get("warehouse") or ""))


def _pushed(result: Any) -> Pushed:
    code = result.get("error") if isinstance(result, Mapping) else None
    return Pushed(f"generic.{str(code)[:60]}") if code else Pushed()
