"""What people did by hand to orders, each with the decision that stood at that moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from tidegate.services.context import Context
from tidegate.store.tables import Decision, Event
from tidegate.store.unit_of_work import UnitOfWork

RELEASE, REJECT, CARRIER = "release", "reject", "carrier"
KINDS = {
    "released_by_hand": (RELEASE, "review"),
    "rejected_by_hand": (REJECT, "review"),
    "service_changed": (CARRIER, "routing"),
}
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Stood:
    """A decision, as much of it as one needs to know what was overridden. `rules` by the action they asked for."""

    id: int
    order_id: int
    set_id: str
    verdict: str
    at: datetime
    actions: Sequence[Mapping[str, Any]]
    facts: Mapping[str, Any]

    def action(self, *names: str) -> Mapping[str, Any] | None:
        return next((one for one in self.actions if one.get("action") in names), None)


@dataclass(frozen=True, slots=True)
class HandAct:
    """`act` is release, reject or carrier; `reason` the reason code, `service` the one a person chose;
    `stood` what the rules had decided, None if they had not.
    """

    order_id: int
    act: str
    at: datetime
    reason: str
    service: str
    stood: Stood | None


def acts(work: UnitOfWork, context: Context, begin: datetime) -> list[HandAct]:
    """Releases, rejections and changes of carrier by people since `begin`, oldest first; the last of a kind
    where somebody did the same to an order twice.
    """
    rows = work.session.execute(
        select(Event.order_id, Event.kind, Event.at, Event.data)
        .where(Event.kind.in_(KINDS), Event.at >= begin, Event.actor_kind == "person")
        .order_by(Event.id)
    ).all()
    latest = {(row.order_id, row.kind): row for row in rows if row.order_id is not None}
    stood: dict[str, dict[int, list[Stood]]] = {}
    for gate in ("review", "routing"):
        ids = sorted({order for order, kind in latest if KINDS[kind][1] == gate})
        stood[gate] = _decisions(work, gate, ids)
    return [_act(row, stood[KINDS[row.kind][1]]) for row in latest.values()]


def _act(row: Any, decisions: Mapping[int, Sequence[Stood]]) -> HandAct:
    before = [one for one in decisions.get(row.order_id, ()) if one.at <= row.at]
    return HandAct(
        order_id=row.order_id,
        act=KINDS[row.kind][0],
        at=row.at,
        reason=str(row.data.get("reason", "")).partition(":")[0].strip(),
        service=str(row.data.get("service", "")),
        stood=before[-1] if before else None,
    )


def _decisions(work: UnitOfWork, gate: str, ids: Sequence[int]) -> dict[int, list[Stood]]:
    """Decisions of a gate that were carried out, by order, oldest first."""
    found: dict[int, list[Stood]] = {}
    for part in _parts(ids):
        rows = work.session.execute(
            select(
                Decision.id, Decision.order_id, Decision.ruleset_id, Decision.verdict,
                Decision.decided_at, Decision.result["actions"].label("actions"),
                Decision.plain_facts, Decision.packed_facts,
            )
            .where(Decision.order_id.in_(part), Decision.gate == gate, Decision.applied)
            .order_by(Decision.id)
        )  # fmt: skip
        for row in rows:
            found.setdefault(row.order_id, []).append(
                Stood(
                    row.id, row.order_id, row.ruleset_id, row.verdict, row.decided_at,
                    row.actions or (), row.packed_facts or row.plain_facts,
                )
            )  # fmt: skip
    return found


def _parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]
