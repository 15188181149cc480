"""Rules whose outcome people keep overriding: a hold that is released, an approval that is rejected, a courier that
is changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select

from tidegate.engine.rulesets import OTHERWISE
from tidegate.services.context import Context
from tidegate.services.view_names import Words, same
from tidegate.services.workshop import hit_counting
from tidegate.services.workshop.hand_acts import CARRIER, REJECT, RELEASE, HandAct, acts
from tidegate.store.feedback_tables import RuleHitDay
from tidegate.store.tables import Order
from tidegate.store.unit_of_work import UnitOfWork

SAMPLES = 5
DAYS = 30
AT_LEAST = 3
AGAINST = {
    RELEASE: ("hold",),
    REJECT: ("approve",),
    CARRIER: ("use_service", "choose"),
}


@dataclass(frozen=True, slots=True)
class Overridden:
    """`count` orders in which a person did otherwise, of `acted` decisions that this rule made; `samples` are
    (order id, order number), the latest first.
    """

    set_id: str
    rule_id: str
    act: str
    count: int
    acted: int
    samples: Sequence[tuple[int, str]]
    title: Words

    @property
    def rate(self) -> float:
        return min(1.0, self.count / self.acted) if self.acted else 1.0


def overridden(
    context: Context, set_id: str, days: int = DAYS, at_least: int = AT_LEAST
) -> list[Overridden]:
    """Rules of a set that people overrode in at least so many orders, the most often first."""
    return [one for one in of_every_set(context, days, at_least) if one.set_id == set_id]


def of_every_set(context: Context, days: int = DAYS, at_least: int = AT_LEAST) -> list[Overridden]:
    """The same for all sets of review and routing together."""
    hit_counting.fold_if_many(context)
    begin = context.clock() - timedelta(days=days)
    with context.store.begin(context.tenant_id, readonly=True) as work:
        by_rule: dict[tuple[str, str, str], list[int]] = {}
        for one in acts(work, context, begin):
            overruled = _against(one)
            if overruled is not None:
                by_rule.setdefault((*overruled, one.act), []).append(one.order_id)
        many = {key: list(dict.fromkeys(orders)) for key, orders in by_rule.items()}
        many = {key: orders for key, orders in many.items() if len(orders) >= at_least}
        acted = {name: _acted(work, context, name, days) for name in {key[0] for key in many}}
        titles = _titles(context)
        found = [
            Overridden(
                set_id, rule_id, act, len(orders), acted[set_id].get(rule_id, 0),
                _samples(work, orders), titles.get((set_id, rule_id), same(rule_id)),
            )
            for (set_id, rule_id, act), orders in many.items()
        ]  # fmt: skip
    return sorted(found, key=lambda one: (-one.count, one.set_id, one.rule_id, one.act))


def _titles(context: Context) -> dict[tuple[str, str], Words]:
    return {
        (ruleset.id, rule.id): rule.title
        for ruleset in context.rules.all()
        for rule in ruleset.written
        if rule.title.get("zh")
    }


def _against(one: HandAct) -> tuple[str, str] | None:
    """Set and rule whose action was overridden; changing to the service that was chosen overrides nothing."""
    if one.stood is None:
        return None
    action = one.stood.action(*AGAINST[one.act])
    if action is None or action.get("rule") in (None, "", OTHERWISE):
        return None
    if one.act == CARRIER and action.get("args", {}).get("service") == one.service:
        return None
    return one.stood.set_id, str(action["rule"])


def _acted(work: UnitOfWork, context: Context, set_id: str, days: int) -> dict[str, int]:
    begin = context.clock() - timedelta(days=days)
    if hit_counting.is_scoped(work):
        counts, folded = hit_counting.since(work, context, set_id, begin), {}
    else:
        counts = hit_counting.tail(work, context, set_id)
        rows = work.session.execute(
            select(RuleHitDay.rule_id, func.sum(RuleHitDay.acted))
            .where(RuleHitDay.set_id == set_id, RuleHitDay.day >= begin.date())
            .group_by(RuleHitDay.rule_id)
        )
        folded = {rule_id: int(count) for rule_id, count in rows}
    for (_, rule_id, _), one in counts.items():
        folded[rule_id] = folded.get(rule_id, 0) + one.acted
    return folded


def _samples(work: UnitOfWork, orders: Sequence[int]) -> list[tuple[int, str]]:
    wanted = orders[: -SAMPLES - 1 : -1]
    rows = work.session.execute(select(Order.id, Order.number).where(Order.id.in_(wanted)))
    numbers = {order_id: number for order_id, number in rows}
    return [(order_id, numbers[order_id]) for order_id in wanted if order_id in numbers]
