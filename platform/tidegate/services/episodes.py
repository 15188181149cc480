"""The other recent orders to a phone or an address, one event each, for patterns over them.

Phones, addresses and buyers are marks that can only be compared: no personal data stands in an
episode.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from tidegate.domain.money import Money
from tidegate.services.intake_checks import MARK, account_key
from tidegate.services.subjects import PastOrder
from tidegate.store.tables import Order

EPISODES = ("phone_orders", "address_orders")
SPAN = timedelta(days=30)  # as far back as an episode reaches
MOST = 200  # of more orders the newest are kept


def episode(others: Iterable[PastOrder], order: Order) -> list[dict[str, Any]]:
    """Events as the vocabulary's `phone_order` has them, oldest first."""
    recent = sorted(others, key=lambda other: (other.at, other.id))[-MOST:]
    return [_event(other, order) for other in recent]


def _event(other: PastOrder, order: Order) -> dict[str, Any]:
    total = None
    if other.total_minor is not None and other.currency == order.currency:
        total = str(Money(other.total_minor, other.currency))
    found = {
        "at": other.at.isoformat(),
        "account": account_key(order.tenant_id, other.channel, other.buyer),
        "phone": _mark(other.phone_key),
        "address": _mark(other.address_key),
        "channel": other.channel,
        "shop": other.shop,
        "total": total,
        "came_back": other.returned_at is not None,
        "returned_at": other.returned_at.isoformat() if other.returned_at else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _mark(key: str | None) -> str | None:
    return key[:MARK] if key else None
