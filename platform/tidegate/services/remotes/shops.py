"""Shops that are told waybill numbers, by shop: each by its own account, else by one that serves all of a channel.

Made from what the database says, anew when it says something else.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

import structlog
from sqlalchemy import select

from tidegate.errors import RemoteCredentials, TidegateError
from tidegate.sdk.carrier import DuplicateClass
from tidegate.sdk.shop import Shipment, ShipsOrders
from tidegate.services.context import Context
from tidegate.services.remotes.carrying import mark, paused
from tidegate.services.remotes.connected import LOOK_EVERY_S, connector_of, manifest_for
from tidegate.store.remote_tables import ConnectorAccount
from tidegate.store.tables import Shop

log = structlog.get_logger()
Found = TypeVar("Found")


class AccountShop:
    """An account's connector as tidegate.sdk.shop.ShipsOrders, under the account's code."""

    def __init__(self, context: Context, row: ConnectorAccount, made: ShipsOrders) -> None:
        self._context = context
        self._account_id, self._code, self._state = row.id, row.code, row.state
        self._made = made

    @property
    def name(self) -> str:
        return self._code

    @property
    def duplicates(self) -> DuplicateClass:
        return self._made.duplicates

    def ship(self, shipment: Shipment) -> None:
        """Raises RemoteRetry while the account is paused, and what the connector raises."""
        self._do(lambda: self._made.ship(shipment))

    def shipped(self, order_number: str, parcel_number: str) -> str | None:
        """Raises as `ship`."""
        return self._do(lambda: self._made.shipped(order_number, parcel_number))

    def _do(self, call: Callable[[], Found]) -> Found:
        if self._state == "paused":
            raise paused(self._code)
        try:
            return call()
        except RemoteCredentials as error:
            mark(self._context, self._account_id, "active", "broken", error.code)
            raise


class ConnectedShops(Mapping[int, ShipsOrders]):
    """By shop id; a change of an account or a new shop is seen within two seconds."""

    def __init__(self, context: Context) -> None:
        self._context = replace(context, shops={})
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._versions: dict[int, tuple[int, str, str]] = {}
        self._made: dict[int, AccountShop] = {}  # by account id
        self._by_shop: dict[int, AccountShop] = {}

    def look(self) -> None:
        """See changes now."""
        with self._lock:
            self._looked = float("-inf")

    def __getitem__(self, shop_id: int) -> ShipsOrders:
        return self._current()[shop_id]

    def __iter__(self) -> Iterator[int]:
        return iter(dict(self._current()))

    def __len__(self) -> int:
        return len(self._current())

    def _current(self) -> dict[int, AccountShop]:
        with self._lock:
            if time.monotonic() - self._looked >= LOOK_EVERY_S:
                self._look_again()
                self._looked = time.monotonic()
            return self._by_shop

    def _look_again(self) -> None:
        with self._context.store.begin(self._context.tenant_id, readonly=True) as work:
            rows = list(
                work.session.scalars(select(ConnectorAccount).order_by(ConnectorAccount.id))
            )
            shops = {shop.id: shop for shop in work.session.scalars(select(Shop))} if rows else {}
        made: dict[int, AccountShop] = {}
        own: dict[int, AccountShop] = {}
        shared: dict[str, AccountShop] = {}
        for row in rows:
            shop = shops.get(row.shop_id or 0)
            found = self._shop(row, shop.name if shop else "")
            if found is None:
                continue
            made[row.id] = found
            if row.shop_id is None:
                shared.setdefault(manifest_for(row).channel, found)
            else:
                own.setdefault(row.shop_id, found)
        by_channel = {
            id_: shared[shop.channel] for id_, shop in shops.items() if shop.channel in shared
        }
        self._made, self._by_shop = made, {**by_channel, **own}
        self._versions = {row.id: (row.version, row.state, row.code) for row in rows}

    def _shop(self, row: ConnectorAccount, shop: str) -> AccountShop | None:
        if row.id in self._made and self._versions[row.id] == (row.version, row.state, row.code):
            return self._made[row.id]
        try:
            if "ship" not in manifest_for(row).capabilities:
                return None
            made, _line = connector_of(self._context, row, shop)
            return AccountShop(self._context, row, made)
        except TidegateError as error:
            log.error("account.unusable", account=row.code, code=error.code)
            return None
