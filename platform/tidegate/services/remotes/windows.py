"""Limits of calls: moving windows per account and API, in memory, or in Redis where several processes share them.

"Called too often" lowers a window: for a minute each call counts double, then fourfold and so on; and nothing is
sent before the time that the other side named. Without Redis each process counts for itself (docs/reliability).
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Iterable, Mapping, Sequence

import structlog
from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter

from tidegate.errors import InputError, RemoteWait
from tidegate.sdk.manifest import Limit

LOWERED_S = 60
SHORTEST_S, RACED_S = 0.01, 0.02
MOST_LOWERED = 4  # a sixteenth
LIMITS_SETTING = "limits"  # an account's own figures: `orders.list=300/60 *=20/1`
_WORD = re.compile(r"([A-Za-z0-9_.*-]{1,80})=([1-9][0-9]{0,6})/([1-9][0-9]{0,5})\Z")
log = structlog.get_logger()


class Windows:
    """Safe to share between threads. While Redis is away, this process goes on counting for itself."""

    def __init__(self, redis_url: str | None = None) -> None:
        self._own: MemoryStorage = MemoryStorage()
        self._shared = RedisStorage(redis_url) if redis_url else None
        self._away = _redis_errors() if redis_url else ()
        self._lock = threading.Lock()

    def take(self, account: str, api: str, limits: Iterable[Limit]) -> None:
        """Count one call.

        Raises:
            RemoteWait: too many, or the other side asked for a pause; `retry_after_s` says how long.
        """
        try:
            wait = self._take(self._shared or self._own, account, api, limits)
        except self._away:
            log.warning("windows.redis_away")
            wait = self._take(self._own, account, api, limits)
        if wait is not None:
            raise _too_many(api, wait)

    def throttled(self, account: str, api: str, wait_s: float | None) -> None:
        """The other side said that we call this too often."""
        try:
            self._throttled(self._shared or self._own, account, api, wait_s)
        except self._away:
            self._throttled(self._own, account, api, wait_s)

    def _take(
        self,
        storage: MemoryStorage | RedisStorage,
        account: str,
        api: str,
        limits: Iterable[Limit],
    ) -> float | None:
        stop = f"stop/{account}/{api}"
        if storage.get(stop):
            return max(storage.get_expiry(stop) - time.time(), 0.05)
        cost = 1 << min(storage.get(f"low/{account}/{api}"), MOST_LOWERED)
        strategy = MovingWindowRateLimiter(storage)
        with self._lock:  # looked at and taken together, within this process
            items = [
                (RateLimitItemPerSecond(one.calls, one.per_s), f"{account}/{one.api}", one.calls)
                for one in limits
                if one.api in (api, "*")
            ]
            for item, key, calls in items:
                if not strategy.test(item, key, cost=min(cost, calls)):
                    reset = strategy.get_window_stats(item, key).reset_time
                    return max(reset - time.time(), SHORTEST_S)
            for item, key, calls in items:
                if not strategy.hit(item, key, cost=min(cost, calls)):
                    return RACED_S  # another process was first
        return None

    def _throttled(
        self, storage: MemoryStorage | RedisStorage, account: str, api: str, wait_s: float | None
    ) -> None:
        storage.incr(f"low/{account}/{api}", LOWERED_S)
        if wait_s:
            stop = f"stop/{account}/{api}"
            storage.clear(stop)
            storage.incr(stop, math.ceil(wait_s))


def _redis_errors() -> tuple[type[Exception], ...]:
    import redis  # a fifth of a second that only those with a Redis should wait

    return (redis.RedisError,)


def limits_of(declared: Sequence[Limit], settings: Mapping[str, object]) -> tuple[Limit, ...]:
    """The manifest's limits, with an account's own figures in their place.

    Raises:
        InputError: the setting can't be read.
    """
    own = {}
    for word in str(settings.get(LIMITS_SETTING, "")).split():
        found = _WORD.match(word)
        if found is None:
            raise InputError(
                "account.limits",
                zh=f"限额 {word} 看不懂; 写法如 orders.list=300/60 表示每 60 秒 300 次, * 表示全部接口。",
                en=f"The limit {word!r} can't be read; orders.list=300/60 is 300 in 60 seconds, * is all calls.",
                field=LIMITS_SETTING,
            )
        api, calls, per_s = found.groups()
        own[api] = Limit(api, int(calls), int(per_s), "account")
    kept = [one for one in declared if one.api not in own]
    return (*kept, *own.values())


def _too_many(api: str, wait_s: float) -> RemoteWait:
    return RemoteWait(
        "remote.own_limit",
        zh=f"调用 {api} 已到限额, {wait_s:.1f} 秒后再试; 什么都没有发出。",
        en=f"The limit of calls to {api} is reached; next try in {wait_s:.1f} s, nothing was sent.",
        api=api,
        retry_after_s=wait_s,
    )
