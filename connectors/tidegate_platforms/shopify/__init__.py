"""A Shopify shop on one's own machine: the part of its GraphQL Admin API that order fulfilment needs."""

from __future__ import annotations

from tidegate_platforms.shopify.server import ShopifyServer

__all__ = ["ShopifyServer"]
