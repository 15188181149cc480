"""A Douyin shop on one's own machine: orders, cipher text, tokens and signed pushes as its documents describe them."""

from __future__ import annotations

from tidegate_platforms.douyin.server import DouyinServer

__all__ = ["DouyinServer"]
