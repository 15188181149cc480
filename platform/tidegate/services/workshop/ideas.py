"""“37 like this by hand: make a rule?” Habits of the people at the desk, each as a rule that could do it.

An idea never publishes anything: it becomes a rule in a draft when somebody asks for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, func, select

from tidegate.errors import NotFound
from tidegate.services.context import Context
from tidegate.services.people import required_reason
from tidegate.services.workshop import idea_drafting, mining
from tidegate.services.workshop.auditing import record
from tidegate.services.workshop.hand_acts import CARRIER, KINDS, REJECT, RELEASE, HandAct, acts
from tidegate.services.workshop.idea_facts import Known, known
from tidegate.services.workshop.idea_shapes import Idea
from tidegate.services.workshop.mining import Example, Pattern
from tidegate.store.dialects import insert_of
from tidegate.store.feedback_tables import DismissedIdea
from tidegate.store.tables import Decision, Event, Order, Parcel
from tidegate.store.unit_of_work import UnitOfWork

DAYS = 30
AT_LEAST = 8  # acts: fewer are no habit yet
PRECISION = 0.9
SAMPLES = 5
KEEP, KEPT = timedelta(minutes=1), 20
CODE = re.compile(r"[a-z][a-z_]{1,39}")  # a reason code; free words may name a person


_kept: WeakKeyDictionary[Engine, dict[Any, tuple[datetime, list[Idea]]]] = WeakKeyDictionary()
_lock = Lock()


@dataclass(frozen=True, slots=True)
class Dismissed:
    key: str
    set_id: str
    what: str
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class _Habit:
    """Acts that could become one rule: a release of what one rule held, a rejection for one reason, a change
    to one service.
    """

    act: str
    set_id: str
    target: str


def find(
    context: Context, days: int = DAYS, at_least: int = AT_LEAST, precision: float = PRECISION
) -> list[Idea]:
    """Ideas from what people did by hand in these days, the best supported first; without those that were put
    aside and those that a draft or live set has already. Looks at every shop, as a rule does.
    """
    with context.store.begin(context.tenant_id, readonly=True) as work, work.every_shop():
        found = _mined(work, context, (days, at_least, precision))
        aside = set(work.session.scalars(select(DismissedIdea.key)))
    new = [idea for idea in found if idea.key not in aside]
    ready = [idea_drafting.said(context, idea) for idea in new]
    return sorted(
        (idea for idea in ready if idea is not None), key=lambda one: (-one.support, one.key)
    )


def one(context: Context, key: str) -> Idea:
    """Raises NotFound: the habit is gone, was put aside, or is a rule by now."""
    for idea in find(context):
        if idea.key == key:
            return idea
    raise NotFound(
        "ideas.none",
        zh="这个建议已经没有了：可能已做成规则、已忽略，或近期不再这样操作。",
        en="This idea is gone: it is a rule by now, was put aside, or people stopped doing so.",
        key=key,
    )


def make_rule(context: Context, key: str, actor: str) -> tuple[str, str]:
    """The idea as a rule in the draft of its set: set id and rule id.

    Raises:
        NotFound: there is no such idea (any more).
        DraftChanged: somebody saved the draft at the same moment.
    """
    return idea_drafting.make(context, one(context, key), actor)


def dismiss(context: Context, key: str, reason: str, actor: str) -> None:
    """Put an idea aside; it does not come back by itself.

    Raises:
        NotFound: no such idea. InputError: no reason.
    """
    told = required_reason(reason)
    idea = one(context, key)
    with context.store.begin(context.tenant_id) as work:
        insert = insert_of(work.session.get_bind().dialect)
        work.session.execute(
            insert(DismissedIdea)
            .values(
                tenant_id=work.tenant_id, key=key, set_id=idea.set_id, what=idea.sentence["zh"],
                reason=told, dismissed_by=actor, dismissed_at=context.clock(),
            )
            .on_conflict_do_nothing(index_elements=["tenant_id", "key"])
        )  # fmt: skip
        record(work, context, idea.set_id, actor, "idea_dismissed", told, {"idea": key})
        work.commit()


def bring_back(context: Context, key: str, actor: str) -> None:
    """Raises NotFound: it was not put aside."""
    with context.store.begin(context.tenant_id) as work:
        row = work.session.scalar(select(DismissedIdea).where(DismissedIdea.key == key))
        if row is None:
            raise NotFound(
                "ideas.not_dismissed",
                zh="这个建议没有被忽略。",
                en="It was not put aside.",
                key=key,
            )
        work.session.delete(row)
        record(work, context, row.set_id, actor, "idea_back", data={"idea": key})
        work.commit()


def dismissed(context: Context) -> list[Dismissed]:
    """What was put aside, the latest first."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        rows = work.session.scalars(select(DismissedIdea).order_by(DismissedIdea.id.desc()))
        return [
            Dismissed(row.key, row.set_id, row.what, row.reason, row.dismissed_by, row.dismissed_at)
            for row in rows
        ]


# how


