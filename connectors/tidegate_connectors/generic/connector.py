"""The account of one mall, with what its manifest says it can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tidegate.sdk.account import Account
from tidegate.sdk.answers import broken
from tidegate.sdk.carrier import DuplicateClass
from tidegate.sdk.shop import Shipment
from tidegate.sdk.values import (
    OrderPage,
    Pushed,
    Recipient,
    RecipientToken,
    StockLevel,
    StockPage,
    Window,
)
from tidegate_connectors.generic.client import MallClient
from tidegate_connectors.generic.orders import MallOrders
from tidegate_connectors.generic.recipients import MallRecipients
from tidegate_connectors.generic.shipping import MallShipping
from tidegate_connectors.generic.stock import MallStock

SHOP = "shop.get"


class Mall:
    """Safe to share between threads."""

    duplicates = DuplicateClass.HONOURS_KEY

    def __init__(self, account: Account) -> None:
        self._manifest, self._client = account.manifest, MallClient(account)
        self._orders = MallOrders(account, self._client)
        self._shipping = MallShipping(account, self._client)
        self._stock = MallStock(account, self._client)
        self._recipients = MallRecipients(account, self._client)
        self.name = account.manifest.id

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

    def open_recipients(self, tokens: Sequence[RecipientToken]) -> Sequence[Recipient | None]:
        return self._recipients.open_recipients(tokens)

    def check_credentials(self) -> str:
        """The mall's name."""
        found = self._client.get(SHOP, "/shop")
        if not isinstance(found, Mapping) or not found.get("name"):
            raise broken(self._manifest, SHOP)
        return str(found["name"])


def connect(account: Account) -> Mall:
    return Mall(account)
