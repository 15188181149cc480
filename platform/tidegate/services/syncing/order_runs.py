"""Orders of an account: the run that pulls them, and the one order that a push named."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from tidegate.errors import NotFound, RemoteCredentials
from tidegate.sdk.capabilities import FetchesOrder
from tidegate.sdk.gathering import gather
from tidegate.sdk.manifest import Sync
from tidegate.sdk.mapping.converters import as_revision
from tidegate.sdk.mapping.listening import documents
from tidegate.services.context import Context
from tidegate.services.intake import import_orders
from tidegate.services.remotes.carrying import mark, paused
from tidegate.services.remotes.connected import connector_of, manifest_for
from tidegate.services.syncing import runs, samples, turns
from tidegate.services.syncing.messages import Followed, Messenger, follow_messages
from tidegate.services.syncing.pulling import Pulled, Source, pull_orders
from tidegate.services.syncing.runs import Done
from tidegate.services.work import enqueue
from tidegate.store.remote_tables import ConnectorAccount
from tidegate.store.tables import Order, Shop
from tidegate.store.unit_of_work import UnitOfWork

LONGEST_S = 60.0  # then others have a turn; the rest is read by the next run, at once
FETCH = "fetch_order"


def source_name(row: ConnectorAccount) -> str:
    """Under what name its position is kept and its orders were brought."""
    return f"{row.connector}:{row.code}"[:80]


def pull(context: Context, row: ConnectorAccount, made: Any, sync: Sync, done: Done) -> None:
    """Read on from where the last run stopped.

    Raises:
        As tidegate.services.syncing.pulling.pull_orders; `done` tells what was stored before.
    """
    until, pulled = time.monotonic() + LONGEST_S, Pulled()
    source = Source(source_name(row), made, sync)
    try:
        with documents(samples.MOST) as seen:
            pull_orders(context, source, into=pulled, go_on=lambda: time.monotonic() < until)
    finally:
        _tell(pulled, done)
        samples.keep(context, row.id, seen)


def follow(context: Context, row: ConnectorAccount, made: Messenger, done: Done) -> None:
    """Fetch the orders that waiting messages name.

    Raises:
        As tidegate.services.syncing.messages.follow_messages; `done` counts messages, what was stored is confirmed.
    """
    until, told = time.monotonic() + LONGEST_S, Followed()
    try:
        follow_messages(
            context, source_name(row), made, into=told, go_on=lambda: time.monotonic() < until
        )
    finally:
        done.read = done.accepted = told.messages
        done.updated, done.behind = told.changed, told.behind


def _tell(pulled: Pulled, done: Done) -> None:
    report = pulled.report
    done.pages, done.read, done.accepted = pulled.pages, report.read, report.accepted
    done.created, done.updated = report.created, report.updated
    done.window_start, done.window_end, done.behind = pulled.start, pulled.end, pulled.behind
    done.refuse(report.rejected)
    done.rejected = pulled.rejected  # the list is cut, the count is not


def fetch_later(
    work: UnitOfWork,
    code: str,
    numbers: Iterable[str],
    now: datetime,
    changed_at: datetime | None = None,
) -> None:
    """Fetch orders that a push named, in a lane of the account that does not wait for its runs. An order waits once for
    each change of its (`changed_at`), however often it is named.
    """
    lane = f"fetch:{code}"[:80]
    told = {} if changed_at is None else {"revision": as_revision(changed_at)}
    for number in dict.fromkeys(numbers):
        args = {"account": code, "number": number, **told}
        key = f"fetch:{code}:{told.get('revision', '')}:{number}"[:160]
        enqueue(work, FETCH, args, due_at=now, now=now, key=key, lane=lane)


def fetch(context: Context, many: Sequence[Mapping[str, Any]]) -> None:
    """Ask for orders and store them, together those of an account; one that is here as of the change that was told is
    left out: a pull was quicker, and brings what changed in the same moment too. An account that can't fetch an order
    reads on at once.

    Raises:
        The remote families, once what came is stored: the jobs are tried again, each by itself.
    """
    wanted: dict[str, dict[str, int | None]] = {}
    for args in many:
        told, mine = args.get("revision"), wanted.setdefault(str(args["account"]), {})
        number = str(args["number"])
        before = mine.get(number, 0)
        mine[number] = None if told is None or before is None else max(int(told), before)
    for code, numbers in wanted.items():
        _fetch(context, code, numbers)


def _fetch(context: Context, code: str, wanted: Mapping[str, int | None]) -> None:
    with context.store.begin(context.tenant_id, readonly=True) as work:
        found = work.session.execute(
            select(ConnectorAccount, Shop.name)
            .outerjoin(Shop, Shop.id == ConnectorAccount.shop_id)
            .where(ConnectorAccount.code == code)
        ).first()
    if found is None:
        return  # removed meanwhile
    row, shop = found
    if row.state != "active":
        raise paused(code)
    numbers = _not_here(context, row, wanted)
    if not numbers:
        return
    made, _ = connector_of(context, row, shop or "")
    if not isinstance(made, FetchesOrder):
        _read_on(context, row)
        return
    _store(context, row, made, numbers)


def _not_here(
    context: Context, row: ConnectorAccount, wanted: Mapping[str, int | None]
) -> list[str]:
    """Those of the numbers whose order did not come from a copy as new as the one told of."""
    told = [number for number, revision in wanted.items() if revision is not None]
    if not told or row.shop_id is None or "pull_orders" not in manifest_for(row).capabilities:
        return list(wanted)
    known = select(Order.number, Order.source_revision).where(
        Order.shop_id == row.shop_id, Order.number.in_(told)
    )
    with context.store.begin(context.tenant_id, readonly=True) as work:
        here = {number: revision for number, revision in work.session.execute(known)}
    return [
        number
        for number, revision in wanted.items()
        if revision is None or (here.get(number) or -1) < revision
    ]


def _store(
    context: Context, row: ConnectorAccount, made: FetchesOrder, numbers: Sequence[str]
) -> None:
    at, done = context.clock(), Done()
    some = gather(numbers, made.fetch_order)
    if isinstance(some.error, RemoteCredentials):
        mark(context, row.id, "active", "broken", some.error.code)
    if some.found:
        pages = some.found.values()
        drafts = [draft for page in pages for draft in page.drafts]
        done.pages, done.read = len(some.found), sum(page.read for page in pages)
        done.accepted = len(drafts)
        for page in pages:
            done.refuse(page.rejected)
        stored = import_orders(context, drafts, source=source_name(row))
        done.created, done.updated = stored.created, stored.updated
        with context.store.begin(context.tenant_id) as work:
            took_ms = round((context.clock() - at).total_seconds() * 1000)
            runs.note(work, row.id, "fetch", done, at=at, took_ms=took_ms, began_by="push")
            work.commit()
    if some.error is not None:
        raise some.error


def _read_on(context: Context, row: ConnectorAccount) -> None:
    with context.store.begin(context.tenant_id) as work:
        turns.ask(work, row.id, "orders", context.clock(), "push")
        work.commit()


def account_of_hook(work: UnitOfWork, code: str, connector: str) -> str:
    """The account that a push belongs to: the one its address names, else the only one of the connector.

    Raises:
        NotFound: none, or several.
    """
    rows = work.session.execute(
        select(ConnectorAccount.code).where(
            (ConnectorAccount.code == code) | (ConnectorAccount.connector == connector)
        )
    ).scalars()
    known = list(rows)
    if code in known:
        return code
    if len(known) == 1:
        return str(known[0])
    raise NotFound(
        "hooks.no_account",
        zh=f"推送地址没有指明账号，{connector} 有 {len(known)} 个账号；请在推送页填写账号代号。",
        en=f"The address names no account and {connector} has {len(known)}; name one on the webhooks page.",
        connector=connector,
    )
