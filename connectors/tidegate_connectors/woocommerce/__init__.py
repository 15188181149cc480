"""WooCommerce shops through their REST interface. See docs/connectors/woocommerce.md."""

from __future__ import annotations

from tidegate_connectors.woocommerce.connector import connect
from tidegate_connectors.woocommerce.receiver import make_receiver

__all__ = ["connect", "make_receiver"]
