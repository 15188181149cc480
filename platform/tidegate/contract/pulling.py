"""Orders put at a platform and pulled the real way, with a look at each page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tidegate.bootstrap import utc_now
from tidegate.contract import canaries
from tidegate.contract.bench import Stand
from tidegate.contract.card import Wrong
from tidegate.errors import RemoteCredentials, RemoteRetry, RemoteUnknown, TidegateError
from tidegate.sdk.manifest import Sync
from tidegate.sdk.stage.protocol import SampleLine, SampleOrder
from tidegate.sdk.values import OrderPage, Window
from tidegate.services.syncing import position
from tidegate.services.syncing.pulling import Source, pull_orders

FIRST = 40_000_000_000_000_000_000  # twenty digits: no float and no 64-bit number holds it
MOST_RUNS = 30
MOST_TROUBLES = 12


@dataclass
class Watched:
    """The connector with an ear at its pages. `between` is called after each page that has a next one."""

    made: Any
    between: Callable[[int], None] | None = None
    pages: int = 0
    handed: dict[tuple[datetime, datetime], Counter[str]] = field(default_factory=dict)
    drafts: dict[str, Any] = field(default_factory=dict)

    def pull_orders(self, window: Window, cursor: str) -> OrderPage:
        page: OrderPage = self.made.pull_orders(window, cursor)
        self.pages += 1
        counted = self.handed.setdefault((window.start, window.end), Counter())
        counted.update(draft.number for draft in page.drafts)
        self.drafts |= {draft.number: draft for draft in page.drafts}
        if self.between and page.cursor is not None:
            self.between(self.pages)
        return page


@dataclass
class Pull:
    watched: Watched
    troubles: list[TidegateError] = field(default_factory=list)


def base(sync: Sync) -> datetime:
    """When the first reading ends: long enough ago for changes after it to be readable too."""
    return utc_now().replace(microsecond=0) - timedelta(seconds=sync.lag_s + 600)


def order(number: int, at: datetime, **fields: Any) -> SampleOrder:
    """A paid order of one line, changed at `at`."""
    made = SampleOrder(
        str(FIRST + number), at - timedelta(minutes=2), at,
        (SampleLine("KETTLE-BK", "手冲壶 1.2 L", 3, Decimal("33.33")),), Decimal("99.99"),
        name=canaries.NAME, phone=canaries.PHONE, address=canaries.ADDRESS,
    )  # fmt: skip
    return replace(made, **fields)


def placed(stand: Stand, count: int, until: datetime) -> list[SampleOrder]:
    """Orders a minute apart, the last five in one second (ties at a page's border)."""
    found = []
    for number in range(count):
        ago = timedelta(seconds=60 * max(count - number, 5) + 60)
        found.append(order(number, until - ago))
        stand.server.place(found[-1])
    return found


def pull(
    stand: Stand,
    now: datetime,
    *,
    since: datetime | None = None,
    between: Callable[[int], None] | None = None,
    patient: bool = False,
) -> Pull:
    """Read up to `now`; `patient`: as the job table does, again after what is told to be tried later.

    Raises:
        What the connector raises, unless `patient` and it is for later.
    """
    done = Pull(Watched(stand.made, between))
    if since is not None:
        position.reset(stand.context, stand.source, since)
    for _ in range(MOST_RUNS):
        context = replace(stand.context, clock=lambda: now)
        try:
            if not pull_orders(
                context, Source(stand.source, done.watched, stand.manifest.sync)
            ).behind:
                return done
        except TidegateError as error:
            stand.heard.note_error(error)
            later = isinstance(error, RemoteRetry | RemoteUnknown)
            done.troubles.append(error)
            if not patient or not later or isinstance(error, RemoteCredentials):
                raise
            if len(done.troubles) > MOST_TROUBLES:
                raise
            stand.renewed()
            done.watched.made = stand.made
    raise Wrong(
        f"拉取 {MOST_RUNS} 轮仍未结束: 游标没有走到头。",
        f"The pull did not end in {MOST_RUNS} runs: its cursors lead nowhere.",
    )


def same(stand: Stand, expected: list[SampleOrder]) -> None:
    """The store has exactly these orders. Raises Wrong with the numbers."""
    found, wanted = {one.number for one in stand.orders()}, {one.number for one in expected}
    missing, strange = sorted(wanted - found), sorted(found - wanted)
    if missing:
        raise Wrong(
            f"少了 {len(missing)} 笔订单 (共 {len(wanted)}), 如 {missing[0]}: 有一页没有读到, 或错误被吞掉。",
            f"{len(missing)} of {len(wanted)} orders are missing, such as {missing[0]}: a page was not read or an "
            "error was swallowed.",
        )
    if strange:
        raise Wrong(
            f"多了 {len(strange)} 笔没有的订单, 如 {strange[0]}: 单号被改写。",
            f"{len(strange)} orders are there that nobody placed, such as {strange[0]}: numbers were changed.",
        )
