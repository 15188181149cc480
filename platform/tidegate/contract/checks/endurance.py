"""Clocks, limits and tokens: what goes wrong without anybody doing wrong."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from tidegate.contract.bench import Bench, Stand
from tidegate.contract.card import NotChecked, Wrong
from tidegate.contract.checks.paging import count_for, since
from tidegate.contract.checks.signing import probe
from tidegate.contract.pulling import base, placed, pull, same
from tidegate.contract.registry import check
from tidegate.errors import RemoteCredentials, RemoteRetry, TidegateError
from tidegate.sdk.stage.protocol import Fault, HasLimits, HasOrders, HasTokens

AHEAD_S = 600
ATTEMPTS = 4
CALLS, PER_S = 4, 1
TOLERANCE = 1.02
JITTER_S = 0.2  # a call may take longer to arrive than the next


@check(
    "clock-skew",
    "对方时钟快十分钟也能用, 或说明原因",
    "a server ten minutes ahead works, or the error says why",
    order=60,
)
def clock_skew(bench: Bench) -> None:
    with bench.stand() as stand:
        stand.server.skew(AHEAD_S)
        error: TidegateError | None = None
        for _ in range(ATTEMPTS):
            error = probe(stand)
            if error is None:
                return
        code = error.code if error else ""
        told = f"{code} {error}".lower()
        if isinstance(error, RemoteCredentials) or not any(
            w in told for w in ("clock", "time", "stamp")
        ):
            raise Wrong(
                f"对方时钟快 10 分钟时始终失败, 且没有说是时钟 ({code}): 签名时间用 http.now()。",
                "With the server ten minutes ahead every call failed and nothing names the clock "
                f"({code}): sign with http.now().",
            )


@check(
    "rate-limits", "不超过限额, 被限流后稍后再来, 一单不丢",
    "limits are kept; throttled calls come later, nothing is lost",
    needs="pull_orders", faces=(HasOrders, HasLimits), order=61,
)  # fmt: skip
def rate_limits(bench: Bench) -> None:
    with bench.stand({"limits": f"*={CALLS}/{PER_S}"}, limited=True) as stand:
        stand.server.limits = {}
        until = base(bench.manifest.sync)
        expected = placed(stand, count_for(bench), until)
        _patiently(stand, until, since(bench))
        same(stand, expected)
        _within(stand)
    with bench.stand() as stand:
        until = base(bench.manifest.sync)
        expected = placed(stand, count_for(bench), until)
        stand.server.fail(Fault.THROTTLED, times=1, skip=1)
        done = pull(stand, until, since=until - since(bench), patient=True)
        same(stand, expected)
        if not any(isinstance(one, RemoteRetry) for one in done.troubles):
            raise Wrong(
                "平台说“太频繁”时没有抛出 RemoteRetry: 连接器自己立刻重试, 或吞掉了它。",
                "Told to slow down, the connector raised no RemoteRetry: it tried again at once or swallowed it.",
            )


def _patiently(stand: Stand, until: datetime, back: timedelta) -> None:
    """Read on whenever the account's own limit says when."""
    start: datetime | None = until - back
    for _ in range(60):
        try:
            pull(stand, until, since=start)
            return
        except RemoteRetry as error:
            start = None
            time.sleep(min(float(str(error.fields.get("retry_after_s", 0.1))), 1.5))
    raise Wrong("限额之下读不完。", "Within the limits the reading did not end.")


def _within(stand: Stand) -> None:
    times = [call.at_s for call in stand.server.calls]
    most = max(sum(1 for other in times if at <= other < at + PER_S - JITTER_S) for at in times)
    if len(times) <= CALLS:
        raise NotChecked("调用太少, 没有碰到限额。", "Too few calls to meet the limit.")
    if most > CALLS * TOLERANCE:
        raise Wrong(
            f"{PER_S} 秒内发出 {most} 次, 限额 {CALLS}: 有调用没有经过账号的 http。",
            f"{most} calls within {PER_S} s, the limit is {CALLS}: some don't go through the account's http.",
        )


@check(
    "token-expiry", "翻页中途令牌过期也读完", "a token that ends between pages is renewed",
    needs="pull_orders refresh_tokens", faces=(HasOrders, HasTokens), order=62,
)  # fmt: skip
def token_expiry(bench: Bench) -> None:
    with bench.stand() as stand:
        until = base(bench.manifest.sync)
        expected = placed(stand, count_for(bench), until)

        def between(page: int) -> None:
            if page == 1:
                stand.server.expire_tokens()

        pull(stand, until, since=until - since(bench), between=between, patient=True)
        same(stand, expected)
