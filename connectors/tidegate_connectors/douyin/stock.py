"""Units on sale, told to Douyin one SKU a call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidegate.errors import RemoteRefused
from tidegate.sdk.account import Account
from tidegate.sdk.values import Pushed, StockLevel
from tidegate_connectors.douyin.client import DouyinClient

SYNC = "sku.syncStock"


class DouyinStock:
    def __init__(self, account: Account, client: DouyinClient) -> None:
        self._warehouse, self._client = account.settings.get("out_warehouse_id", ""), client

    def push_stock(self, levels: Sequence[StockLevel]) -> Sequence[Pushed]:
        """Absolute figures: saying one twice changes nothing. A SKU that is refused stops no other.

        Raises:
            RemoteRetry: later, or no credentials; all levels are sent again then.
        """
        return [self._push(one) for one in levels]

    def _push(self, level: StockLevel) -> Pushed:
        asked: dict[str, Any] = {"stock_num": level.available, "incremental": False}
        asked |= {"sku_id": level.platform_sku} if level.platform_sku else {"code": level.sku}
        if warehouse := level.warehouse or self._warehouse:
            asked["out_warehouse_id"] = warehouse
        try:
            self._client.call(SYNC, asked)
        except RemoteRefused as error:
            return Pushed(error.code)
        return Pushed()
