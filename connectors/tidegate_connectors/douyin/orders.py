"""Orders of a shop: by window of change, one by number, and as what the mapping reads."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tidegate.sdk.account import Account
from tidegate.sdk.answers import broken
from tidegate.sdk.mapping.reading import OrderReader
from tidegate.sdk.values import OrderPage, Window
from tidegate.sdk.window import NumberedPages
from tidegate_connectors.douyin.client import DouyinClient

SEARCH, DETAIL = "order.searchList", "order.orderDetail"
MOST_PER_PAGE = 100


class DouyinOrders:
    def __init__(self, account: Account, client: DouyinClient) -> None:
        manifest, settings = account.manifest, account.settings
        self._manifest, self._client = manifest, client
        size = min(max(int(settings["page_size"]), 1), MOST_PER_PAGE)
        deepest = max(int(settings["deepest_row"]) // size, 1)
        self._pages = NumberedPages(size, first=0, most=deepest)
        self._reader = OrderReader(account)

    def pull_orders(self, window: Window, cursor: str) -> OrderPage:
        """Orders changed in the window; both ends in whole seconds, outwards: met twice rather than never.

        Raises:
            WindowTooLarge: the platform does not page that deep.
        """
        asked = {
            "update_time_start": math.floor(window.start.timestamp()),
            "update_time_end": math.ceil(window.end.timestamp()),
            "order_by": "update_time",
            "order_asc": True,
            "size": self._pages.size,
        }

        def fetch(page: int) -> tuple[Sequence[Any], int]:
            return self._listed(self._client.call(SEARCH, {**asked, "page": page}))

        rows, after = self._pages.read(fetch, cursor)
        return self._page(rows, SEARCH, after)

    def fetch_order(self, number: str) -> OrderPage:
        return self._page([self.detail(number)], DETAIL, None)

    def detail(self, number: str) -> Mapping[str, Any]:
        """The document of one order. Raises RemoteRefused when there is none."""
        data = self._client.call(DETAIL, {"shop_order_id": number})
        found = data.get("shop_order_detail") if isinstance(data, Mapping) else None
        if not isinstance(found, Mapping):
            raise broken(self._manifest, DETAIL)
        return found

    def count_of(self, start_s: int, end_s: int) -> int:
        """How many orders changed between two Unix seconds."""
        asked = {"update_time_start": start_s, "update_time_end": end_s, "page": 0, "size": 1}
        return self._listed(self._client.call(SEARCH, asked))[1]

    def _listed(self, data: Any) -> tuple[Sequence[Any], int]:
        rows = data.get("shop_order_list") if isinstance(data, Mapping) else None
        total = data.get("total") if isinstance(data, Mapping) else None
        if not isinstance(rows, list | None) or not str(total).isdigit():
            raise broken(self._manifest, SEARCH)
        return rows or [], int(str(total))

    def _page(self, rows: Sequence[Any], place: str, after: str | None) -> OrderPage:
        return self._reader.page([prepared(one) for one in rows], place, after)


def prepared(order: Any) -> Any:
    """`pay_amount` is what is to be paid; once there is a time of payment it is what was. Specifications are pairs."""
    if not isinstance(order, Mapping):
        return order
    lines = order.get("sku_order_list")
    made = {**order, "sku_order_list": [_line(one) for one in lines or [] if one]}
    if str(order.get("pay_time") or "0") != "0":
        made["paid_amount"] = order.get("pay_amount")
    return made


def _line(line: Any) -> Any:
    if not isinstance(line, Mapping) or not isinstance(line.get("spec"), list):
        return line
    pairs = [one for one in line["spec"] if isinstance(one, Mapping)]
    told = ";".join(f"{one.get('name', '')}:{one.get('value', '')}" for one in pairs)
    return {**line, "spec": told}


def numbers_of(order: Mapping[str, Any]) -> set[str]:
    """Every tracking number that the order has there."""
    parcels = order.get("logistics_info")
    rows = [one for one in parcels if isinstance(one, Mapping)] if isinstance(parcels, list) else []
    return {str(one["tracking_no"]) for one in rows if one.get("tracking_no")}
