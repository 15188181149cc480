"""Versions in shadow: they are asked the same as the live set, act on nothing, and what they would have
said is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import func, select

from tidegate.engine.decisions import Outcome
from tidegate.errors import TidegateError
from tidegate.services.context import Context
from tidegate.services.workshop.model import SHADOW, VersionInfo
from tidegate.services.workshop.versions import effective, info_of, rows_of
from tidegate.store.tables import Decision, Order
from tidegate.store.unit_of_work import UnitOfWork
from tidegate.store.workshop_tables import ShadowDecision

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Differing:
    order_id: int
    number: str
    live: str
    shadow: str


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """`moved` counts (live verdict, shadow verdict) where they differ; `orders` are the latest of them."""

    version: VersionInfo
    asked: int
    differing: int
    moved: tuple[tuple[str, str, int], ...]
    orders: tuple[Differing, ...]


def beside(
    work: UnitOfWork,
    context: Context,
    gate: str,
    decision: Decision,
    facts: Mapping[str, Any],
    actions: Sequence[Outcome],
) -> None:
    """Ask the shadow of the set that has just decided. A shadow that fails stops nothing."""
    for version_id, ruleset in context.rules.shadows(gate):
        if ruleset.id != decision.ruleset_id:
            continue
        try:
            found = context.judges.decide(
                ruleset, facts, decision.decided_at, context.timezone, context.currency
            ).actions
        except TidegateError as error:
            log.warning("shadow.failed", ruleset=ruleset.id, code=error.code)
            continue
        work.add(
            ShadowDecision(
                version_id=version_id, order_id=decision.order_id, parcel_id=decision.parcel_id,
                at=decision.decided_at, live=decision.verdict, shadow=_verdict(found),
                same=_said(actions) == _said(found),
            )
        )  # fmt: skip


def shadow_report(context: Context, set_id: str, shown: int = 50) -> ShadowReport | None:
    """What the shadow that runs now has said so far; None if none runs."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        row = effective(rows_of(work, set_id), SHADOW, context.clock())
        if row is None:
            return None
        mine = ShadowDecision.version_id == row.id
        counts = work.session.execute(
            select(ShadowDecision.live, ShadowDecision.shadow, ShadowDecision.same, func.count())
            .where(mine)
            .group_by(ShadowDecision.live, ShadowDecision.shadow, ShadowDecision.same)
        ).all()
        latest = work.session.execute(
            select(Order.id, Order.number, ShadowDecision.live, ShadowDecision.shadow)
            .join(Order, Order.id == ShadowDecision.order_id)
            .where(mine, ShadowDecision.same.is_(False))
            .order_by(ShadowDecision.id.desc())
            .limit(shown)
        ).all()
        info = info_of(row)
    moved = sorted(
        ((live, shadow, n) for live, shadow, same, n in counts if not same), key=lambda m: -m[2]
    )
    return ShadowReport(
        info,
        sum(n for *_, n in counts),
        sum(n for *_, n in moved),
        tuple(moved),
        tuple(Differing(*found) for found in latest),
    )


def _verdict(actions: Sequence[Outcome]) -> str:
    if not actions:
        return "none"
    return next((found.action for found in actions if not found.many), actions[0].action)


def _said(actions: Sequence[Outcome]) -> list[str]:
    """What is carried out, whoever asked for it and in whatever order."""
    return sorted(repr((found.action, sorted(found.args.items(), key=str))) for found in actions)
