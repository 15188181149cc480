"""Orders as WooCommerce writes them: times in GMT without an offset, money as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tidegate.sdk.stage.protocol import SampleOrder

STATUS = {
    "unpaid": "pending", "paid_hold": "on-hold", "to_ship": "processing", "shipped": "completed",
    "part_shipped": "processing", "delivered": "completed", "completed": "completed",
    "cancelled": "cancelled", "refunded": "refunded",
}  # fmt: skip


@dataclass(slots=True)
class Held:
    sample: SampleOrder
    status: str
    modified_at: datetime
    meta: dict[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        order = self.sample
        paid = None if self.status in ("pending", "cancelled") else gmt(order.created_at)
        return {
            "id": int(order.number), "number": order.number, "status": self.status,
            "currency": order.currency, "date_created_gmt": gmt(order.created_at),
            "date_modified_gmt": gmt(self.modified_at), "date_paid_gmt": paid,
            "total": str(order.total), "shipping_total": "0.00", "discount_total": "0.00",
            "customer_note": order.buyer_note, "payment_method": "alipay",
            "billing": {"phone": order.phone, "email": "a@example.com"},
            "shipping": self._shipping(),
            "meta_data": [
                {"id": n, "key": key, "value": value}
                for n, (key, value) in enumerate(self.meta.items(), 1)
            ],
            "line_items": [
                {
                    "id": n, "sku": line.sku, "name": line.title, "quantity": line.quantity,
                    "product_id": 90 + n, "variation_id": 0, "price": float(line.price),
                    "total": str(line.price * line.quantity),
                }
                for n, line in enumerate(order.lines, 1)
            ],
        }  # fmt: skip

    def _shipping(self) -> Mapping[str, str]:
        order = self.sample
        return {
            "first_name": order.name[1:], "last_name": order.name[:1], "country": "CN",
            "state": "CN12", "city": order.city, "address_1": order.address,
            "address_2": order.district, "postcode": "310000", "phone": "",
        }  # fmt: skip


def gmt(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
