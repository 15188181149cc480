"""Open alerts, gathered by what a rule called them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import func, select

from tidegate.services.connection_names import NOBODY, Named, names_of
from tidegate.services.context import Context
from tidegate.services.view_marks import OPEN_ALERT, start_of_day
from tidegate.services.view_masks import masked_name
from tidegate.services.view_names import Words, reason_title, state_title
from tidegate.services.view_orders import place
from tidegate.store.tables import Alert, Order, Parcel

SHOWN_ALERTS = 500
SEVERITIES = ("critical", "warning", "info")


@dataclass(frozen=True, slots=True)
class AlertLine:
    id: int
    state: str
    severity: str
    raised_at: datetime
    rule_id: str
    owner: str | None
    order_id: int | None
    order_number: str
    recipient: str
    place: str
    carrier: str
    waybill_no: str
    where: Words
    connection_kind: str = ""  # account or webhook, where no order is concerned
    connection: str = ""  # its code or its id
    called: str = ""  # in a person's words


@dataclass(frozen=True, slots=True)
class AlertGroup:
    kind: str
    title: Words
    severity: str
    desk: str
    oldest: datetime
    unclaimed: int
    carriers: Sequence[str]
    lines: Sequence[AlertLine]


@dataclass(frozen=True, slots=True)
class AlertDesk:
    groups: Sequence[AlertGroup]
    count: int
    resolved_today: int


def alert_desk(context: Context, desk: str = "") -> AlertDesk:
    """Worst kind first, in it the oldest first; `desk` narrows to one desk."""
    now = context.clock()
    with context.store.begin(context.tenant_id, readonly=True) as work:
        session = work.session
        statement = (
            select(Alert, Order, Parcel)
            .outerjoin(Order, Order.id == Alert.order_id)
            .outerjoin(Parcel, Parcel.id == Alert.parcel_id)
            .where(Alert.state.in_(OPEN_ALERT))
            .order_by(Alert.kind, Alert.raised_at, Alert.id)
            .limit(SHOWN_ALERTS)
        )
        if desk:
            statement = statement.where(Alert.desk == desk)
        rows = session.execute(statement).all()
        resolved = session.scalar(
            select(func.count())
            .select_from(Alert)
            .where(Alert.resolved_at >= start_of_day(now, context.timezone))
        )
        named = names_of(work, [alert.subject_key for alert, order, _ in rows if order is None])
    groups = [
        _group(kind, list(found), named) for kind, found in groupby(rows, lambda row: row[0].kind)
    ]
    groups.sort(key=lambda group: (_rank(group.severity), group.oldest))
    return AlertDesk(groups, len(rows), resolved or 0)


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def _group(
    kind: str,
    rows: Sequence[tuple[Alert, Order | None, Parcel | None]],
    named: Mapping[str, Named],
) -> AlertGroup:
    lines = [_line(alert, order, parcel, named) for alert, order, parcel in rows]
    return AlertGroup(
        kind=kind,
        title=reason_title(kind),
        severity=min((line.severity for line in lines), key=_rank),
        desk=rows[0][0].desk,
        oldest=lines[0].raised_at,
        unclaimed=sum(1 for line in lines if line.owner is None),
        carriers=sorted({line.carrier for line in lines if line.carrier}),
        lines=lines,
    )


def _line(
    alert: Alert,
    order: Order | None,
    parcel: Parcel | None,
    named: Mapping[str, Named],
) -> AlertLine:
    kind, address, called = named.get(alert.subject_key, NOBODY)
    return AlertLine(
        id=alert.id,
        state=alert.state,
        severity=alert.severity,
        raised_at=alert.raised_at,
        rule_id=alert.rule_id,
        owner=alert.acknowledged_by,
        order_id=order.id if order else None,
        order_number=order.number if order else "-",
        recipient=masked_name(order.recipient_name) if order else "-",
        place=place(order) if order else "-",
        carrier=(parcel.carrier or "") if parcel else "",
        waybill_no=(parcel.waybill_no or parcel.number) if parcel else "",
        where=state_title(parcel.state, "parcel")
        if parcel
        else state_title(order.state if order else ""),
        connection_kind=kind,
        connection=address,
        called=called,
    )
