"""The account of one company at Jushuitan, with what its manifest says it can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tidegate.sdk.account import Account
from tidegate.sdk.authorizing import Callback, Consent, Granted
from tidegate.sdk.carrier import DuplicateClass
from tidegate.sdk.shop import Shipment
from tidegate.sdk.values import OrderPage, Pushed, StockLevel, StockPage, Tokens, Window
from tidegate_connectors.jushuitan.client import JstClient
from tidegate_connectors.jushuitan.orders import JstOrders
from tidegate_connectors.jushuitan.shipping import JstShipping
from tidegate_connectors.jushuitan.stock import JstStock
from tidegate_connectors.jushuitan.tokens import JstTokens

SHOPS = "/open/shops/query"


class Jushuitan:
    """Safe to share between threads."""

    duplicates = DuplicateClass.REFUSES_AND_QUERIES

    def __init__(self, account: Account) -> None:
        self.name = account.manifest.id
        self._shop = account.settings.get("shop_id", "")
        self._client = JstClient(account)
        self._tokens = JstTokens(account, self._client)
        self._orders = JstOrders(account, self._client)
        self._shipping = JstShipping(account, self._client, self._orders)
        self._stock = JstStock(account, self._client)

    def pull_orders(self, window: Window, cursor: str) -> OrderPage:
        return self._orders.pull_orders(window, cursor)

    def fetch_order(self, number: str) -> OrderPage:
        return self._orders.fetch_order(number)

    def ship(self, shipment: Shipment) -> None:
        self._shipping.ship(shipment)

    def shipped(self, order_number: str, parcel_number: str) -> str | None:
        return self._shipping.shipped(order_number, parcel_number)

    def pull_stock(self, cursor: str) -> StockPage:
        return self._stock.pull_stock(cursor)

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
        """The name of the shop in the settings, or of the first."""
        rows = self._client.call(SHOPS, {"page_index": 1, "page_size": 100}).get("datas")
        shops = [row for row in rows or () if isinstance(row, Mapping)]
        mine = [row for row in shops if str(row.get("shop_id")) == self._shop] or shops
        return str(mine[0].get("shop_name", "")) if mine else ""


def connect(account: Account) -> Jushuitan:
    return Jushuitan(account)
