"""Alerts: rules ring them, a changed fact resolves them, a person may take or close them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import select

from tidegate.engine.decisions import Outcome
from tidegate.engine.reference import next_change
from tidegate.errors import NotFound
from tidegate.services.context import Context
from tidegate.services.decisions import ask
from tidegate.services.facts import parcel_facts
from tidegate.services.notices.spreading import Risen, tell
from tidegate.services.people import required_reason
from tidegate.services.ringing import ring, unresolved
from tidegate.services.states import is_final, record
from tidegate.services.stock_missing import missing_units
from tidegate.services.subjects import load_subjects
from tidegate.services.view_marks import OPEN_ALERT
from tidegate.services.work import enqueue
from tidegate.store.tables import Alert, Parcel, Scan
from tidegate.store.unit_of_work import UnitOfWork

GROUP = 50  # parcels per transaction


def watch(context: Context, parcel_ids: Iterable[int], trigger: str) -> None:
    """Ask the alert rules about these parcels and note when to ask again; a group per transaction."""
    wanted = list(dict.fromkeys(parcel_ids))
    for start in range(0, len(wanted), GROUP):
        with context.store.begin(context.tenant_id) as work:
            _watch(work, context, wanted[start : start + GROUP], context.clock(), trigger)
            work.commit()


def _watch(
    work: UnitOfWork, context: Context, wanted: list[int], now: datetime, trigger: str
) -> None:
    session = work.session
    parcels = session.scalars(select(Parcel).where(Parcel.id.in_(wanted))).all()
    subjects = load_subjects(work, list({parcel.order_id for parcel in parcels}))
    scans: dict[int, list[Scan]] = defaultdict(list)
    for scan in session.scalars(select(Scan).where(Scan.parcel_id.in_(wanted)).order_by(Scan.at)):
        scans[scan.parcel_id].append(scan)
    known = unresolved(work, [_key(parcel) for parcel in parcels])
    missing = missing_units(work, subjects)
    risen: list[Risen] = []
    with session.no_autoflush:
        for parcel in parcels:
            facts = parcel_facts(
                subjects[parcel.order_id], parcel, scans=scans[parcel.id],
                missing_units=missing.get(parcel.order_id, 0),
            )  # fmt: skip
            risen += _ring(work, context, parcel, facts, known[_key(parcel)], now, trigger)
            if not is_final("parcel", parcel.state):
                _wake(work, context, parcel, facts, now)
    tell(work, risen, now)


def acknowledge(context: Context, alert_id: int, actor: str, reason: str | None = None) -> None:
    """A person takes an alert.

    Raises:
        NotFound: no such alert.
    """
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        alert = _alert(work, alert_id)
        if alert.state == "open":
            alert.state, alert.acknowledged_by = "acknowledged", actor
            _noted(work, alert, "alert_acknowledged", actor, now, reason)
        work.commit()


def resolve(context: Context, alert_id: int, actor: str, reason: str) -> None:
    """A person closes an alert; it rings again only when its rule stopped and fires anew.

    Raises:
        InputError: no reason. NotFound: no such alert.
    """
    told = required_reason(reason)
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        alert = _alert(work, alert_id)
        if alert.state in OPEN_ALERT:
            alert.state, alert.resolved_at, alert.acknowledged_by = "closed", now, actor
            _noted(work, alert, "alert_closed", actor, now, told)
        work.commit()


def _ring(
    work: UnitOfWork,
    context: Context,
    parcel: Parcel,
    facts: dict[str, object],
    known: Mapping[str, Alert],
    now: datetime,
    trigger: str,
) -> list[Risen]:
    found = ask(
        work, context, "alert", facts, now=now, trigger=trigger, order_id=parcel.order_id,
        parcel_id=parcel.id, keep_quiet=True,
    )  # fmt: skip

    def raised(kind: str, action: Outcome) -> None:
        record(
            work, "alert_raised", order_id=parcel.order_id, parcel_id=parcel.id, now=now,
            actor_kind="rule", actor=action.rule, data={"kind": kind},
        )  # fmt: skip

    return ring(
        work, _key(parcel), found, known, now, order_id=parcel.order_id,
        parcel_id=parcel.id, raised=raised,
    )  # fmt: skip


def _key(parcel: Parcel) -> str:
    return f"parcel:{parcel.id}"


def _wake(
    work: UnitOfWork, context: Context, parcel: Parcel, facts: dict[str, object], now: datetime
) -> None:
    instants = [
        instant
        for ruleset in context.rules.for_gate("alert")
        if (instant := next_change(ruleset, facts, now, context.timezone)) is not None
    ]
    if instants:
        args = {"parcel_id": parcel.id}
        key = f"alert:{parcel.id}"
        enqueue(work, "alert_wakeup", args, due_at=min(instants), now=now, key=key)


def _alert(work: UnitOfWork, alert_id: int) -> Alert:
    found = work.session.get(Alert, alert_id)
    if found is None:
        raise NotFound(
            "alert.not_found",
            zh=f"没有告警 {alert_id}; 可能属于别的商家。",
            en=f"There is no alert {alert_id} here.",
            id=alert_id,
        )
    return found


def _noted(
    work: UnitOfWork, alert: Alert, kind: str, actor: str, now: datetime, reason: str | None
) -> None:
    data = {"kind": alert.kind, **({"reason": reason} if reason else {})}
    record(
        work, kind, order_id=alert.order_id, parcel_id=alert.parcel_id, now=now,
        actor_kind="person", actor=actor, data=data,
    )  # fmt: skip
