"""What happened to an order, in time: events of people and systems with the decisions of the gates between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tidegate.services.states import MOVED
from tidegate.services.view_decisions import DecisionView, value_text
from tidegate.services.view_names import Words, reason_title, stage_of, stages, state_title
from tidegate.store.tables import Event, Order


@dataclass(frozen=True, slots=True)
class ChainStep:
    """A stage as the order met it: done, now or ahead. `at` is when the order entered it."""

    id: str
    title: Words
    state: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Moment:
    """One point of the time line: a decision, or an event. `by_person` draws a square."""

    at: datetime
    kind: str
    actor_kind: str
    actor: str
    by_person: bool
    state_title: Words | None
    reason: Words | None
    details: Sequence[tuple[str, str]]
    decision: DecisionView | None


def chain(order: Order, events: Sequence[Event]) -> list[ChainStep]:
    """The stages with the time of the latest entry into each."""
    entered = {"intake": order.imported_at}
    for event in events:
        if event.kind == MOVED["order"] and (met := stage_of(str(event.data.get("to", "")))):
            entered[met] = event.at
    current = stage_of(order.state)
    ids = [stage.id for stage in stages()]
    reached = ids.index(current) if current else max(map(ids.index, entered), default=0) + 1
    done = len(ids) - 1 if order.state == "delivered" else None
    made = []
    later = None  # a stage that took no time was entered when the next one was
    for position, stage in reversed(list(enumerate(stages()))):
        state = "done" if position < reached or position == done else "ahead"
        if position == reached and done is None:
            state = "now"
        later = entered.get(stage.id, later) if state != "ahead" else None
        made.append(ChainStep(stage.id, stage.title, state, later))
    return made[::-1]


def moments(events: Sequence[Event], decisions: Sequence[DecisionView]) -> list[Moment]:
    """Oldest first. Moves are told by the decision or act that caused them, so only unexplained ones stand alone."""
    made = [_of_event(event) for event in events if not _told_elsewhere(event)]
    made += [_of_decision(decision) for decision in decisions]
    rank = {"received": 0, "decision": 1}
    return sorted(made, key=lambda moment: (moment.at, rank.get(moment.kind, 2)))


def _told_elsewhere(event: Event) -> bool:
    """A move by a rule is told by its decision, a person's with a reason by the act's own event."""
    if event.kind == MOVED["order"]:
        return event.actor_kind == "rule" or "reason" in event.data
    return event.kind == MOVED["parcel"]  # the order moves with its parcel


def _of_decision(decision: DecisionView) -> Moment:
    return Moment(
        at=decision.at,
        kind="decision",
        actor_kind="rule",
        actor=decision.ruleset_id,
        by_person=False,
        state_title=None,
        reason=None,
        details=(),
        decision=decision,
    )


def _of_event(event: Event) -> Moment:
    data: Mapping[str, Any] = event.data
    reason = data.get("reason")
    to = data.get("to")
    details = [
        (str(key), value_text(value))
        for key, value in data.items()
        if key not in ("reason", "to", "from", "state") and value not in (None, "", [], {})
    ]
    return Moment(
        at=event.at,
        kind=event.kind,
        actor_kind=event.actor_kind,
        actor=event.actor,
        by_person=event.actor_kind == "person",
        state_title=state_title(str(to)) if to else None,
        reason=reason_title(str(reason)) if reason else None,
        details=details,
        decision=None,
    )
