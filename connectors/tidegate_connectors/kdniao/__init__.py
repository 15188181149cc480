"""快递鸟 KDNiao: waybills, tracking and freight of many couriers through one aggregator (docs/connectors/kdniao.md)."""

from __future__ import annotations

from tidegate_connectors.kdniao.connector import KDNiao, connect
from tidegate_connectors.kdniao.receiver import KDNiaoReceiver, make_receiver

__all__ = ["KDNiao", "KDNiaoReceiver", "connect", "make_receiver"]
