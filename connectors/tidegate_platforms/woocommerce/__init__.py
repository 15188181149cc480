"""A WooCommerce shop on one's own machine: the part of its REST interface that order fulfilment needs."""

from __future__ import annotations

from tidegate_platforms.woocommerce.server import WooServer

__all__ = ["WooServer"]
