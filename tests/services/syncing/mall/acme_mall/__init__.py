"""A connector for a made-up mall, as a third party would ship it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidegate.sdk.account import Account
from tidegate.sdk.answers import error_of
from tidegate.sdk.carrier import DuplicateClass
from tidegate.sdk.http.messages import json_post
from tidegate.sdk.mapping.orders import OrderMapping
from tidegate.sdk.shop import Shipment
from tidegate.sdk.signing import hmac_hex
from tidegate.sdk.values import (
    OrderPage,
    Pushed,
    Recipient,
    RecipientToken,
    StockLevel,
    StockPage,
    Window,
)
from tidegate.sdk.window import NumberedPages


class Mall:
    duplicates = DuplicateClass.HONOURS_KEY
    name = "acme_mall"

    def __init__(self, account: Account) -> None:
        self._account = account
        manifest = account.manifest
        self._mapping = OrderMapping(
            manifest.orders, channel="acme", shop=account.shop or "Acme",
            timezone=account.shop_timezone, currency=manifest.currency,
        )  # fmt: skip
        self._pages = NumberedPages(int(account.settings["page_size"]), most=400)

    def pull_orders(self, window: Window, cursor: str) -> OrderPage:
        def fetch(page: int) -> tuple[Sequence[Any], int]:
            found = self._ask(
                "orders.list", start=window.start.timestamp(), end=window.end.timestamp(), page=page,
                size=self._pages.size,
            )  # fmt: skip
            return found["rows"], found["total"]

        rows, following = self._pages.read(fetch, cursor)
        return self._page(rows, following)

    def fetch_order(self, number: str) -> OrderPage:
        return self._page([self._ask("orders.get", id=number)], None)

    def ship(self, shipment: Shipment) -> None:
        self._ask("orders.ship", id=shipment.order_number, waybill=shipment.waybill_no)

    def shipped(self, order_number: str, parcel_number: str) -> str | None:
        found: str | None = self._ask("orders.get", id=order_number).get("waybill")
        return found

    def pull_stock(self, cursor: str) -> StockPage:
        found = self._ask("stock.list", cursor=cursor)
        levels = [StockLevel(row["code"], row["free"], row["house"]) for row in found["rows"]]
        return StockPage(levels, found["next"])

    def push_stock(self, levels: Sequence[StockLevel]) -> Sequence[Pushed]:
        told = self._ask("stock.set", levels=[[one.sku, one.available] for one in levels])
        return [Pushed(code) for code in told["codes"]]

    def open_recipients(self, tokens: Sequence[RecipientToken]) -> Sequence[Recipient | None]:
        found = self._ask("people.open", tokens=[one.token for one in tokens])
        return [
            None if row is None else Recipient(row["name"], row["phone"], row["street"])
            for row in found["people"]
        ]

    def check_credentials(self) -> str:
        return str(self._ask("shop.get")["name"])

    def _page(self, rows: Sequence[Any], following: str | None) -> OrderPage:
        mapped = [self._mapping.read(row, "orders.list", n) for n, row in enumerate(rows, 1)]
        return OrderPage(
            [one.draft for one in mapped if one.draft], len(rows),
            [one.problem for one in mapped if one.problem], following,
        )  # fmt: skip

    def _ask(self, api: str, **fields: Any) -> Any:
        account = self._account
        request = json_post(f"{account.settings['url']}/{api}", api, fields, idempotent=True)
        sign = hmac_hex(account.secret("app_secret"), request.body)
        signed = json_post(request.url, api, fields, headers={"X-Sign": sign}, idempotent=True)
        found = account.http.send(signed).json()
        if found["code"] != "ok":
            raise error_of(account.manifest, found["code"])
        return found["data"]


def connect(account: Account) -> Mall:
    return Mall(account)
