"""Trades of a shop: by window of change, one by number, and as what the mapping reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tidegate.errors import RemoteRefused
from tidegate.sdk.account import Account
from tidegate.sdk.gathering import gather
from tidegate.sdk.mapping.reading import OrderReader
from tidegate.sdk.values import OrderPage, Window
from tidegate.sdk.window import NumberedPages
from tidegate_connectors.taobao.client import BEIJING, TIME, TopClient, rows_of

LISTS = {
    "modified": "taobao.trades.sold.increment.get",
    "created": "taobao.trades.sold.get",
}
ONE = "taobao.trade.fullinfo.get"
TO_LIST = "tid,modified,status"
NEEDED = ("receiver_name", "receiver_address", "created", "receiver_mobile", "receiver_phone")
MOST_PER_PAGE = 100
HIDDEN = "taobao.isv.trade-not-exist"


class Trades:
    """`fields` is what is asked of each trade: all that the mapping reads, and what makes TOP give an OAID."""

    def __init__(self, account: Account, client: TopClient) -> None:
        manifest, settings = account.manifest, account.settings
        self._client, self._settings = client, settings
        self._pages = NumberedPages(min(max(int(settings["page_size"]), 1), MOST_PER_PAGE))
        self._fields = settings.get("fields") or ",".join(fields_of(manifest.orders))
        self._reader = OrderReader(account)

    def pull_orders(self, window: Window, cursor: str) -> OrderPage:
        """Trades changed (or made, by setting) in the window.

        `cursor` is a page, or `page:numbers` where trades of the page are still to be fetched: where calls fail or
        limits are reached a page goes on with those, and is not listed anew.
        Both ends of the window are whole seconds and inside: an end is met twice, never missed.
        """
        page, _, left = cursor.partition(":")
        if left:
            return self._some(int(page), left.split(","))
        by = self._settings["pull_by"]
        full = self._settings["details"] == "full"
        asked = {
            "fields": TO_LIST if full else self._fields,
            f"start_{by}": _second(window.start),
            f"end_{by}": _second(window.end),
            "type": self._settings["trade_types"],
            "page_size": str(self._pages.size),
            "use_has_next": "true" if page else "false",  # only without it TOP counts them
        }

        def fetch(number: int) -> tuple[Sequence[Any], int]:
            inner = self._client.call(LISTS[by], {**asked, "page_no": str(number)})
            return rows_of(inner, "trades", "trade"), int(inner.get("total_results") or 0)

        rows, after = self._pages.read(fetch, page)
        if not full or not rows:
            return self._page(rows, LISTS[by], after)
        numbers = ",".join(number_of(row) for row in rows)
        return OrderPage((), 0, cursor=f"{page or self._pages.first}:{numbers}")

    def _some(self, page: int, numbers: Sequence[str]) -> OrderPage:
        """These trades of a page, as many as can be had now, at least one; the cursor names the others."""
        some = gather(numbers, self._listed)
        if some.error is not None and not some.found:
            raise some.error
        found = list(some.found.values())
        if some.left:
            return self._page(found, ONE, f"{page}:{','.join(some.left)}")
        return self._page(found, ONE, str(page - 1) if page > self._pages.first else None)

    def _listed(self, number: str) -> Mapping[str, Any] | None:
        """A trade that was listed; None where it is not shown, which is rejected by row."""
        try:
            return self.trade(number)
        except RemoteRefused as error:
            if error.code != HIDDEN:
                raise
            return None

    def fetch_order(self, number: str) -> OrderPage:
        return self._page([self.trade(number)], ONE, None)

    def trade(self, number: str, fields: str = "") -> Mapping[str, Any]:
        """The document of one trade. Raises RemoteRefused when there is none."""
        inner = self._client.call(ONE, {"fields": fields or self._fields, "tid": number})
        trade = inner.get("trade")
        return trade if isinstance(trade, Mapping) else {}

    def _page(self, trades: Sequence[Any], place: str, after: str | None) -> OrderPage:
        return self._reader.page([_prepared(one) for one in trades], place, after)


def fields_of(orders: Mapping[str, Any]) -> list[str]:
    """The trade's fields that a mapping reads, in order; `tid_str` comes with `tid` unasked."""
    found = dict.fromkeys(("tid", "orders", *NEEDED))
    paths = [path for how in orders["fields"].values() for path in _paths(how)]
    for path in (*paths, *orders.get("extra", ())):
        root = path.partition(".")[0].removesuffix("_str")
        found.update(dict.fromkeys(["payment"] if root == "paid_fee" else [root]))
    return list(found)


def number_of(trade: Any) -> str:
    """As text: longer than a float holds."""
    return str(trade.get("tid_str") or trade.get("tid") or "") if isinstance(trade, Mapping) else ""


def _paths(how: Any) -> Sequence[str]:
    path = how.get("path", ()) if isinstance(how, Mapping) else how
    return [path] if isinstance(path, str) else list(path)


def _prepared(trade: Any) -> Any:
    """TOP's `payment` is what is to be paid; once there is a time of payment it is what was."""
    if not isinstance(trade, Mapping) or not trade.get("pay_time"):
        return trade
    return {**trade, "paid_fee": trade.get("payment")}


def _second(at: datetime) -> str:
    return at.astimezone(BEIJING).strftime(TIME)
