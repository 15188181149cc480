"""Units on sale, told one SKU after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tidegate.errors import RemoteRefused
from tidegate.sdk.account import Account
from tidegate.sdk.answers import broken
from tidegate.sdk.values import Pushed, StockLevel
from tidegate_connectors.woocommerce.client import WooClient

FIND, TELL = "products.find", "stock.set"


class WooStock:
    def __init__(self, account: Account, client: WooClient) -> None:
        self._manifest, self._client = account.manifest, client

    def push_stock(self, levels: Sequence[StockLevel]) -> Sequence[Pushed]:
        """Absolute figures; one answer per level, in their order. A SKU that is refused stops no other."""
        return [self._push(one) for one in levels]

    def _push(self, level: StockLevel) -> Pushed:
        path = self._path(level.sku)
        if path is None:
            return Pushed("woocommerce.unknown_sku")
        told = {"manage_stock": True, "stock_quantity": level.available}
        try:
            self._client.put(TELL, path, told)
        except RemoteRefused as error:
            return Pushed(error.code)
        return Pushed()

    def _path(self, sku: str) -> str | None:
        """A variation lies below its product."""
        rows = self._client.get(FIND, "/products", {"sku": sku}).json()
        if not isinstance(rows, list):
            raise broken(self._manifest, FIND)
        mine = [one for one in rows if isinstance(one, Mapping) and one.get("sku") == sku]
        if not mine:
            return None
        own, parent = int(mine[0]["id"]), int(mine[0].get("parent_id") or 0)
        return f"/products/{parent}/variations/{own}" if parent else f"/products/{own}"
