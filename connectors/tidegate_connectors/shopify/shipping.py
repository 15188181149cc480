"""Tracking numbers told to Shopify: a fulfilment of what is open, or of the lines that are in a parcel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidegate.errors import RemoteRefused
from tidegate.sdk.account import Account
from tidegate.sdk.answers import broken, error_of
from tidegate.sdk.carrier_codes import CarrierCodes
from tidegate.sdk.shop import Shipment
from tidegate_connectors.shopify import queries
from tidegate_connectors.shopify.client import ShopifyClient
from tidegate_connectors.shopify.orders import NOT_FOUND, order_id

PARCELS, LINES, FULFILL = "parcels.get", "parcels.lines", "fulfillments.add"
MOST_PAGES = 50
NOTHING_OPEN = "nothing_open"
OPEN = ("OPEN", "IN_PROGRESS")
DEAD = ("CANCELLED", "ERROR", "FAILURE")


class ShopifyShipping:
    def __init__(self, account: Account, client: ShopifyClient) -> None:
        self._manifest, self._client = account.manifest, client
        self._carriers = CarrierCodes(account)
        self._notify = account.settings["notify_customer"] == "yes"

    def ship(self, shipment: Shipment) -> None:
        """Safe to repeat: a number that the order has already is told."""
        company = self._carriers.of(shipment.carrier)
        order = self._order(shipment.order_number)
        if shipment.waybill_no in self._numbers(order):
            return
        groups = self._groups(order, shipment)
        if not groups:
            raise error_of(self._manifest, NOTHING_OPEN)
        fulfillment = {
            "lineItemsByFulfillmentOrder": groups,
            "trackingInfo": {"number": shipment.waybill_no, "company": company},
            "notifyCustomer": self._notify,
        }
        try:
            asked = {"fulfillment": fulfillment}
            self._client.change(FULFILL, queries.FULFILL, asked, "fulfillmentCreate")
        except RemoteRefused:
            if shipment.waybill_no not in self._numbers(self._order(shipment.order_number)):
                raise

    def shipped(self, order_number: str, parcel_number: str) -> str | None:
        """The number that the order has there; None where it has none, or several and can't say whose."""
        found = self._numbers(self._order(order_number))
        return next(iter(found)) if len(found) == 1 else None

    def _order(self, number: str) -> Mapping[str, Any]:
        found = self._client.call(PARCELS, queries.PARCELS, {"id": order_id(number)}).get("order")
        if found is None:
            raise error_of(self._manifest, NOT_FOUND)
        if not isinstance(found, Mapping):
            raise broken(self._manifest, PARCELS)
        return found

    def _numbers(self, order: Mapping[str, Any]) -> set[str]:
        try:
            return {
                str(info["number"])
                for one in order["fulfillments"]
                if one["status"] not in DEAD
                for info in one["trackingInfo"]
                if info.get("number")
            }
        except (KeyError, TypeError, AttributeError):
            raise broken(self._manifest, PARCELS) from None

    def _groups(self, order: Mapping[str, Any], shipment: Shipment) -> list[dict[str, Any]]:
        """The fulfilment orders that are open, whole; with items in the shipment their lines."""
        wanted = {one.sub_number: one.quantity for one in shipment.items if one.sub_number}
        try:
            found = [one for one in order["fulfillmentOrders"]["nodes"] if one["status"] in OPEN]
            if not wanted:
                return [{"fulfillmentOrderId": one["id"]} for one in found]
            groups = [
                {"fulfillmentOrderId": one["id"], "fulfillmentOrderLineItems": lines}
                for one in found
                if (lines := _lines(self._open_lines(one), wanted))
            ]
        except (KeyError, TypeError):
            raise broken(self._manifest, PARCELS) from None
        if any(wanted.values()):
            raise error_of(self._manifest, NOTHING_OPEN)  # not all that left is open there
        return groups

    def _open_lines(self, order: Mapping[str, Any]) -> list[Any]:
        """All lines of a fulfilment order."""
        lines, page = list(order["lineItems"]["nodes"]), order["lineItems"]["pageInfo"]
        for _ in range(MOST_PAGES):
            if not page["hasNextPage"]:
                break
            asked = {"id": order["id"], "after": page["endCursor"]}
            found = self._client.call(LINES, queries.MORE_OPEN, asked)["fulfillmentOrder"]
            lines, page = lines + found["lineItems"]["nodes"], found["lineItems"]["pageInfo"]
        return lines


def _lines(nodes: list[Any], wanted: dict[str, int]) -> list[dict[str, Any]]:
    """What is taken of these lines; `wanted` goes down by it."""
    taken = []
    for node in nodes:
        line = str(node["lineItem"]["id"])
        units = min(int(node["remainingQuantity"]), wanted.get(line, 0))
        if units > 0:
            wanted[line] -= units
            taken.append({"id": node["id"], "quantity": units})
    return taken
