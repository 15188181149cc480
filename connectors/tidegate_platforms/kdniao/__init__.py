"""KDNiao on one's own machine: orders, traces, subscriptions and signed pushes as its documents describe them."""

from __future__ import annotations

from tidegate_platforms.kdniao.server import KDNiaoServer

__all__ = ["KDNiaoServer"]
