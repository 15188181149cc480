"""Alerts: rules ring them, a changed fact resolves them, a person may take or close them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

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
from tidegate.services.work import Wanted, drop_waiting, enqueue_many
from tidegate.store.tables import Alert, Parcel, Scan
from tidegate.store.unit_of_work import UnitOfWork

GROUP = 50  # parcels per transaction
SOON = timedelta(seconds=30)


def watch(context: Context, parcel_ids: Iterable[int], trigger: str) -> None:
    """Ask the alert rules about these parcels and note when to ask again; a group per transaction."""
    wanted = list(dict.fromkeys(parcel_ids))
    for start in range(0, len(wanted), GROUP):
        with context.store.begin(context.tenant_id) as work:
            _watch(work, context, wanted[start : start + GROUP], context.clock(), trigger)
            work.commit()


def watch_soon(work: UnitOfWork, parcel_ids: Iterable[int], now: datetime) -> None:
    """These parcels are about to change, and are watched with that; should it not come, in half a minute."""
    wanted = [Wanted(_soon(id_), {"parcel_id": id_}, now + SOON) for id_ in parcel_ids]
    enqueue_many(work, "alert_wakeup", wanted, now)


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
    wakes: list[Wanted] = []
    with session.no_autoflush:
        for parcel in parcels:
            facts = parcel_facts(
                subjects[parcel.order_id], parcel, scans=scans[parcel.id],
                missing_units=missing.get(parcel.order_id, 0),
            )  # fmt: skip
            risen += _ring(work, context, parcel, facts, known[_key(parcel)], now, trigger)
            if not is_final("parcel", parcel.state):
                wakes += _wakes(context, parcel, facts, now)
    enqueue_many(work, "alert_wakeup", wakes, now)
    drop_waiting(work, [_soon(id_) for id_ in wanted])
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


def _soon(parcel_id: int) -> str:
    return f"alert-soon:{parcel_id}"


def _wakes(
    context: Context, parcel: Parcel, facts: dict[str, object], now: datetime
) -> Sequence[Wanted]:
    """When the rules are to be asked again though nothing changes but the time."""
    instants = [
        instant
        for ruleset in context.rules.for_gate("alert")
        if (instant := next_change(ruleset, facts, now, context.timezone)) is not None
    ]
    args = {"parcel_id": parcel.id}
    return [Wanted(f"alert:{parcel.id}", args, min(instants))] if instants else []


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
