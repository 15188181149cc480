"""Douyin shops (抖店) through the Douyin e-commerce open platform. See docs/connectors/douyin.md."""

from __future__ import annotations

from tidegate_connectors.douyin.connector import connect
from tidegate_connectors.douyin.receiver import make_receiver

__all__ = ["connect", "make_receiver"]
