"""Notices to a group robot of DingTalk (钉钉)."""

from __future__ import annotations

from tidegate_connectors.dingtalk.robot import connect

__all__ = ["connect"]
