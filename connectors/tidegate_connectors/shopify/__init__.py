"""Shopify shops through the GraphQL Admin API. See docs/connectors/shopify.md."""

from __future__ import annotations

from tidegate_connectors.shopify.connector import connect
from tidegate_connectors.shopify.receiver import make_receiver

__all__ = ["connect", "make_receiver"]
