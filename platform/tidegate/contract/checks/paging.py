"""Pages: every order once while nothing changes, none missing while things do, none lost at a window's border."""

from __future__ import annotations

from datetime import timedelta

from tidegate.bootstrap import utc_now
from tidegate.contract.bench import PAGE, Bench
from tidegate.contract.card import NotChecked, Wrong
from tidegate.contract.pulling import Pull, base, order, placed, pull, same
from tidegate.contract.registry import check
from tidegate.sdk.stage.protocol import HasOrders, SampleOrder

NEEDS, FACES = "pull_orders", (HasOrders,)
MANY = 4 * PAGE + 3
UNPAGED = 130  # where the size of a page can't be set
HOUR = timedelta(hours=1)


def count_for(bench: Bench) -> int:
    return MANY if "page_size" in bench.manifest.settings else UNPAGED


def since(bench: Bench) -> timedelta:
    return timedelta(minutes=count_for(bench) + 10)


@check(
    "pages", "分页不漏不重", "pages have no gaps and no doubles", needs=NEEDS, faces=FACES, order=10
)
def pages(bench: Bench) -> None:
    with bench.stand() as stand:
        until = base(bench.manifest.sync)
        expected = placed(stand, count_for(bench), until)
        done = pull(stand, until, since=until - since(bench))
        same(stand, expected)
        _paged(done)
        for (start, _), handed in done.watched.handed.items():
            twice = sorted(number for number, times in handed.items() if times > 1)
            if twice:
                raise Wrong(
                    f"{start:%H:%M} 起的窗口里, {len(twice)} 笔订单读了两次, 如 {twice[0]}: 有一页读了两遍。",
                    f"In the window from {start:%H:%M} {len(twice)} orders came twice, such as {twice[0]}: a page was "
                    "read twice.",
                )


def _paged(done: Pull) -> None:
    if done.watched.pages < 3:
        raise NotChecked(
            "订单没有分成几页: 请提供设置项 page_size, 或让协议服务器每页更少。",
            "The orders did not come in several pages: have a setting page_size, or smaller pages at the server.",
        )


@check(
    "pages-changing", "翻页时订单变化也不漏", "none is missed though orders change between pages",
    needs=NEEDS, faces=FACES, order=11,
)  # fmt: skip
def changing(bench: Bench) -> None:
    with bench.stand() as stand:
        until = base(bench.manifest.sync)
        expected = placed(stand, count_for(bench), until)
        late = until + timedelta(minutes=4)

        def between(page: int) -> None:
            """The first and the last of what is left change; one is new."""
            for number in (2 * page, len(expected) - 2 * page):
                stand.server.place(order(number, late, seller_note="改"))
            fresh = order(1_000 + page, late)
            stand.server.place(fresh)
            extra.append(fresh)

        extra: list[SampleOrder] = []
        pull(stand, until, since=until - since(bench), between=between)
        pull(
            stand,
            utc_now().replace(microsecond=0) - timedelta(seconds=bench.manifest.sync.lag_s // 2),
        )
        same(stand, [*expected, *extra])


@check(
    "window-borders", "窗口边界上的订单不丢", "orders modified at a window's border are kept",
    needs=NEEDS, faces=FACES, order=12,
)  # fmt: skip
def borders(bench: Bench) -> None:
    with bench.stand() as stand:
        until = base(bench.manifest.sync)
        first, lag = until - HOUR, timedelta(seconds=bench.manifest.sync.lag_s)
        second = timedelta(seconds=1)
        moments = [first - lag + second * n for n in (-1, 0, 1)]
        moments += [until - lag + second * n for n in (-1, 0, 1)]
        expected = [order(number, moment) for number, moment in enumerate(moments)]
        for one in expected:
            stand.server.place(one)
        pull(stand, first, since=first - HOUR)
        pull(stand, until)
        pull(stand, until + timedelta(minutes=5))
        same(stand, expected)
