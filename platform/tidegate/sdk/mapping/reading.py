"""An account's order documents as pages: what every shop connector does with the rows it was given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidegate.sdk.account import Account
from tidegate.sdk.mapping.orders import OrderMapping
from tidegate.sdk.values import OrderPage


class OrderReader:
    """Compiled once per account; safe to share between threads. `currency` is the shop's, where it is known."""

    def __init__(self, account: Account, currency: str = "") -> None:
        manifest = account.manifest
        self._mapping = OrderMapping(
            manifest.orders, channel=manifest.channel, shop=account.shop,
            timezone=account.shop_timezone, currency=currency or manifest.currency,
        )  # fmt: skip

    def page(self, documents: Sequence[Any], place: str, cursor: str | None = None) -> OrderPage:
        """Every document accounted for; `place` says in the report where they stood."""
        read = [self._mapping.read(one, place, row) for row, one in enumerate(documents, 1)]
        return OrderPage(
            [one.draft for one in read if one.draft],
            len(read),
            [one.problem for one in read if one.problem],
            cursor,
        )
