"""The account of one Douyin shop, with what its manifest says it can do."""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.sdk.account import Account
from tidegate.sdk.authorizing import Callback, Granted
from tidegate.sdk.carrier import DuplicateClass, Issued, Waybill, WaybillRequest
from tidegate.sdk.shop import Shipment
from tidegate.sdk.values import (
    Label,
    OrderPage,
    Pushed,
    Recipient,
    RecipientToken,
    StockLevel,
    Tokens,
    Window,
)
from tidegate_connectors.douyin.client import DouyinClient
from tidegate_connectors.douyin.orders import DouyinOrders
from tidegate_connectors.douyin.recipients import DouyinRecipients
from tidegate_connectors.douyin.shipping import DouyinShipping
from tidegate_connectors.douyin.stock import DouyinStock
from tidegate_connectors.douyin.tokens import DouyinTokens
from tidegate_connectors.douyin.waybills import DouyinWaybills


class DouyinShop:
    """Safe to share between threads. `duplicates` is of numbers told to the shop; waybills go by the manifest."""

    duplicates = DuplicateClass.REFUSES_AND_QUERIES

    def __init__(self, account: Account) -> None:
        client = DouyinClient(account)
        self._account = account
        self._orders = DouyinOrders(account, client)
        self._shipping = DouyinShipping(account, client, self._orders)
        self._recipients = DouyinRecipients(account, client)
        self._stock = DouyinStock(account, client)
        self._waybills = DouyinWaybills(account, client)
        self._tokens = DouyinTokens(account, client)
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

    def open_recipients(self, tokens: Sequence[RecipientToken]) -> Sequence[Recipient | None]:
        return self._recipients.open_recipients(tokens)

    def create_waybill(self, request: WaybillRequest) -> Waybill:
        return self._waybills.create_waybill(request)

    def cancel_waybill(self, client_key: str) -> None:
        self._waybills.cancel_issued(Issued(client_key, "", ""))

    def cancel_issued(self, issued: Issued) -> None:
        self._waybills.cancel_issued(issued)

    def label(self, issued: Issued) -> Label:
        return self._waybills.label(issued)

    def refresh_tokens(self, held: Tokens | None) -> Tokens:
        return self._tokens.refresh_tokens(held)

    def exchange_code(self, callback: Callback) -> Granted:
        return self._tokens.exchange_code(callback)

    def check_credentials(self) -> str:
        """The shop's number: an empty list of orders is only told to those who may read it."""
        now = int(self._account.http.now().timestamp())
        self._orders.count_of(now - 60, now)
        return self._account.settings.get("shop_id", "")


def connect(account: Account) -> DouyinShop:
    return DouyinShop(account)
