"""Notices to a group robot of WeCom (企业微信)."""

from __future__ import annotations

from tidegate_connectors.wecom.robot import connect

__all__ = ["connect"]
