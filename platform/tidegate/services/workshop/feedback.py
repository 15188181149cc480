"""What rules did in production: hits by day, rules that never fire, orders that nobody decided, and rules whose
outcome people keep overriding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from tidegate.engine.rulesets import OTHERWISE
from tidegate.services.context import Context
from tidegate.services.workshop import hit_counting
from tidegate.services.workshop.hit_counting import Count, Counts
from tidegate.services.workshop.live_sets import live_set
from tidegate.store.feedback_tables import RuleHitDay
from tidegate.store.tables import Decision
from tidegate.store.unit_of_work import UnitOfWork

DAYS = 7
Counted = dict[date, Count]


@dataclass(frozen=True, slots=True)
class Hits:
    """Decisions in which a rule fired. `per_day` is the oldest day first, the last one today, in shop days;
    `last_at` is the last time ever, None if never; in `acted` what the rule asked for came about.
    """

    total: int
    per_day: tuple[int, ...]
    last_at: datetime | None
    acted: int = 0


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Decisions of a set by verdict, the most frequent first; `none` is where no rule decided."""

    total: int
    by_verdict: Mapping[str, int]

    @property
    def undecided(self) -> int:
        return self.by_verdict.get("none", 0)


def hits(context: Context, set_id: str, days: int = DAYS) -> Mapping[str, Hits]:
    """By rule id (`table.row` for rows), for every rule of the live set and every other that fired in these days.

    A person of some shops gets what happened in those shops, within these days only.
    """
    hit_counting.fold_if_many(context)
    shown = _days(context, days)
    with context.store.begin(context.tenant_id, readonly=True) as work:
        if hit_counting.is_scoped(work):
            counts = hit_counting.since(work, context, set_id, _begin(context, shown[0]))
            last: dict[str, datetime] = {}
        else:
            counts = _together(work, context, set_id, shown[0])
            last = _last(work, set_id)
    live = live_set(context, set_id)
    by_rule: dict[str, Counted] = {rule.id: {} for rule in live.written} if live else {}
    for (_, rule_id, day), one in counts.items():
        by_rule.setdefault(rule_id, {})[day] = one
    return {name: _hits(own, shown, last.get(name)) for name, own in by_rule.items()}


def never_hit(context: Context, set_id: str) -> list[str]:
    """Rules of the live set that are switched on and never fired in any decision that is kept."""
    live = live_set(context, set_id)
    found = hits(context, set_id)
    return [rule.id for rule in live.rules if found[rule.id].last_at is None] if live else []


def outcomes(context: Context, hours: int = 24) -> Mapping[str, Outcomes]:
    """By set id."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        rows = work.session.execute(
            select(Decision.ruleset_id, Decision.verdict, func.count())
            .where(Decision.decided_at >= context.clock() - timedelta(hours=hours))
            .group_by(Decision.ruleset_id, Decision.verdict)
            .order_by(func.count().desc(), Decision.verdict)
        ).all()
    by_set: dict[str, dict[str, int]] = {}
    for set_id, verdict, count in rows:
        by_set.setdefault(set_id, {})[verdict] = count
    return {name: Outcomes(sum(found.values()), found) for name, found in by_set.items()}


def no_rule_decided(context: Context, set_id: str, hours: int = 24) -> int:
    """Decisions of the set in which no rule had its way: nothing came of them, or only its *otherwise*."""
    begin = context.clock() - timedelta(hours=hours)
    with context.store.begin(context.tenant_id, readonly=True) as work:
        rows = work.session.execute(
            select(Decision.verdict, Decision.result["actions"].label("actions")).where(
                Decision.ruleset_id == set_id, Decision.decided_at >= begin
            )
        )
        return sum(not any(map(_by_rule, row.actions or ())) for row in rows)


def _by_rule(action: Mapping[str, Any]) -> bool:
    return action.get("rule") not in (None, "", OTHERWISE)


def _days(context: Context, days: int) -> Sequence[date]:
    today = context.clock().astimezone(ZoneInfo(context.timezone)).date()
    return [today - timedelta(days=back) for back in range(days - 1, -1, -1)]


def _begin(context: Context, day: date) -> datetime:
    at = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(context.timezone))
    return at.astimezone(UTC)


def _together(work: UnitOfWork, context: Context, set_id: str, first: date) -> Counts:
    """What was folded since `first`, and everything that is not folded yet."""
    counts = hit_counting.tail(work, context, set_id)
    rows = work.session.scalars(
        select(RuleHitDay).where(RuleHitDay.set_id == set_id, RuleHitDay.day >= first)
    )
    for row in rows:
        one = counts.setdefault((set_id, row.rule_id, row.day), Count())
        one.hits += row.hits
        one.acted += row.acted
        one.last_at = max(one.last_at, row.last_at)
    return counts


def _last(work: UnitOfWork, set_id: str) -> dict[str, datetime]:
    rows = work.session.execute(
        select(RuleHitDay.rule_id, func.max(RuleHitDay.last_at))
        .where(RuleHitDay.set_id == set_id)
        .group_by(RuleHitDay.rule_id)
    )
    return {rule_id: at for rule_id, at in rows}


def _hits(own: Counted, shown: Sequence[date], last: datetime | None) -> Hits:
    within = [own[day] for day in shown if day in own]
    times = [one.last_at for one in own.values()]
    if last is not None:
        times.append(last)
    return Hits(
        total=sum(one.hits for one in within),
        per_day=tuple(own[day].hits if day in own else 0 for day in shown),
        last_at=max(times, default=None),
        acted=sum(one.acted for one in within),
    )
