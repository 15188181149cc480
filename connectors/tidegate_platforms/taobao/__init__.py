"""TOP, Taobao's open platform, on one's own machine: trades, shipping, TMC messages, OAID, sessions.

Built from public documents; it refuses what they say is refused. Its signature check is its own.
"""

from __future__ import annotations

from tidegate_platforms.taobao.server import TaobaoServer

__all__ = ["TaobaoServer"]
