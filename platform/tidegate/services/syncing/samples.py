"""Documents of an account as they came, a few and sealed: what the mapping editor shows beside the fields.

They hold personal data. They leave this place masked (services/syncing/previews), and are removed after a week.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from tidegate.errors import InputError
from tidegate.sdk.capabilities import PullsOrders
from tidegate.sdk.mapping.listening import documents
from tidegate.sdk.values import Window
from tidegate.sdk.window import WindowTooLarge, halved
from tidegate.services.context import Context
from tidegate.services.remotes.accounts import account_row
from tidegate.services.remotes.connected import connector_of
from tidegate.store.remote_tables import ConnectorAccount
from tidegate.store.sync_tables import AccountSample

MOST = 10
LARGEST = 200_000  # characters of one document
FRESH = timedelta(hours=1)  # while it is younger, a run does not take another
KEPT = timedelta(days=7)
LOOKS = (timedelta(days=1), timedelta(days=7), timedelta(days=30))
MOST_PAGES = 4  # of one look


def keep(context: Context, account_id: int, found: Sequence[Any], *, anew: bool = False) -> None:
    """Keep these, unless there are fresh ones."""
    plain = [one for one in found if len(json.dumps(one, default=str)) <= LARGEST][:MOST]
    if not plain:
        return
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        row = work.session.scalar(
            select(AccountSample).where(AccountSample.account_id == account_id)
        )
        if row is not None and not anew and now - row.taken_at < FRESH:
            return
        sealed = context.box.seal(json.loads(json.dumps(plain, default=str)))
        if row is None:
            row = AccountSample(account_id=account_id, sealed="", key_id="", taken_at=now)
            work.add(row)
        row.sealed, row.key_id, row.taken_at = sealed, context.box.key_id, now
        work.commit()


def kept(context: Context, account_id: int) -> tuple[list[Any], datetime | None]:
    """The documents and when they came. Personal data: show it masked."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        row = work.session.scalar(
            select(AccountSample).where(AccountSample.account_id == account_id)
        )
    if row is None:
        return [], None
    return list(context.box.open(row.sealed)), row.taken_at


def fetch(context: Context, code: str) -> int:
    """Ask the platform for a few orders now, store none of them; how many were found.

    Raises:
        NotFound: no such account. InputError: its connector pulls no orders. The remote families.
    """
    with context.store.begin(context.tenant_id, readonly=True) as work:
        row = account_row(work, code)
    made, _ = connector_of(context, row)
    if not isinstance(made, PullsOrders):
        raise InputError(
            "account.no_orders",
            zh=f"账号 {code} 的连接器不拉取订单，没有样例。",
            en=f"The connector of {code} pulls no orders, so there are no samples.",
            field="account",
        )
    found = _look(context, row, made)
    keep(context, row.id, found, anew=True)
    return len(found)


def _look(context: Context, row: ConnectorAccount, made: PullsOrders) -> list[Any]:
    now = context.clock()
    for back in LOOKS:
        with documents(MOST) as found:
            _pages(made, Window(now - back, now))
        if found:
            return found
    return []


def _pages(made: PullsOrders, window: Window) -> None:
    cursor: str | None = ""
    for _ in range(MOST_PAGES):
        try:
            page = made.pull_orders(window, cursor or "")
        except WindowTooLarge:
            window, cursor = halved(window), ""
            continue
        cursor = page.cursor
        if cursor is None or page.drafts:
            return
