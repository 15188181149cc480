"""Fact documents of the gates, named as the vocabulary names them; what is unknown is absent.

Values have the engine's types (money, instants, tuples of text), so that a compiled set takes them
as they are; `engine.values.plain` makes JSON of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from tidegate.domain.addresses import same_city
from tidegate.domain.money import minor_digits
from tidegate.domain.rates import Quote
from tidegate.engine.values import Money
from tidegate.services.intake_checks import account_key
from tidegate.services.subjects import Subject
from tidegate.store.tables import OrderLine, Parcel, Scan, Stock, Warehouse

Facts = dict[str, Any]


def order_facts(subject: Subject) -> Facts:
    """Groups order, payment, recipient, items and shop."""
    order = subject.order
    money = _money(order.currency)
    return _known(
        {
            "order": _known(
                {
                    "number": order.number,
                    "channel": order.channel,
                    "shop": subject.shop.name,
                    "buyer": order.buyer,
                    "kind": order.kind,
                    "currency": order.currency,
                    "total": money(order.total_minor),
                    "goods_total": money(order.goods_total_minor),
                    "freight": money(order.freight_minor),
                    "discount": money(order.discount_minor),
                    "ordered_at": order.ordered_at,
                    "paid_at": order.paid_at,
                    "ship_by": order.ship_by,
                    "deliver_by": order.deliver_by,
                    "source_status": order.source_status,
                    "refund_status": order.refund_status or "none",
                    "state": order.state,
                    "state_since": order.state_since,
                    "buyer_memo": order.buyer_memo or "",
                    "seller_memo": order.seller_memo or "",
                    "seller_flag": order.seller_flag,
                    "tags": tuple(order.tags),
                    "delivery_wish": order.delivery_wish,
                    "promised_carrier": order.promised_carrier,
                    "invoice_wanted": order.invoice_wanted,
                    "line_count": len(subject.lines),
                    "quantity": sum(line.quantity for line in subject.lines),
                    "weight_g": order_weight_g(subject),
                    "issues": tuple(issue["field"] for issue in order.issues),
                    "manual_review": order.manual_review,
                    "account": account_key(order.tenant_id, order.channel, order.buyer),
                }
            ),
            "payment": _known(
                {
                    "status": order.payment_status,
                    "method": order.payment_method or "online",
                    "paid_total": money(order.paid_total_minor),
                    "cod_amount": money(order.cod_minor or 0),
                    "refund_total": money(order.refund_total_minor or 0),
                }
            ),
            "recipient": _known(
                {
                    "name": order.recipient_name,
                    "phone": order.recipient_phone,
                    "phone_valid": order.phone_valid,
                    "phone_kind": order.phone_kind,
                    "kind": order.recipient_kind,
                    "country": order.country,
                    "province": order.province,
                    "city": order.city,
                    "district": order.district,
                    "town": order.town,
                    "address": order.address,
                    "postcode": order.postcode,
                    "region_code": order.region_code,
                    "address_check": order.address_check,
                    "address_reason": order.address_reason,
                    "address_is_new": order.address_is_new,
                }
            ),
            "shop": {"name": subject.shop.name, "channel": subject.shop.channel},
            "items": [_item(subject, line) for line in subject.lines],
        }
    )


def stock_facts(subject: Subject) -> Facts:
    """Group stock: can one warehouse ship it all, and what is short."""
    wanted = wanted_units(subject)
    free = {sku: sum(subject.free(row) for row in subject.stock.get(sku, ())) for sku in wanted}
    short = {sku: units - free[sku] for sku, units in wanted.items() if units > free[sku]}
    coming = [
        row.expected_at
        for sku in short
        for row in subject.stock.get(sku, ())
        if row.expected_at is not None
    ]
    return {
        "stock": _known(
            {
                "one_warehouse": bool(wanted) and bool(full_warehouses(subject)),
                "short_units": sum(short.values()),
                "short_skus": tuple(sorted(short)),
                "expected_at": max(coming, default=None),
            }
        )
    }


def wanted_units(subject: Subject) -> dict[str, int]:
    """Units per SKU; a line without a SKU is wanted under the empty name, which no stock has."""
    wanted: dict[str, int] = {}
    for line in subject.lines:
        wanted[line.sku or ""] = wanted.get(line.sku or "", 0) + line.quantity
    return wanted


def full_warehouses(subject: Subject) -> list[tuple[Warehouse, list[Stock]]]:
    """Warehouses that hold every line in full, with the stock rows they would give."""
    wanted = wanted_units(subject)
    found = []
    for warehouse in subject.warehouses.values():
        rows = {
            sku: row
            for sku in wanted
            for row in subject.stock.get(sku, ())
            if row.warehouse_id == warehouse.id and subject.free(row) >= wanted[sku]
        }
        if wanted and len(rows) == len(wanted):
            found.append((warehouse, list(rows.values())))
    return found


def parcel_facts(
    subject: Subject,
    parcel: Parcel,
    quotes: Iterable[Quote] = (),
    scans: Iterable[Scan] = (),
    missing_units: int | None = None,
) -> Facts:
    """Groups parcel, quotes and scans beside the order's; `missing_units` of its promise are not there."""
    warehouse = subject.warehouses[parcel.warehouse_id]
    order = subject.order
    money = _money(parcel.currency)
    home = same_city((warehouse.province, warehouse.city), (order.province, order.city))
    facts = order_facts(subject)
    facts["parcel"] = _known(
        {
            "number": parcel.number,
            "state": parcel.state,
            "warehouse": warehouse.code,
            "warehouse_province": warehouse.province,
            "warehouse_city": warehouse.city,
            "goods_value": money(parcel.goods_value_minor),
            "weight_g": parcel.weight_g,
            "volume_cm3": order_volume_cm3(subject),
            "units": sum(line.quantity for line in subject.lines),
            "same_city": home,
            "fragile": any(p.fragile for p in subject.products.values()),
            "hazardous": any(p.hazardous for p in subject.products.values()),
            "cod_amount": money(order.cod_minor or 0),
            "carrier": parcel.carrier,
            "service": parcel.service_code,
            "promised_carrier": order.promised_carrier,
            "waybill_no": parcel.waybill_no,
            "deliver_by": order.deliver_by,
            "routed_at": parcel.routed_at,
            "waybill_at": parcel.waybill_at,
            "printed_at": parcel.printed_at,
            "handed_over_at": parcel.handed_over_at,
            "picked_up_at": parcel.picked_up_at,
            "last_scan_at": parcel.last_scan_at,
            "last_scan_state": parcel.last_scan_state,
            "out_for_delivery_at": parcel.out_for_delivery_at,
            "delivered_at": parcel.delivered_at,
            "failed_deliveries": parcel.failed_deliveries,
            "missing_units": missing_units,
        }
    )
    facts["quotes"] = [
        {
            "service": quote.service,
            "carrier": quote.carrier,
            "cost": _money(quote.currency)(quote.cost_minor),
            "transit": timedelta(hours=quote.transit_hours),
            "zone": quote.zone,
            "meets_promise": quote.meets_promise,
            "available": quote.available,
            "takes_recipient": quote.takes_recipient,
            "source": quote.source,
        }
        for quote in quotes
    ]
    facts["scans"] = [
        _known({"at": scan.at, "state": scan.state, "place": scan.place}) for scan in scans
    ]
    return facts


