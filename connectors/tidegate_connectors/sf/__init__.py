"""顺丰丰桥 SF Express, direct: waybills, routes by query and push, labels (docs/connectors/sf.md)."""

from __future__ import annotations

from tidegate_connectors.sf.connector import SF, connect
from tidegate_connectors.sf.receiver import SFReceiver, make_receiver

__all__ = ["SF", "SFReceiver", "connect", "make_receiver"]
