"""What the tests of notices share."""

from __future__ import annotations

from tidegate.sdk.values import Notice

NOTICE = Notice(
    "alerts:1:7", "潮闸告警: 2 条", ["[警告] 打单超时 · 订单 880011", "[严重] 丢件 · 订单 880012 <at>"],
    "https://tidegate.example.com/alerts", urgent=True,
)  # fmt: skip
