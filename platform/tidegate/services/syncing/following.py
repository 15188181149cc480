"""Tracking by accounts: scans of all parcels by cursor, scans by number, and parcels whose scans come as pushes.

An account follows parcels of the carriers its manifest names that are under way: its own, and as an aggregator those
of carriers whose own account can tell no scans.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, not_, or_, select

from tidegate.errors import TidegateError
from tidegate.sdk.capabilities import SubscribesTracking, TellsScans, TracksParcels
from tidegate.sdk.carrier import CarrierScan
from tidegate.sdk.discovery import manifest_of
from tidegate.sdk.gathering import gather
from tidegate.sdk.manifest import Manifest
from tidegate.sdk.values import Tracked
from tidegate.services.context import Context
from tidegate.services.syncing.runs import Done
from tidegate.services.tracking import cursor_of, keep_scans
from tidegate.store.remote_tables import ConnectorAccount
from tidegate.store.sync_tables import FollowedParcel
from tidegate.store.tables import CarrierService, Order, Parcel
from tidegate.store.unit_of_work import UnitOfWork

UNDER_WAY = ("waybill", "printed", "handed_over", "in_transit", "out_for_delivery", "returning")
LONGEST_S = 60.0  # of subscribing: then other tasks of the account have a turn
FAR_BACK = timedelta(days=45)
MOST = 2_000  # parcels a run
SUBSCRIBED_AT_ONCE = 50
MOST_PAGES = 50
OTHERS = frozenset({"aggregator", "tracking"})  # kinds that follow parcels of other accounts


def pull_scans(context: Context, row: ConnectorAccount, made: TellsScans, done: Done) -> None:
    """Scans since the last run, of all parcels."""
    while done.pages < MOST_PAGES:
        kept = cursor_of(context, row.code)
        page = made.scans_since(kept or "")
        _apply(context, row, page.scans, done, cursor=page.cursor)
        done.pages += 1
        if not page.more or page.cursor == kept:
            return
    done.behind = True


def track(
    context: Context, row: ConnectorAccount, manifest: Manifest, made: TracksParcels, done: Done
) -> None:
    """Ask for the scans of parcels under way, as many numbers a call as the platform takes. A call that fails is made
    again after the others; which come first among those without scans is left to chance, so that none is always last.

    Raises:
        The remote families, when one failed; the scans of the others are kept.
    """
    parcels = [tracked for _, tracked in _parcels(context, row, manifest, subscribed=None)]
    size = max(1, made.most_tracked)

    def ask(start: int) -> None:
        _apply(context, row, made.track(parcels[start : start + size]), done)
        done.pages += 1

    some = gather(range(0, len(parcels), size), ask)
    if some.error is not None:
        raise some.error


def subscribe(
    context: Context,
    row: ConnectorAccount,
    manifest: Manifest,
    made: SubscribesTracking,
    done: Done,
) -> None:
    """Ask for pushes about parcels that were not asked for yet, one by one.

    One that fails is asked for again after the others, then left for the next run; it stops no others, unless several
    fail in a row or the platform says when to come again.

    Raises:
        The remote families, when one failed; those that were asked for are kept.
    """
    parcels = dict(_parcels(context, row, manifest, subscribed=False))
    ids, failed, until = list(parcels), None, time.monotonic() + LONGEST_S
    for start in range(0, len(ids), SUBSCRIBED_AT_ONCE):
        if time.monotonic() > until:
            break
        asked: list[tuple[int, Tracked]] = []

        def ask(id_: int, asked: list[tuple[int, Tracked]] = asked) -> None:
            made.subscribe([parcels[id_]])
            asked.append((id_, parcels[id_]))

        try:
            some = gather(ids[start : start + SUBSCRIBED_AT_ONCE], ask)
        finally:  # what was asked for is, whatever became of the next one
            _keep_followed(context, row, asked)
            done.pages += 1 if asked else 0
            done.read += len(asked)
            done.accepted += len(asked)
        failed = some.error or failed
        if some.away:
            break
    if failed is not None:
        raise failed
    done.behind = done.accepted < len(ids) or len(ids) == MOST


def _keep_followed(
    context: Context, row: ConnectorAccount, asked: Sequence[tuple[int, Tracked]]
) -> None:
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        for parcel_id, tracked in asked:
            _followed(work, row.id, parcel_id, tracked.waybill_no, now)
        work.commit()


def _apply(
    context: Context,
    row: ConnectorAccount,
    scans: Sequence[CarrierScan],
    done: Done,
    cursor: str | None = None,
) -> None:
    done.created += keep_scans(context, row.code, scans, cursor)
    done.read += len(scans)
    done.accepted += len(scans)


def _parcels(
    context: Context, row: ConnectorAccount, manifest: Manifest, *, subscribed: bool | None
) -> list[tuple[int, Tracked]]:
    """Parcels under way that this account is to follow, the ones longest without a scan first."""
    wanted = (
        select(Parcel, Order.number, Order.recipient_phone)
        .join(Order, Order.id == Parcel.order_id)
        .outerjoin(CarrierService, CarrierService.code == Parcel.service_code)
        .where(Parcel.state.in_(UNDER_WAY), Parcel.waybill_no.is_not(None))
        .where(Parcel.waybill_at > context.clock() - FAR_BACK)
    )
    by_chance = func.random() if subscribed is None else Parcel.id
    wanted = wanted.order_by(Parcel.last_scan_at, by_chance)
    if manifest.carriers:
        wanted = wanted.where(Parcel.carrier.in_(list(manifest.carriers)))
    if subscribed is False:
        known = select(FollowedParcel.id).where(
            FollowedParcel.account_id == row.id,
            FollowedParcel.parcel_id == Parcel.id,
            FollowedParcel.waybill_no == Parcel.waybill_no,
        )
        wanted = wanted.where(~known.exists())
    mine = CarrierService.connector == row.code
    with context.store.begin(context.tenant_id, readonly=True) as work:
        if OTHERS & set(manifest.kinds):
            tells = CarrierService.connector.in_(_telling(work))
            mine = or_(mine, CarrierService.connector.is_(None), not_(tells))
        # chosen before the limit: thousands of parcels of others would leave no room for ours
        rows = work.session.execute(wanted.where(mine).limit(MOST)).all()
    return [
        (parcel.id, _tracked(parcel, number, phone, manifest)) for parcel, number, phone in rows
    ]


def _tracked(parcel: Parcel, number: str, phone: str | None, manifest: Manifest) -> Tracked:
    tail = "".join(sign for sign in phone or "" if sign.isdigit())[-4:]
    carrier = manifest.carriers.get(parcel.carrier or "", parcel.carrier or "")
    return Tracked(parcel.waybill_no or "", carrier, number, tail if len(tail) == 4 else "")


def _telling(work: UnitOfWork) -> set[str]:
    """Codes of accounts that tell the scans of their own parcels."""
    found = set()
    for row in work.session.scalars(select(ConnectorAccount)):
        try:
            able = manifest_of(row.connector).capabilities
        except TidegateError:
            continue
        if able & {"scans", "track", "subscribe"}:
            found.add(row.code)
    return found


def _followed(
    work: UnitOfWork, account_id: int, parcel_id: int, number: str, now: datetime
) -> None:
    row: Any = work.session.scalar(
        select(FollowedParcel).where(
            FollowedParcel.account_id == account_id, FollowedParcel.parcel_id == parcel_id
        )
    )
    if row is None:
        row = FollowedParcel(account_id=account_id, parcel_id=parcel_id, waybill_no="", at=now)
        work.add(row)
    row.waybill_no, row.at = number, now
