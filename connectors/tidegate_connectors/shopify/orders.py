"""Orders of a shop: by window of change, one by id, and as what the mapping reads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tidegate.sdk.account import Account
from tidegate.sdk.answers import broken, error_of
from tidegate.sdk.mapping.reading import OrderReader
from tidegate.sdk.values import OrderPage, Window
from tidegate_connectors.shopify import queries
from tidegate_connectors.shopify.client import ShopifyClient

LIST, ONE, LINES = "orders.list", "orders.get", "orders.lines"
MOST_PER_PAGE, MOST_LINE_PAGES = 100, 20
PREFIX = "gid://shopify/Order/"
NOT_FOUND = "NOT_FOUND"
PAID = ("PAID", "PARTIALLY_REFUNDED", "REFUNDED")


class ShopifyOrders:
    def __init__(self, account: Account, client: ShopifyClient) -> None:
        self._manifest, self._client = account.manifest, client
        self._size = min(max(int(account.settings["page_size"]), 1), MOST_PER_PAGE)
        self._reader = OrderReader(account)

    def pull_orders(self, window: Window, cursor: str) -> OrderPage:
        """Sorted by time of change; Shopify's cursor stands behind an order, so what changes meanwhile hides no other.
        Both ends are whole seconds, outwards: met twice rather than never.
        """
        start, end = _second(window.start), _second(window.end)
        asked = {
            "first": self._size,
            "after": cursor or None,
            "query": f"updated_at:>='{start}' AND updated_at:<='{end}'",
        }
        found = self._client.call(LIST, queries.LIST, asked).get("orders")
        rows, after = self._listed(found, LIST)
        return self._reader.page([self._whole(one) for one in rows], LIST, after)

    def fetch_order(self, number: str) -> OrderPage:
        return self._reader.page([self._whole(self._one(number))], ONE)

    def _one(self, number: str) -> Any:
        found = self._client.call(ONE, queries.ONE, {"id": order_id(number)}).get("order")
        if found is None:
            raise error_of(self._manifest, NOT_FOUND)
        return found

    def _whole(self, order: Any) -> Any:
        """With all its lines, prepared for the mapping."""
        if not isinstance(order, Mapping):
            return order
        lines, after = self._listed(order.get("lineItems"), LINES)
        for _ in range(MOST_LINE_PAGES):
            if after is None:
                break
            asked = {"id": order.get("id"), "after": after}
            data = self._client.call(LINES, queries.MORE_LINES, asked).get("order")
            found = data.get("lineItems") if isinstance(data, Mapping) else None
            more, after = self._listed(found, LINES)
            lines = [*lines, *more]
        return prepared(order, lines)

    def _listed(self, connection: Any, api: str) -> tuple[list[Any], str | None]:
        """(nodes, cursor of the next page)."""
        try:
            info, nodes = connection["pageInfo"], connection["nodes"]
            after = str(info["endCursor"]) if info["hasNextPage"] else None
        except (KeyError, TypeError):
            raise broken(self._manifest, api) from None
        if not isinstance(nodes, list):
            raise broken(self._manifest, api)
        return nodes, after


def prepared(order: Mapping[str, Any], lines: list[Any]) -> dict[str, Any]:
    """`state` is one word made of what Shopify says in four fields; `paidAt` is only there once it is paid; lines that
    were taken out of the order are gone.
    """
    kept = [one for one in lines if not isinstance(one, Mapping) or one.get("currentQuantity") != 0]
    return {
        **order,
        "state": _state(order),
        "paidAt": order.get("processedAt") if order.get("displayFinancialStatus") in PAID else None,
        "lines": [_line(one) for one in kept],
        "tags": ",".join(str(tag) for tag in order.get("tags") or ()),
    }


def _state(order: Mapping[str, Any]) -> str:
    paid = str(order.get("displayFinancialStatus") or "NONE")
    gone = str(order.get("displayFulfillmentStatus") or "UNFULFILLED")
    if order.get("cancelledAt") and paid != "REFUNDED":
        return f"CANCELLED/{paid}/{gone}"
    closed = order.get("closedAt") and gone == "FULFILLED" and paid != "REFUNDED"
    return f"CLOSED/{paid}/{gone}" if closed else f"{paid}/{gone}"


def _line(line: Any) -> Any:
    if not isinstance(line, Mapping):
        return line
    now = line.get("currentQuantity")
    return {**line, "units": line.get("quantity") if now is None else now}


def order_id(number: str) -> str:
    return f"{PREFIX}{number}"


def _second(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
