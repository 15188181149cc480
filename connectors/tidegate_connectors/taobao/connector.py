"""The account of one Taobao or Tmall shop, with what its manifest says it can do."""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.sdk.account import Account
from tidegate.sdk.authorizing import Callback, Granted
from tidegate.sdk.carrier import DuplicateClass, Issued, Waybill, WaybillRequest
from tidegate.sdk.shop import Shipment
from tidegate.sdk.values import (
    Label,
    OrderMessage,
    OrderPage,
    Recipient,
    RecipientToken,
    Tokens,
    Window,
)
from tidegate_connectors.taobao.client import TopClient
from tidegate_connectors.taobao.messages import Messages
from tidegate_connectors.taobao.orders import Trades
from tidegate_connectors.taobao.recipients import Recipients
from tidegate_connectors.taobao.shipping import Shipping
from tidegate_connectors.taobao.tokens import Sessions
from tidegate_connectors.taobao.waybills import Waybills

WHO = "taobao.user.seller.get"


class TaobaoShop:
    """Safe to share between threads. `duplicates` is of numbers told to the shop; waybills go by the manifest."""

    duplicates = DuplicateClass.REFUSES_AND_QUERIES

    def __init__(self, account: Account) -> None:
        self._client = TopClient(account)
        self._sessions = Sessions(account)
        self._trades = Trades(account, self._client)
        self._shipping = Shipping(account, self._client, self._trades)
        self._messages = Messages(account, self._client)
        self._recipients = Recipients(account, self._client)
        self._waybills = Waybills(account, self._client)
        self.name = account.manifest.id

    def pull_orders(self, window: Window, cursor: str) -> OrderPage:
        return self._trades.pull_orders(window, cursor)

    def fetch_order(self, number: str) -> OrderPage:
        return self._trades.fetch_order(number)

    def changed_orders(self) -> Sequence[OrderMessage]:
        return self._messages.changed_orders()

    def confirm_changes(self, ids: Sequence[str]) -> None:
        self._messages.confirm_changes(ids)

    def ship(self, shipment: Shipment) -> None:
        self._shipping.ship(shipment)

    def shipped(self, order_number: str, parcel_number: str) -> str | None:
        return self._shipping.shipped(order_number, parcel_number)

    def open_recipients(self, tokens: Sequence[RecipientToken]) -> Sequence[Recipient | None]:
        return self._recipients.open_recipients(tokens)

    def create_waybill(self, request: WaybillRequest) -> Waybill:
        return self._waybills.create_waybill(request)

    def query_requested(self, request: WaybillRequest) -> Waybill | None:
        return self._waybills.query_requested(request)

    def cancel_waybill(self, client_key: str) -> None:
        self._waybills.cancel_issued(Issued(client_key, "", ""))

    def cancel_issued(self, issued: Issued) -> None:
        self._waybills.cancel_issued(issued)

    def label(self, issued: Issued) -> Label:
        return self._waybills.label(issued)

    def refresh_tokens(self, held: Tokens | None) -> Tokens:
        return self._sessions.refresh_tokens(held)

    def exchange_code(self, callback: Callback) -> Granted:
        return self._sessions.exchange_code(callback)

    def check_credentials(self) -> str:
        """The seller's nick."""
        user = self._client.call(WHO, {"fields": "nick"}).get("user")
        return str(user.get("nick", "")) if isinstance(user, dict) else ""


def connect(account: Account) -> TaobaoShop:
    return TaobaoShop(account)
