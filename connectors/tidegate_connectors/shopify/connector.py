"""The account of one Shopify shop, with what its manifest says it can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tidegate.sdk.account import Account
from tidegate.sdk.answers import broken
from tidegate.sdk.carrier import DuplicateClass
from tidegate.sdk.shop import Shipment
from tidegate.sdk.values import OrderPage, Pushed, StockLevel, Window
from tidegate_connectors.shopify import queries
from tidegate_connectors.shopify.client import ShopifyClient
from tidegate_connectors.shopify.orders import ShopifyOrders
from tidegate_connectors.shopify.shipping import ShopifyShipping
from tidegate_connectors.shopify.stock import ShopifyStock

SHOP = "shop.get"


class ShopifyShop:
    """Safe to share between threads."""

    duplicates = DuplicateClass.REFUSES_AND_QUERIES

    def __init__(self, account: Account) -> None:
        self._manifest, self._client = account.manifest, ShopifyClient(account)
        self._orders = ShopifyOrders(account, self._client)
        self._shipping = ShopifyShipping(account, self._client)
        self._stock = ShopifyStock(account, self._client)
        self.name = account.manifest.id

    def pull_orders(self, window: Window, cursor: str) -> OrderPage:
        return self._orders.pull_orders(window, cursor)

    def fetch_order(self, number: str) -> OrderPage:
        return self._orders.fetch_order(number)

    def ship(self, shipment: Shipment) -> None:
        self._shipping.ship(shipment)

    def shipped(self, order_number: str, parcel_number: str) -> str | None:
        return self._shipping.shipped(order_number, parcel_number)

    def push_stock(self, levels: Sequence[StockLevel]) -> Sequence[Pushed]:
        return self._stock.push_stock(levels)

    def check_credentials(self) -> str:
        """The shop's name."""
        found = self._client.call(SHOP, queries.SHOP, {}).get("shop")
        if not isinstance(found, Mapping) or not found.get("name"):
            raise broken(self._manifest, SHOP)
        return str(found["name"])


def connect(account: Account) -> ShopifyShop:
    return ShopifyShop(account)
