"""What a gate's answer does to the alerts of one subject: rules raise, escalate and resolve."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select

from tidegate.engine.decisions import Outcome
from tidegate.services.decisions import Verdict
from tidegate.services.notices.spreading import Risen
from tidegate.services.view_marks import OPEN_ALERT
from tidegate.store.tables import Alert
from tidegate.store.unit_of_work import UnitOfWork


def ring(
    work: UnitOfWork,
    subject_key: str,
    found: Verdict,
    known: Mapping[str, Alert],
    now: datetime,
    *,
    order_id: int | None = None,
    parcel_id: int | None = None,
    raised: Callable[[str, Outcome], None] = lambda _kind, _action: None,
) -> list[Risen]:
    """Raise, escalate and resolve; what is new or more pressing. `known` are the subject's alerts by kind that are
    not resolved; `raised` is called for each new one. An answer that failed resolves nothing.
    """
    risen: list[Risen] = []
    before = {kind: alert.severity for kind, alert in known.items()}
    ringing = {str(action.args["kind"]): action for action in found.every("raise")}
    for kind, action in ringing.items():
        severity = str(action.args.get("severity", "warning"))
        if kind in known:
            if known[kind].state in OPEN_ALERT:  # a rule may make it more pressing
                known[kind].severity = severity
            continue
        work.session.flush()
        decision = found.kept[-1] if found.kept else None
        alert = Alert(
            order_id=order_id, parcel_id=parcel_id, subject_key=subject_key,
            decision_id=decision.id if decision else None, kind=kind, rule_id=action.rule,
            severity=severity, desk=str(action.args.get("desk", "operations")), state="open",
            raised_at=now,
        )  # fmt: skip
        work.add(alert)
        risen.append((alert, ""))
        raised(kind, action)
    for action in found.every("escalate"):
        if (escalated := known.get(str(action.args["kind"]))) is not None:
            escalated.severity = "critical"
    quiet = {str(action.args["kind"]) for action in found.every("resolve")}
    for kind, alert in known.items():
        if (kind not in ringing or kind in quiet) and not found.failed:
            alert.state, alert.resolved_at = "resolved", alert.resolved_at or now
        elif alert.severity != before[kind] and alert.state in OPEN_ALERT:
            risen.append((alert, before[kind]))
    return risen


def quiet(work: UnitOfWork, subject_key: str, now: datetime) -> None:
    """What was said about this subject is settled: it was removed, or a person took it in hand."""
    for alert in unresolved(work, [subject_key])[subject_key].values():
        alert.state, alert.resolved_at = "resolved", alert.resolved_at or now


def unresolved(work: UnitOfWork, subject_keys: Sequence[str]) -> Mapping[str, dict[str, Alert]]:
    """Alerts by subject and kind; every subject asked for is there."""
    found: dict[str, dict[str, Alert]] = defaultdict(dict)
    for alert in work.session.scalars(
        select(Alert).where(Alert.subject_key.in_(subject_keys), Alert.state != "resolved")
    ):
        found[alert.subject_key][alert.kind] = alert
    return found
