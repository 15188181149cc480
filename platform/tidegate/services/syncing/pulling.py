"""Pull orders of one account: each page is stored before the next is asked for, so a crash repeats one page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from tidegate.errors import RemoteBroken
from tidegate.sdk.capabilities import PullsOrders
from tidegate.sdk.manifest import Sync
from tidegate.sdk.source import Batch
from tidegate.sdk.values import OrderPage
from tidegate.sdk.window import WindowTooLarge, halved, next_window
from tidegate.services.context import Context
from tidegate.services.intake import import_orders
from tidegate.services.intake_report import ImportReport
from tidegate.services.syncing.position import Kept, load, save

log = structlog.get_logger()
MOST_PAGES = 50  # a run; the next one goes on where it stopped
MOST_PROBLEMS = 1_000  # kept of one run; the counts are always complete


@dataclass(frozen=True, slots=True)
class Source:
    """An account that orders are pulled from. `name` is `connector:account`."""

    name: str
    connector: PullsOrders
    sync: Sync


@dataclass
class Pulled:
    """`report.read = accepted + rejected`. `behind`: there is more to read at once."""

    pages: int = 0
    behind: bool = False
    report: ImportReport = field(default_factory=ImportReport)
    rejected: int = 0
    start: datetime | None = None  # of the first window that was read from
    end: datetime | None = None  # of the last one


def pull_orders(
    context: Context,
    source: Source,
    most_pages: int = MOST_PAGES,
    *,
    into: Pulled | None = None,
    go_on: Callable[[], bool] = lambda: True,
) -> Pulled:
    """Read from where the last run stopped, up to `most_pages` or while `go_on` says so.

    `into` is counted into page by page, so that it tells what was stored before an error.

    Raises:
        RemoteRetry, RemoteRefused, RemoteUnknown: the platform can't now; what was read is stored.
        Conflict: another process reads this account.
    """
    done = into if into is not None else Pulled()
    kept = load(context, source.name)
    now = context.clock()  # of the whole run: a clock that moves on would give ever smaller windows
    while done.pages < most_pages and (done.pages == 0 or go_on()):
        if kept.position.window is None:
            window = next_window(kept.position.watermark, now, source.sync)
            if window is None:
                return done
            kept = save(context, source.name, kept, kept.position.begun(window))
        kept = _page(context, source, kept, done)
    done.behind = True
    return done


def _page(context: Context, source: Source, kept: Kept, done: Pulled) -> Kept:
    position = kept.position
    window = position.window
    assert window is not None  # noqa: S101  the caller began one
    done.start = done.start or window.start
    done.end = window.end
    try:
        page = source.connector.pull_orders(window, position.cursor)
    except WindowTooLarge:
        return save(context, source.name, kept, position.cut(halved(window)))
    _checked(source, page, position.cursor)
    stored = import_orders(context, page.drafts, source=source.name)
    _count(done, source, page)
    done.report.created += stored.created
    done.report.updated += stored.updated
    done.report.unchanged += stored.unchanged
    return save(context, source.name, kept, position.turned(page.cursor))


def _checked(source: Source, page: OrderPage, cursor: str) -> None:
    """A page that miscounts or points at itself would lose orders or never end."""
    repeats = page.cursor is not None and page.cursor in ("", cursor)
    if repeats or page.read != len(page.drafts) + len(page.rejected):
        raise RemoteBroken(
            "sync.page",
            zh=f"{source.name} 的分页不正确: 读 {page.read}, 得 {len(page.drafts)}, 拒 {len(page.rejected)}。",
            en=f"A page of {source.name} is wrong: read {page.read}, kept {len(page.drafts)}, "
            f"rejected {len(page.rejected)}.",
            source=source.name,
        )


def _count(done: Pulled, source: Source, page: OrderPage) -> None:
    done.pages += 1
    done.rejected += len(page.rejected)
    room = MOST_PROBLEMS - len(done.report.rejected)
    done.report.add_rows(
        Batch(page.drafts, page.read, len(page.drafts), list(page.rejected)[: max(0, room)])
    )
    del done.report.flagged[MOST_PROBLEMS:]
    if page.rejected:
        log.warning("sync.rejected", source=source.name, rows=len(page.rejected))
