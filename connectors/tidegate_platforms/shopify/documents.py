"""Orders as GraphQL answers them. Every field that a client asks for by name is given; what it did not ask is not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tidegate_platforms.shopify.shop import ORDER, Held, Shop, line_id

LINES_PER_PAGE, OPEN_PER_PAGE = 10, 30


def order(held: Held, lines_after: int = 0) -> dict[str, Any]:
    sample = held.sample
    cancelled = held.updated_at.isoformat() if sample.state == "cancelled" else None
    closed = held.updated_at.isoformat() if sample.state == "completed" else None
    return {
        "id": ORDER + sample.number, "legacyResourceId": sample.number,
        "name": f"#{sample.number[-4:]}", "createdAt": sample.created_at.isoformat(),
        "updatedAt": held.updated_at.isoformat(), "processedAt": sample.created_at.isoformat(),
        "cancelledAt": cancelled, "closedAt": closed, "displayFinancialStatus": held.paid,
        "displayFulfillmentStatus": held.gone, "currencyCode": sample.currency,
        "totalPriceSet": money(sample.total, sample.currency),
        "subtotalPriceSet": money(sample.total, sample.currency),
        "totalShippingPriceSet": money(Decimal(0), sample.currency),
        "totalDiscountsSet": money(Decimal(0), sample.currency),
        "totalReceivedSet": money(
            sample.total if held.paid == "PAID" else Decimal(0), sample.currency
        ),
        "totalRefundedSet": money(Decimal(0), sample.currency),
        "note": sample.buyer_note or None, "tags": ["vip"],
        "shippingAddress": {
            "name": sample.name, "phone": sample.phone, "province": sample.province,
            "city": sample.city, "address1": sample.address, "address2": sample.district,
            "zip": "310000", "countryCodeV2": "CN",
        },
        "lineItems": lines(held, lines_after),
    }  # fmt: skip


def lines(held: Held, after: int) -> dict[str, Any]:
    sample = held.sample
    rows = list(enumerate(sample.lines))[after : after + LINES_PER_PAGE]
    more = after + LINES_PER_PAGE < len(sample.lines)
    return {
        "pageInfo": {
            "hasNextPage": more, "endCursor": str(after + LINES_PER_PAGE) if more else None,
        },
        "nodes": [
            {
                "id": line_id(sample.number, n), "sku": line.sku, "title": line.title,
                "variantTitle": None, "quantity": line.quantity, "currentQuantity": line.quantity,
                "variant": {"legacyResourceId": str(40_000_000_000_000 + n)},
                "originalUnitPriceSet": money(line.price, sample.currency),
                "discountedTotalSet": money(line.price * line.quantity, sample.currency),
            }
            for n, line in rows
        ],
    }  # fmt: skip


def parcels(held: Held, shop: Shop) -> dict[str, Any]:
    number = held.sample.number
    is_open = (
        held.gone in ("UNFULFILLED", "PARTIALLY_FULFILLED") and held.sample.state != "cancelled"
    )
    waiting = {"ON_HOLD": "ON_HOLD"}.get(held.gone, "CLOSED")
    return {
        "fulfillments": [
            {"id": f"gid://shopify/Fulfillment/{n}", "status": "SUCCESS", "trackingInfo": [one]}
            for n, one in enumerate(held.parcels)
        ],
        "fulfillmentOrders": {
            "nodes": [
                {
                    "id": f"gid://shopify/FulfillmentOrder/{number}",
                    "status": "OPEN" if is_open else waiting,
                    "lineItems": open_lines(held, shop, 0),
                }
            ]
        },
    }


def open_lines(held: Held, shop: Shop, after: int) -> dict[str, Any]:
    number, until = held.sample.number, after + OPEN_PER_PAGE
    more = until < len(held.sample.lines)
    return {
        "pageInfo": {"hasNextPage": more, "endCursor": str(until) if more else None},
        "nodes": [
            {
                "id": f"gid://shopify/FulfillmentOrderLineItem/{number}-{n}",
                "remainingQuantity": shop.remaining(held, n),
                "lineItem": {"id": line_id(number, n)},
            }
            for n in range(after, min(until, len(held.sample.lines)))
        ],
    }


def money(amount: Decimal, currency: str) -> dict[str, Any]:
    return {"shopMoney": {"amount": str(amount), "currencyCode": currency}}
