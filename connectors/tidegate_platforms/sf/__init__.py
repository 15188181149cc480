"""SF's std/service on one's own machine: orders, routes, labels, and pushes in the three forms that are seen."""

from __future__ import annotations

from tidegate_platforms.sf.server import SFServer

__all__ = ["SFServer"]
