"""Units on sale at one location, told in lots."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from tidegate.errors import RemoteRefused
from tidegate.sdk.account import Account
from tidegate.sdk.answers import broken, error_of
from tidegate.sdk.values import Pushed, StockLevel
from tidegate_connectors.shopify import queries
from tidegate_connectors.shopify.client import ShopifyClient

FIND, TELL = "variants.find", "stock.set"
MOST = 50  # SKUs of a query
UNKNOWN_SKU = Pushed("shopify.unknown_sku")
LOCATION = "location_missing"
PREFIX = "gid://shopify/Location/"


class ShopifyStock:
    def __init__(self, account: Account, client: ShopifyClient) -> None:
        self._manifest, self._client = account.manifest, client
        self._location = account.settings.get("location_id", "").removeprefix(PREFIX)

    def push_stock(self, levels: Sequence[StockLevel]) -> Sequence[Pushed]:
        """Absolute figures; one answer per level, in their order. A lot that is refused is refused as a whole.

        Raises:
            RemoteRefused: the account names no location.
        """
        if not self._location:
            raise error_of(self._manifest, LOCATION)
        told: list[Pushed] = []
        for start in range(0, len(levels), MOST):
            told += self._push(levels[start : start + MOST])
        return told

    def _push(self, levels: Sequence[StockLevel]) -> list[Pushed]:
        items = self._items([one.sku for one in levels])
        known = [one for one in levels if one.sku in items]
        refused = self._tell(known, items) if known else Pushed()
        return [refused if one.sku in items else UNKNOWN_SKU for one in levels]

    def _items(self, skus: Sequence[str]) -> dict[str, str]:
        """SKU -> inventory item; the query finds by words, so what it found is compared."""
        words = " OR ".join(f'sku:"{_escaped(sku)}"' for sku in skus)
        found = self._client.call(FIND, queries.VARIANTS, {"query": words}).get("productVariants")
        nodes = found.get("nodes") if isinstance(found, Mapping) else None
        try:
            rows = {str(one["sku"]): str(one["inventoryItem"]["id"]) for one in nodes or []}
        except (KeyError, TypeError):
            raise broken(self._manifest, FIND) from None
        return {sku: rows[sku] for sku in skus if sku in rows}

    def _tell(self, levels: Sequence[StockLevel], items: Mapping[str, str]) -> Pushed:
        quantities: list[dict[str, Any]] = [
            {
                "inventoryItemId": items[one.sku], "locationId": f"{PREFIX}{self._location}",
                "quantity": one.available, "changeFromQuantity": None,
            }
            for one in levels
        ]  # fmt: skip
        told = {"name": "available", "reason": "correction", "quantities": quantities}
        asked = {"input": told, "key": str(uuid.uuid4())}  # absolute: a repeat may do it again
        try:
            self._client.change(
                TELL, queries.SET_STOCK, asked, "inventorySetQuantities", idempotent=True
            )
        except RemoteRefused as error:
            return Pushed(error.code)
        return Pushed()


def _escaped(sku: str) -> str:
    return sku.replace("\\", "\\\\").replace('"', '\\"')
