"""Notices as JSON to an address of one's own, signed by Standard Webhooks."""

from __future__ import annotations

from tidegate_connectors.notify_webhook.poster import connect

__all__ = ["connect"]
