"""Notices to a custom robot of Feishu (飞书) or Lark."""

from __future__ import annotations

from tidegate_connectors.feishu.robot import connect

__all__ = ["connect"]