def _mined(work: UnitOfWork, context: Context, how: tuple[int, int, float]) -> list[Idea]:
    """At most a minute old, and never older than the last act of a person."""
    days, at_least, precision = how
    last = work.session.scalar(select(func.max(Event.id)).where(Event.kind.in_(KINDS)))
    key = (context.tenant_id, last, *how)
    now = context.clock()
    with _lock:
        kept = _kept.setdefault(context.store.engine, {}).get(key)
    if kept and timedelta(0) <= now - kept[0] < KEEP:
        return kept[1]
    begin = now - timedelta(days=days)
    found = [
        idea
        for habit, done in _habits(acts(work, context, begin), at_least)
        for idea in _ideas(work, context, habit, done, begin, at_least, precision)
    ]
    with _lock:
        mine = _kept[context.store.engine]
        if len(mine) > KEPT:
            mine.clear()
        mine[key] = (now, found)
    return found


def _habits(done: Sequence[HandAct], at_least: int) -> Iterator[tuple[_Habit, list[HandAct]]]:
    by_habit: dict[_Habit, list[HandAct]] = {}
    for act in done:
        habit = _habit(act)
        if habit is not None:
            by_habit.setdefault(habit, []).append(act)
    for habit, found in by_habit.items():
        if len(found) >= at_least:
            yield habit, found


def _habit(act: HandAct) -> _Habit | None:
    if act.stood is None:
        return None
    if act.act == RELEASE:
        held = act.stood.action("hold")
        return _Habit(RELEASE, act.stood.set_id, str(held["rule"])) if held else None
    if act.act == REJECT:
        code = act.reason if CODE.fullmatch(act.reason) else ""
        return _Habit(REJECT, act.stood.set_id, code) if code else None
    return _Habit(CARRIER, act.stood.set_id, act.service)


def _ideas(
    work: UnitOfWork,
    context: Context,
    habit: _Habit,
    done: Sequence[HandAct],
    begin: datetime,
    at_least: int,
    precision: float,
) -> Iterator[Idea]:
    """The habit against every order in which people or rules did otherwise."""
    acted = {act.order_id: act for act in done}
    others = _others(work, habit, begin) - set(acted)
    facts = known(work, sorted({*acted, *others}), context.currency)
    examples = [
        Example(order_id, found.holds, order_id in acted)
        for order_id, found in sorted(facts.items())
    ]
    fewest = 0 if habit.act == RELEASE else 1
    for pattern in mining.cover(examples, at_least=at_least, precision=precision, fewest=fewest):
        if pattern.precision >= precision:
            yield _idea(habit, pattern, examples, acted, facts)


def _idea(
    habit: _Habit,
    pattern: Pattern,
    examples: Sequence[Example],
    acted: dict[int, HandAct],
    facts: dict[int, Known],
) -> Idea:
    fitting = [one for one in examples if pattern.fits(one)]
    own = sorted((acted[one.id] for one in fitting if one.done), key=lambda act: act.at)
    against = [one.id for one in fitting if not one.done]
    reasons: dict[str, int] = {}
    for act in own:
        code = act.reason if CODE.fullmatch(act.reason) else ""
        reasons[code] = reasons.get(code, 0) + 1
    return Idea(
        key=_key(habit, pattern),
        act=habit.act,
        set_id=habit.set_id,
        target=habit.target,
        conditions=pattern.conditions,
        support=pattern.support,
        exceptions=pattern.exceptions,
        first_at=own[0].at,
        last_at=own[-1].at,
        reasons=sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0])),
        samples=[(act.order_id, facts[act.order_id].number) for act in own[: -SAMPLES - 1 : -1]],
        against=[(order_id, facts[order_id].number) for order_id in against[:SAMPLES]],
    )


def _key(habit: _Habit, pattern: Pattern) -> str:
    said = [habit.act, habit.set_id, habit.target, *(one.text for one in pattern.conditions)]
    return sha256("\n".join(said).encode()).hexdigest()[:16]


def _others(work: UnitOfWork, habit: _Habit, begin: datetime) -> set[int]:
    """Orders to which the act could have been done and was not; what still waits says nothing yet."""
    if habit.act == CARRIER:
        return _routed_otherwise(work, habit, begin)
    judged = select(Decision.order_id, Decision.result["actions"].label("actions")).where(
        Decision.ruleset_id == habit.set_id,
        Decision.decided_at >= begin,
        Decision.order_id.is_not(None),
        Decision.applied,
    )
    if habit.act == REJECT:
        ids = work.session.scalars(judged.with_only_columns(Decision.order_id).distinct())
        return {order_id for order_id in ids if order_id is not None}
    held = {
        row.order_id
        for row in work.session.execute(judged.where(Decision.verdict == "hold"))
        if any(
            one.get("action") == "hold" and one.get("rule") == habit.target
            for one in row.actions or ()
        )
    }
    return held - _waiting(work)


def _waiting(work: UnitOfWork) -> set[int]:
    return set(work.session.scalars(select(Order.id).where(Order.state == "on_hold")))


def _routed_otherwise(work: UnitOfWork, habit: _Habit, begin: datetime) -> set[int]:
    """Orders that went by another service, by the rules or by hand."""
    rows = work.session.execute(
        select(Parcel.order_id, func.max(Parcel.service_code))
        .where(
            Parcel.routed_at >= begin,
            Parcel.service_code.is_not(None),
            Parcel.service_code != habit.target,
            Parcel.state != "cancelled",
        )
        .group_by(Parcel.order_id)
    )
    return {order_id for order_id, _ in rows}
