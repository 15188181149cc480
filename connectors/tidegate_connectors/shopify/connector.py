"""The account of one Shopify shop, with what its manifest says it can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tidegate.sdk.account import Account
from tidegate.sdk.answers import broken
from tidegate.sdk.authorizing import Callback, Consent, Granted
from tidegate.sdk.carrier import DuplicateClass
from tidegate.sdk.shop import Shipment
from tidegate.sdk.values import OrderPage, Pushed, StockLevel, Tokens, Window
from tidegate_connectors.shopify import queries
from tidegate_connectors.shopify.client import ShopifyClient
from tidegate_connectors.shopify.orders import ShopifyOrders
from tidegate_connectors.shopify.shipping import ShopifyShipping
from tidegate_connectors.shopify.stock import ShopifyStock
from tidegate_connectors.shopify.tokens import ShopifyTokens

SHOP = "shop.get"


class ShopifyShop:
    """Safe to share between threads."""

    duplicates = DuplicateClass.REFUSES_AND_QUERIES

    def __init__(self, account: Account) -> None:
        self._tokens = ShopifyTokens(account)
        self._manifest, self._client = account.manifest, ShopifyClient(account, self._tokens)
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

    def refresh_tokens(self, held: Tokens | None) -> Tokens:
        return self._tokens.refresh_tokens(held)

    def prepare_consent(self, consent: Consent) -> Consent:
        return self._tokens.prepare_consent(consent)

    def check_callback(self, callback: Callback) -> None:
        self._tokens.check_callback(callback)

    def exchange_code(self, callback: Callback) -> Granted:
        return self._tokens.exchange_code(callback)

    def check_credentials(self) -> str:
        """The shop's name."""
        found = self._client.call(SHOP, queries.SHOP, {}).get("shop")
        if not isinstance(found, Mapping) or not found.get("name"):
            raise broken(self._manifest, SHOP)
        return str(found["name"])


def connect(account: Account) -> ShopifyShop:
    return ShopifyShop(account)
