"""What kept messages mean: scans move parcels, orders go through intake. Doing it twice changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select

from tidegate.domain.orders import OrderDraft
from tidegate.errors import NotFound, TidegateError
from tidegate.sdk.carrier import CarrierScan
from tidegate.sdk.webhooks import HookContent, HookEvent
from tidegate.services.context import Context
from tidegate.services.intake import store_orders
from tidegate.services.syncing.order_runs import account_of_hook, fetch_later
from tidegate.services.tracking import apply_scans
from tidegate.services.work import enqueue, watch_later
from tidegate.store.tables import Parcel
from tidegate.store.unit_of_work import UnitOfWork
from tidegate.store.webhook_tables import HookAddress, HookMessage

log = structlog.get_logger()
GROUP = 50  # messages per transaction
AGAIN_S = (5, 30, 120, 600, 3600, 6 * 3600, 24 * 3600)  # a push may be quicker than our own commit
UNKNOWN_WAYBILL = "unknown_waybill"


@dataclass(frozen=True, slots=True)
class _Read:
    row: HookMessage
    address: HookAddress
    content: HookContent


def work_messages(context: Context, ids: Sequence[int]) -> None:
    """Work what waits among these; a message that fails is put off alone and stops no other."""
    wanted = list(dict.fromkeys(ids))
    for start in range(0, len(wanted), GROUP):
        group = wanted[start : start + GROUP]
        try:
            _work(context, group)
        except Exception as error:  # whatever one of them did; each is tried alone below
            if len(group) == 1:
                _put_off(context, group[0], error)
                continue
            for id_ in group:
                try:
                    _work(context, [id_])
                except Exception as alone:
                    _put_off(context, id_, alone)


def work_again(context: Context, message_id: int) -> None:
    """A person lets a failed or ignored message be worked once more.

    Raises:
        NotFound: no such message, or its content was forgotten.
    """
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        row = work.session.get(HookMessage, message_id)
        if row is None or row.payload is None or row.state not in ("failed", "ignored"):
            raise NotFound(
                "hooks.no_message",
                zh="这条推送不能再处理：不存在、已处理或内容已清除。",
                en="This message can't be worked again: absent, done, or its content was forgotten.",
            )
        row.state, row.attempts, row.error, row.due_at = "waiting", 0, None, now
        enqueue(work, "work_hook_messages", {"ids": [row.id]}, due_at=now, now=now)
        work.commit()


def _work(context: Context, ids: Sequence[int]) -> None:
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        rows = work.session.scalars(
            select(HookMessage)
            .where(HookMessage.id.in_(ids), HookMessage.state == "waiting")
            .order_by(HookMessage.id)
            .with_for_update()
        ).all()
        read = _read(work, context, rows)
        _take_orders(work, context, read, now)
        _take_numbers(work, read, now)
        _take_scans(work, [one for one in read if not one.content.numbers], now)
        work.commit()


def _read(work: UnitOfWork, context: Context, rows: Sequence[HookMessage]) -> list[_Read]:
    wanted = {row.address_id for row in rows}
    # Held until the commit: an older state of an order must not pass a newer one of the same account.
    addresses = {
        address.id: address
        for address in work.session.scalars(
            select(HookAddress)
            .where(HookAddress.id.in_(wanted))
            .order_by(HookAddress.id)
            .with_for_update()
        )
    }
    found = []
    for row in rows:
        address = addresses[row.address_id]
        payload = context.box.open(row.payload or "")
        event = HookEvent(row.event_id, row.kind, payload, row.happened_at)
        content = context.receivers[address.connector].content(event)
        found.append(_Read(row, address, content))
    return found


def _take_orders(work: UnitOfWork, context: Context, read: Sequence[_Read], now: datetime) -> None:
    told = [(one, draft) for one in read for draft in one.content.orders]
    told.sort(key=lambda pair: (pair[0].row.happened_at or now, pair[0].row.id))
    for one, draft in told:
        one.row.subject = _subject(draft)
    work.session.flush()
    newest: dict[tuple[int, str], OrderDraft] = {}
    for one, draft in told:
        if not _is_superseded(work, one.row):
            newest[one.address.id, _subject(draft)] = draft
    for address_id in {address_id for address_id, _ in newest}:
        address = next(one.address for one in read if one.address.id == address_id)
        mine = [draft for (id_, _), draft in newest.items() if id_ == address_id]
        store_orders(work, context, mine, source=address.connector)
    for one in read:
        if one.content.orders:
            _end(one.row, "done", now)


def _take_numbers(work: UnitOfWork, read: Sequence[_Read], now: datetime) -> None:
    """Orders that are only named: they are fetched, by a job of their own."""
    named = [one for one in read if one.content.numbers]
    pairs = {(one.address.account, one.address.connector) for one in named}
    codes = {pair: account_of_hook(work, *pair) for pair in sorted(pairs)}
    for one in named:
        code = codes[one.address.account, one.address.connector]
        fetch_later(work, code, one.content.numbers, now, one.content.changed_at)
    for one in named:
        _end(one.row, "done", now)


def _is_superseded(work: UnitOfWork, row: HookMessage) -> bool:
    """Whether a later state of the same order was already taken from this source."""
    if row.happened_at is None:
        return False
    later = select(HookMessage.id).where(
        HookMessage.subject == row.subject,
        HookMessage.source == row.source,
        HookMessage.state == "done",
        HookMessage.happened_at > row.happened_at,
    )
    return work.session.scalar(later.limit(1)) is not None


def _take_scans(work: UnitOfWork, read: Sequence[_Read], now: datetime) -> None:
    by_account: dict[str, list[CarrierScan]] = {}
    for one in read:
        mine = by_account.setdefault(one.address.account, [])
        mine += [_clean(scan) for scan in one.content.scans]
    known = _known_waybills(work, {s.waybill_no for scans in by_account.values() for s in scans})
    touched: list[int] = []
    for account, scans in by_account.items():
        scans.sort(key=lambda scan: (scan.at, scan.event_id))
        touched += apply_scans(work, account, scans, now)[0]
    watch_later(work, touched, "scan", now)
    for one in read:
        if one.content.orders:
            continue
        if all(_clean(scan).waybill_no in known for scan in one.content.scans):
            _end(one.row, "done" if one.content.scans else "ignored", now)
        else:
            _later(work, one.row, UNKNOWN_WAYBILL, "ignored", now)


def _known_waybills(work: UnitOfWork, numbers: set[str]) -> set[str]:
    if not numbers:
        return set()
    found = work.session.scalars(select(Parcel.waybill_no).where(Parcel.waybill_no.in_(numbers)))
    return {number for number in found if number is not None}


def _put_off(context: Context, message_id: int, error: Exception) -> None:
    """Try again later, or leave it to a person: a payload that can't be read will not read better."""
    code = error.code if isinstance(error, TidegateError) else type(error).__name__
    hopeless = isinstance(error, ValueError | LookupError | TypeError | AttributeError)
    log.warning("hooks.message_failed", message_id=message_id, code=code)
    with context.store.begin(context.tenant_id) as work:
        row = work.session.get(HookMessage, message_id)
        if row is not None and row.state == "waiting":
            row.attempts = len(AGAIN_S) if hopeless else row.attempts
            _later(work, row, code, "failed", context.clock())
            work.commit()


def _later(work: UnitOfWork, row: HookMessage, code: str, end: str, now: datetime) -> None:
    row.error = code[:80]
    if row.attempts >= len(AGAIN_S):
        _end(row, end, now)
        return
    row.due_at = now + timedelta(seconds=AGAIN_S[row.attempts])
    row.attempts += 1
    enqueue(work, "work_hook_messages", {"ids": [row.id]}, due_at=row.due_at, now=now)


def _end(row: HookMessage, state: str, now: datetime) -> None:
    row.state, row.worked_at = state, now
    if state == "done":
        row.error = None


def _subject(draft: OrderDraft) -> str:
    return f"{draft.channel}/{draft.shop}/{draft.number}"[:200]


def _clean(scan: CarrierScan) -> CarrierScan:
    """Text that every database takes: no NUL, no half of a character."""
    return replace(
        scan,
        event_id=_text(scan.event_id, 120),
        waybill_no=_text(scan.waybill_no, 60),
        code=_text(scan.code, 40),
        place=_text(scan.place, 200),
        description=_text(scan.description, 2000),
    )


def _text(found: str, longest: int) -> str:
    return found.replace("\0", "").encode("utf-8", "replace").decode()[:longest]
