"""The account of one WooCommerce shop, with what its manifest says it can do."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from tidegate.sdk.account import Account
from tidegate.sdk.answers import broken
from tidegate.sdk.carrier import DuplicateClass
from tidegate.sdk.shop import Shipment
from tidegate.sdk.values import OrderPage, Pushed, StockLevel, Window
from tidegate_connectors.woocommerce.client import WooClient
from tidegate_connectors.woocommerce.orders import LIST, WooOrders
from tidegate_connectors.woocommerce.shipping import WooShipping
from tidegate_connectors.woocommerce.stock import WooStock


class WooShop:
    """Safe to share between threads."""

    duplicates = DuplicateClass.HONOURS_KEY

    def __init__(self, account: Account) -> None:
        self._manifest, self._url = account.manifest, account.settings["url"]
        self._client = WooClient(account)
        self._orders = WooOrders(account, self._client)
        self._shipping = WooShipping(account, self._client, self._orders)
        self._stock = WooStock(account, self._client)
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
        """The shop's host: WooCommerce tells no name, but one order only to those who may read it."""
        if not isinstance(self._client.get(LIST, "/orders", {"per_page": "1"}).json(), list):
            raise broken(self._manifest, LIST)
        return urlsplit(self._url).hostname or ""


def connect(account: Account) -> WooShop:
    return WooShop(account)
