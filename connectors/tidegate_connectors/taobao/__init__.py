"""Taobao and Tmall through TOP, Taobao's open platform. See docs/connectors/taobao.md."""

from __future__ import annotations

from tidegate_connectors.taobao.connector import connect

__all__ = ["connect"]
