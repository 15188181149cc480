"""Jushuitan's open platform on one's own machine: orders, sending, stock, counts and tokens.

Built from public documents; its signature check is its own.
"""

from __future__ import annotations

from tidegate_platforms.jushuitan.server import JushuitanServer

__all__ = ["JushuitanServer"]
