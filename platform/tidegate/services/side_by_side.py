"""Calls to others, a few at a time: most of a call is waiting, and some wait for their time limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

IN_PARALLEL = 8
Item = TypeVar("Item")
Answer = TypeVar("Answer")


def side_by_side(act: Callable[[Item], Answer], items: Sequence[Item]) -> list[Answer]:
    """What each item's call answers, in the order of the items."""
    if len(items) == 1:
        return [act(items[0])]
    with ThreadPoolExecutor(IN_PARALLEL, thread_name_prefix="calls") as pool:
        return list(pool.map(act, items))
