"""Stock: goods whose stock changed, page by page, and counts of ours put into the ERP."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tidegate.errors import RemoteRefused
from tidegate.sdk.account import Account
from tidegate.sdk.values import Pushed, StockLevel, StockPage
from tidegate.sdk.window import NumberedPages
from tidegate_connectors.jushuitan.client import JstClient, written

QUERY, COUNT = "/open/inventory/query", "/open/jushuitan/inventoryv2/upload"
WEEK = timedelta(days=7)  # the longest window
SIZE = 100  # SKUs of a call
Row = Mapping[str, Any]
HELD: Mapping[str, Callable[[Row], int]] = {  # what of `qty` may not be sold
    "qty": lambda row: 0,
    "qty-order_lock": lambda row: _units(row, "order_lock"),
    "qty-order_lock+virtual_qty": lambda row: (
        _units(row, "order_lock") - _units(row, "virtual_qty")
    ),
}


class JstStock:
    def __init__(self, account: Account, client: JstClient) -> None:
        settings = account.settings
        self._account, self._client = account, client
        self._house, self._ours = settings["wms_co_id"], settings.get("warehouse", "")
        self._days = timedelta(days=max(1, int(settings["stock_days"])))
        self._held = HELD[settings["sellable"]]
        self._pages = NumberedPages(min(max(int(settings["page_size"]), 1), SIZE))

    def pull_stock(self, cursor: str) -> StockPage:
        """Goods that changed in the days of the settings; `cursor` is `end start page`, in Unix seconds."""
        now = int(self._account.http.now().timestamp())
        first = now - int(self._days.total_seconds())
        end, start, page = (cursor or f"{now} {first} ").split(" ")
        until = min(int(start) + int(WEEK.total_seconds()), int(end))
        asked = {
            "modified_begin": written(datetime.fromtimestamp(int(start), UTC)),
            "modified_end": written(datetime.fromtimestamp(until, UTC)),
        }

        def fetch(number: int) -> tuple[Sequence[Any], int]:
            found = self._query({**asked, "page_index": number, "page_size": self._pages.size})
            return _rows(found), int(found.get("data_count") or 0)

        rows, after = self._pages.read(fetch, page)
        levels = [self._level(row) for row in rows if isinstance(row, Mapping)]
        if after is not None:
            return StockPage(levels, f"{end} {start} {after}")
        return StockPage(levels, f"{end} {until} " if until < int(end) else None)

    def push_stock(self, levels: Sequence[StockLevel]) -> Sequence[Pushed]:
        """A count per hundred SKUs. Counts are absolute: a repeat does no harm."""
        answers: list[Pushed] = []
        for start in range(0, len(levels), SIZE):
            some = levels[start : start + SIZE]
            answers += self._counted(some, self._known([one.sku for one in some]))
        return answers

    def _counted(self, levels: Sequence[StockLevel], known: Mapping[str, Row]) -> list[Pushed]:
        """What is refused is halved until it is known which SKU it was."""
        items = [
            {
                "sku_id": one.sku,
                "qty": max(0, one.available + self._held(known.get(one.sku, {}))),
            }
            for one in levels
        ]
        try:
            self._client.call(COUNT, self._count(items))
        except RemoteRefused as error:
            if len(levels) == 1:
                return [Pushed(error.code)]
            half = len(levels) // 2
            return self._counted(levels[:half], known) + self._counted(levels[half:], known)
        return [Pushed()] * len(levels)

    def _count(self, items: Sequence[Mapping[str, object]]) -> dict[str, object]:
        now = self._account.http.now()
        mark = hashlib.sha256(repr(items).encode()).hexdigest()[:8]
        made: dict[str, object] = {
            "so_id": f"TG{now:%Y%m%d%H%M%S}-{mark}", "warehouse": "1", "type": "check",
            "is_confirm": True, "remark": "Tidegate", "items": items,
        }  # fmt: skip
        return made if self._house == "0" else {**made, "wms_co_id": int(self._house)}

    def _known(self, skus: Sequence[str]) -> Mapping[str, Row]:
        """What the ERP has locked of these: a count must leave as many to sell as we say."""
        found = self._query({"sku_ids": ",".join(skus), "page_index": 1, "page_size": SIZE})
        return {str(row.get("sku_id")): row for row in _rows(found) if isinstance(row, Mapping)}

    def _query(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._client.call(
            QUERY, {"wms_co_id": int(self._house), "has_lock_qty": True, **asked}
        )

    def _level(self, row: Row) -> StockLevel:
        free = max(0, _units(row, "qty") - self._held(row))
        return StockLevel(str(row.get("sku_id", "")), free, self._ours)


def _rows(found: Mapping[str, Any]) -> Sequence[Any]:
    rows = found.get("inventorys")
    return rows if isinstance(rows, list) else ()


def _units(row: Row, name: str) -> int:
    return int(row.get(name) or 0)
