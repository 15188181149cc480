"""Accounts at platforms as pages show them: how their calls fare, what is stopped, and the record of calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import case, func, select

from tidegate.errors import NotFound
from tidegate.sdk.discovery import installed, manifest_of
from tidegate.sdk.manifest import Manifest
from tidegate.services.context import Context
from tidegate.services.remotes.accounts import AccountView, accounts
from tidegate.services.remotes.breaker import FAILED
from tidegate.services.remotes.windows import limits_of
from tidegate.services.view_authorisations import (
    Authorisation,
    Held,
    authorisation,
    tokens_held,
    warned,
)
from tidegate.store.remote_tables import RemoteBreaker, RemoteCall
from tidegate.store.unit_of_work import UnitOfWork

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SHOWN_CALLS = 50
CLOCK_ALARM_S = 60
OUTCOMES = ("ok", "refused", "throttled", "not_sent", "unclear", "broken")


@dataclass(frozen=True, slots=True)
class BreakerLine:
    """state: closed, open, half_open, held."""

    group: str
    state: str
    until_at: datetime | None
    opened: int
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class AccountLine:
    """`failing` is a share of the last hour's calls; `limit` is calls a minute for all together, if there is one."""

    account: AccountView
    last_at: datetime | None
    a_minute: int
    limit: int | None
    failing: Decimal | None
    breakers: Sequence[BreakerLine]
    authorisation: Authorisation | None = None

    @property
    def stopped(self) -> bool:
        return self.account.state != "active" or any(b.state != "closed" for b in self.breakers)

    @property
    def clock_off(self) -> bool:
        offset = self.account.clock_offset_s
        return offset is not None and abs(offset) > CLOCK_ALARM_S


@dataclass(frozen=True, slots=True)
class AccountPage:
    line: AccountLine
    manifest: Manifest | None  # None: the connector is not installed any more
    calls: Sequence[RemoteCall]
    apis: Sequence[str]


def account_lines(context: Context) -> list[AccountLine]:
    """All accounts of the tenant, by code."""
    views = accounts(context)
    now = context.clock()
    with context.store.begin(context.tenant_id, readonly=True) as work:
        figures, breakers, held = _figures(work, now), _breakers(work), tokens_held(work)
        ending = warned(work)
    return [
        _line(
            view, figures.get(view.id), breakers.get(view.id, []), held.get(view.id), now,
            ending=f"account:{view.id}" in ending,
        )
        for view in views
    ]  # fmt: skip


def account_page(context: Context, code: str, api: str = "", outcome: str = "") -> AccountPage:
    """One account with its newest calls.

    Raises:
        NotFound: there is no such account.
    """
    line = next((one for one in account_lines(context) if one.account.code == code), None)
    if line is None:
        raise NotFound(
            "account.unknown",
            zh="没有这个账号。",
            en="There is no such account.",
            account=code[:40],
        )
    mine = RemoteCall.account_id == line.account.id
    with context.store.begin(context.tenant_id, readonly=True) as work:
        wanted = select(RemoteCall).where(mine).order_by(RemoteCall.id.desc()).limit(SHOWN_CALLS)
        if api:
            wanted = wanted.where(RemoteCall.api == api)
        if outcome in OUTCOMES:
            wanted = wanted.where(RemoteCall.outcome == outcome)
        calls = work.session.scalars(wanted).all()
        apis = work.session.scalars(
            select(RemoteCall.api).where(mine).distinct().order_by(RemoteCall.api)
        ).all()
    return AccountPage(line, _manifest(line.account.connector), calls, apis)


def connectable() -> list[Manifest]:
    """Connectors an account can be made for: those that need something filled in."""
    found = [_manifest(name) for name in installed()]
    return [one for one in found if one is not None and one.settings]


def _line(
    view: AccountView,
    figures: tuple[datetime | None, int, Decimal | None] | None,
    breakers: Sequence[BreakerLine],
    held: Held | None,
    now: datetime,
    *,
    ending: bool,
) -> AccountLine:
    manifest = _manifest(view.connector)
    limits = limits_of(manifest.limits if manifest else (), view.settings)
    limit = min((one.calls * 60 // one.per_s for one in limits if one.api == "*"), default=None)
    last, minute, failing = figures or (None, 0, None)
    agreed = authorisation(view, manifest, held, now, ending=ending)
    return AccountLine(view, last, minute, limit, failing, breakers, agreed)


def _manifest(connector: str) -> Manifest | None:
    try:
        return manifest_of(connector)
    except NotFound:
        return None


def _figures(
    work: UnitOfWork, now: datetime
) -> Mapping[int, tuple[datetime | None, int, Decimal | None]]:
    """By account: last call, calls in the last minute, failing share of the last hour."""
    minute = func.sum(case((RemoteCall.at > now - MINUTE, 1), else_=0))
    failed = func.sum(case((RemoteCall.outcome.in_(FAILED), 1), else_=0))
    recent = work.session.execute(
        select(RemoteCall.account_id, func.count(), minute, failed)
        .where(RemoteCall.at > now - HOUR)
        .group_by(RemoteCall.account_id)
    )
    shares = {id_: (int(n), Decimal(int(bad)) / calls) for id_, calls, n, bad in recent}
    last = work.session.execute(
        select(RemoteCall.account_id, func.max(RemoteCall.at)).group_by(RemoteCall.account_id)
    )
    return {id_: (at, *shares.get(id_, (0, None))) for id_, at in last}


def _breakers(work: UnitOfWork) -> Mapping[int, list[BreakerLine]]:
    found: dict[int, list[BreakerLine]] = {}
    kept = {
        (row.account_id, row.api_group): row for row in work.session.scalars(select(RemoteBreaker))
    }
    called = work.session.execute(
        select(RemoteCall.account_id, RemoteCall.api_group).distinct()
    ).all()
    for account_id, group in sorted({*kept, *((id_, name) for id_, name in called)}):
        row = kept.get((account_id, group))
        state = "closed" if row is None else "held" if row.held else row.state
        found.setdefault(account_id, []).append(
            BreakerLine(
                group, state, row.until_at if row and state == "open" else None,
                row.opened if row else 0, row.actor if row else "", row.reason if row else "",
            )
        )  # fmt: skip
    return found
