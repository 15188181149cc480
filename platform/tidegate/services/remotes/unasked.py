"""Our own database away before a call: nothing was sent, so it must not count as asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tidegate.errors import RemoteWait, Unavailable

AGAIN_S = 5


@contextmanager
def before_a_call(api: str) -> Iterator[None]:
    """Raises RemoteWait where what is looked up before a call can't be."""
    try:
        yield
    except Unavailable as error:
        raise RemoteWait(
            "remote.own_database",
            zh=f"本机数据库暂时不可用 ({api}), 稍后再试; 什么都没有发出。",
            en=f"Our own database is away just now ({api}); it is tried again, nothing was sent.",
            api=api,
            retry_after_s=AGAIN_S,
        ) from error