def order_weight_g(subject: Subject) -> int | None:
    """Grams of all units; unknown when one line's weight is."""
    weights = [(subject.weight_of(line), line.quantity) for line in subject.lines]
    if not weights or any(weight is None for weight, _ in weights):
        return None
    return sum((weight or 0) * quantity for weight, quantity in weights)


def order_volume_cm3(subject: Subject) -> int:
    """Sum of the units' boxes; products without a size count nothing."""
    total_mm3 = 0
    for line in subject.lines:
        found = subject.product(line)
        if found and found.length_mm and found.width_mm and found.height_mm:
            total_mm3 += found.length_mm * found.width_mm * found.height_mm * line.quantity
    return total_mm3 // 1000


def _item(subject: Subject, line: OrderLine) -> Facts:
    money = _money(subject.order.currency)
    found = subject.product(line)
    rows = subject.stock.get(line.sku or "")
    known = found is not None or bool(rows)
    return _known(
        {
            "sku": line.sku,
            "title": line.title,
            "spec": line.spec,
            "category": line.category or (found.category if found else None),
            "quantity": line.quantity,
            "unit_price": money(line.unit_price_minor),
            "line_total": money(line.line_total_minor),
            "weight_g": subject.weight_of(line),
            "available": sum(subject.free(row) for row in rows or ()) if known else None,
            "known": known,
            "fragile": found.fragile if found else None,
            "is_gift": bool(line.is_gift),
            "hazardous": found.hazardous if found else None,
            "refund_status": line.refund_status or "none",
        }
    )


def _money(currency: str) -> Callable[[int | None], Money | None]:
    """Minor units as the engine's money."""
    digits = minor_digits(currency)
    return lambda minor: None if minor is None else Money(Decimal(minor).scaleb(-digits), currency)


def _known(facts: Mapping[str, Any]) -> Facts:
    return {name: value for name, value in facts.items() if value is not None}
