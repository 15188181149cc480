"""Facts that follow from what is left, and the service a strategy picks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from tidegate.domain.money import Money as Amount
from tidegate.domain.rates import Quote, choose
from tidegate.engine.decisions import Outcome
from tidegate.engine.operations import wildcard
from tidegate.engine.values import fold, parse_decimal, parse_duration, parse_money


def renew_stock(facts: dict[str, Any]) -> dict[str, Any]:
    """The group `stock`, where the document has it, from what its lines still find available.

    The document says nothing about single warehouses: one can ship all when nothing is short.
    """
    if not isinstance(facts.get("stock"), Mapping):
        return facts
    wanted: dict[str, Decimal] = {}
    free: dict[str, Decimal] = {}
    for row in facts.get("items") or ():
        sku = str(row.get("sku") or "")
        wanted[sku] = wanted.get(sku, Decimal(0)) + parse_decimal(row.get("quantity") or 0)
        free[sku] = parse_decimal(row.get("available") or 0)
    short = {sku: units - free[sku] for sku, units in wanted.items() if units > free[sku]}
    stock = {
        **facts["stock"],
        "short_units": sum(short.values(), Decimal(0)),
        "short_skus": tuple(sorted(short)),
        "one_warehouse": bool(wanted) and not short and facts["stock"].get("one_warehouse", True),
    }
    return {**facts, "stock": stock}


def service_chosen(outcome: Outcome, facts: Mapping[str, Any], actions: Sequence[Outcome]) -> str:
    """The service that `choose` comes to, among the document's quotes that no action excludes."""
    patterns = [fold(str(one.args["service"])) for one in actions if one.action == "exclude"]
    quotes = [
        quote
        for quote in map(_quote, facts.get("quotes") or ())
        if quote
        and quote.takes_recipient
        and not any(wildcard(fold(quote.service), pattern) for pattern in patterns)
    ]
    best = choose(str(outcome.args["by"]), quotes) if quotes else None
    return best.service if best else ""


def _quote(row: Mapping[str, Any]) -> Quote | None:
    """A quote of a document; None when its price or time is unknown."""
    if row.get("cost") is None or row.get("transit") is None:
        return None
    cost, transit = parse_money(row["cost"]), parse_duration(row["transit"])
    return Quote(
        service=str(row.get("service") or ""),
        carrier=str(row.get("carrier") or ""),
        cost_minor=Amount.of(cost.amount, cost.currency).minor,
        currency=cost.currency,
        transit_hours=int(transit.total_seconds() // 3600),
        zone=str(row.get("zone") or ""),
        meets_promise=bool(row.get("meets_promise")),
        available=bool(row.get("available", True)),
        takes_recipient=bool(row.get("takes_recipient", True)),
    )
