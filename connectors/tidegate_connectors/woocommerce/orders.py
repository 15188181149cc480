"""Orders of a shop: by window of change, one by id, and as what the mapping reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from tidegate.sdk.account import Account
from tidegate.sdk.answers import broken
from tidegate.sdk.mapping.reading import OrderReader
from tidegate.sdk.values import OrderPage, Window
from tidegate.sdk.window import NumberedPages
from tidegate_connectors.woocommerce.client import WooClient
from tidegate_connectors.woocommerce.regions import province

LIST, ONE = "orders.list", "orders.get"
MOST_PER_PAGE = 100
PAID = ("processing", "completed")
MONEY = {
    **dict.fromkeys(("pending", "on-hold", "checkout-draft", "cancelled", "failed", "trash"), "unpaid"),
    "refunded": "refunded",
}  # fmt: skip
TIMES = ("date_created_gmt", "date_paid_gmt", "date_modified_gmt")


class WooOrders:
    def __init__(self, account: Account, client: WooClient) -> None:
        self._manifest, self._client = account.manifest, client
        size = min(max(int(account.settings["page_size"]), 1), MOST_PER_PAGE)
        self._pages = NumberedPages(size)
        self._reader = OrderReader(account)

    def pull_orders(self, window: Window, cursor: str) -> OrderPage:
        """WooCommerce leaves out the ends it is told, so they are told a second further out."""
        asked = {
            "modified_after": _second(window.start - timedelta(seconds=1)),
            "modified_before": _second(window.end + timedelta(seconds=1)),
            "dates_are_gmt": "true",
            "status": "any",
            "orderby": "modified",
            "order": "asc",
            "per_page": str(self._pages.size),
        }

        def fetch(page: int) -> tuple[Sequence[Any], int]:
            answer = self._client.get(LIST, "/orders", {**asked, "page": str(page)})
            rows, total = answer.json(), answer.headers.get("x-wp-total", "")
            if not isinstance(rows, list) or not total.isdigit():
                raise broken(self._manifest, LIST)
            return rows, int(total)

        rows, after = self._pages.read(fetch, cursor)
        return self._reader.page([prepared(one) for one in rows], LIST, after)

    def fetch_order(self, number: str) -> OrderPage:
        return self._reader.page([prepared(self.order(number))], ONE)

    def order(self, number: str) -> Mapping[str, Any]:
        """The document of one order. Raises RemoteRefused when there is none."""
        found = self._client.get(ONE, f"/orders/{quote(number, safe='')}").json()
        if not isinstance(found, Mapping):
            raise broken(self._manifest, ONE)
        return found


def prepared(order: Any) -> Any:
    """Times with their offset; the address that goods go to with a name and a phone."""
    if not isinstance(order, Mapping):
        return order
    times = {name: f"{order[name]}Z" for name in TIMES if order.get(name)}
    lines = [_line(one) for one in order.get("line_items") or ()]
    money = _paid(order)
    return {**order, **times, "to": _recipient(order), "line_items": lines, "money": money}


def _paid(order: Mapping[str, Any]) -> str:
    """WooCommerce says it by the status: `processing` is paid, unless the courier collects (then it has no time of
    payment). Nothing for a status that a plugin made up.
    """
    status = str(order.get("status") or "")
    if status in PAID and order.get("payment_method") == "cod" and not order.get("date_paid_gmt"):
        return "unpaid"
    return "paid" if status in PAID else MONEY.get(status, "")


def _line(line: Any) -> Any:
    """Variation 0 is none."""
    if not isinstance(line, Mapping) or line.get("variation_id"):
        return line
    return {**line, "variation_id": None}


def _recipient(order: Mapping[str, Any]) -> dict[str, Any]:
    """The billing address where there is none to ship to; a Chinese name is written in its own order."""
    billing, shipping = order.get("billing") or {}, order.get("shipping") or {}
    where = shipping if shipping.get("address_1") else billing
    first, last = str(where.get("first_name") or ""), str(where.get("last_name") or "")
    chinese = any("一" <= sign <= "鿿" for sign in first + last)
    name = last + first if chinese else f"{first} {last}".strip()
    phone = where.get("phone") or billing.get("phone")
    return {**where, "name": name, "phone": phone, "state": province(str(where.get("state") or ""))}


def _second(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
