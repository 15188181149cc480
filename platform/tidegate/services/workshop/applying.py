"""What the rules in force would say about open orders that older rules judged, and asking them again.

Looking is pure. Applying gives every order that would change to the chain, which asks its gate as always: what a
person decided is only proposed to them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from tidegate.engine.rulesets import RuleSet
from tidegate.errors import Conflict, TidegateError
from tidegate.services.chain import JUDGED
from tidegate.services.context import Context
from tidegate.services.facts import order_facts, stock_facts
from tidegate.services.history import history_facts, load_history, windows_read
from tidegate.services.subjects import Subject, load_subjects
from tidegate.services.work import enqueue_advance
from tidegate.services.workshop.auditing import record
from tidegate.services.workshop.live_sets import live_set, unknown_set
from tidegate.store.tables import Decision, Order
from tidegate.store.unit_of_work import UnitOfWork

MOST = 2_000  # open orders that are looked at, the oldest first
GROUP = 200
SHOWN = 50
STATES = {"review": JUDGED, "inventory": ("approved", "waiting_stock")}


@dataclass(frozen=True, slots=True)
class Moved:
    order_id: int
    number: str
    before: str
    after: str
    by_person: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """`looked` of `open` orders were looked at; `moved` counts (said before, would say now)."""

    open: int
    looked: int
    moved: Sequence[tuple[str, str, int]]
    orders: Sequence[Moved]
    ids: Sequence[int]


def can_apply(gate: str) -> bool:
    """Whether open orders can be asked again at this gate."""
    return gate in STATES


def preview(context: Context, set_id: str) -> Preview:
    """Nothing is written.

    Raises:
        NotFound: nothing decides under this id.
        Conflict: open orders are not asked again at its gate.
    """
    ruleset = live_set(context, set_id)
    if ruleset is None:
        raise unknown_set(set_id)
    if not can_apply(ruleset.gate):
        raise Conflict(
            "rules.not_applied",
            zh="这一步的规则只管之后的订单；已经过了这一步的订单不会重新判断。",
            en="Rules of this gate decide what comes to it from now on; orders past it are not asked again.",
            set=set_id,
        )
    with context.store.begin(context.tenant_id, readonly=True) as work:
        wanted = Order.state.in_(STATES[ruleset.gate])
        count = work.session.scalar(select(func.count()).select_from(Order).where(wanted)) or 0
        statement = select(Order.id).where(wanted).order_by(Order.id).limit(MOST)
        ids = list(work.session.scalars(statement))
        found = [
            one
            for start in range(0, len(ids), GROUP)
            for one in _group(work, context, ruleset, ids[start : start + GROUP])
        ]
        work.session.rollback()
    moved = Counter((one.before, one.after) for one in found)
    return Preview(
        count, len(ids), [(a, b, n) for (a, b), n in moved.most_common()], found[:SHOWN],
        [one.order_id for one in found],
    )  # fmt: skip


def apply(context: Context, set_id: str, actor: str) -> int:
    """Let the chain look at every order that would change; how many those are. Errors as `preview`."""
    found = preview(context, set_id)
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        for order_id in found.ids:
            enqueue_advance(work, order_id, now)
        record(work, context, set_id, actor, "applied", data={"orders": len(found.ids)})
        work.commit()
    return len(found.ids)


def _group(work: UnitOfWork, context: Context, ruleset: RuleSet, ids: Sequence[int]) -> list[Moved]:
    subjects = load_subjects(work, ids)
    if ruleset.gate == "review":
        load_history(work, list(subjects.values()), windows_read([ruleset]))
    said = _said(work, ruleset, ids)
    found = []
    for order_id, subject in subjects.items():
        after = _verdict(work, context, ruleset, subject)
        before = said.get(order_id, "none")
        if after is not None and after != before:
            order = subject.order
            by_person = order.manual_review != "none"
            found.append(Moved(order_id, order.number, before, after, by_person))
    return found


def _said(work: UnitOfWork, ruleset: RuleSet, ids: Sequence[int]) -> dict[int, str]:
    """What the set said last about each order."""
    last = (
        select(func.max(Decision.id))
        .where(
            Decision.order_id.in_(ids),
            Decision.gate == ruleset.gate,
            Decision.ruleset_id == ruleset.id,
        )
        .group_by(Decision.order_id)
    )
    rows = work.session.execute(
        select(Decision.order_id, Decision.verdict).where(Decision.id.in_(last))
    )
    return {order_id: verdict for order_id, verdict in rows if order_id is not None}


def _verdict(work: UnitOfWork, context: Context, ruleset: RuleSet, subject: Subject) -> str | None:
    """None where the facts can't be judged."""
    facts = order_facts(subject)
    if ruleset.gate == "review":
        facts |= history_facts(work, subject, [ruleset])
    else:
        facts |= stock_facts(subject)
    try:
        actions = context.judges.decide(
            ruleset, facts, context.clock(), context.timezone, context.currency
        ).actions
    except TidegateError:
        return None
    if not actions:
        return "none"
    return next((found.action for found in actions if not found.many), actions[0].action)
