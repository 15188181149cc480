"""Hits of rules by shop day, counted once and kept, so that many decisions stay quick to look at.

Decisions are folded into `rule_hit_day` up to a mark. Ids are given before a transaction commits, so the newest
decisions of `SETTLES` are never folded: one of them may still be on its way with a smaller id. They are counted
anew each time (`tail`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from tidegate.services.context import Context
from tidegate.store import shop_scope
from tidegate.store.dialects import insert_of
from tidegate.store.feedback_tables import RuleHitDay, RuleHitMark
from tidegate.store.tables import Decision
from tidegate.store.unit_of_work import UnitOfWork

SETTLES = timedelta(minutes=1)  # longer than a transaction that decides stays open
CHUNK = 2_000  # decisions folded in one transaction
WORTH_FOLDING = 200  # fewer are counted anew rather than written
COLUMNS = (
    Decision.id,
    Decision.ruleset_id,
    Decision.decided_at,
    Decision.result["fired"].label("fired"),
    Decision.result["rules"].label(
        "rules"
    ),  # decisions of before 0025, which do not say what fired
    Decision.result["actions"].label("actions"),
)

NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Count:
    hits: int = 0
    acted: int = 0
    last_at: datetime = NEVER


Key = tuple[str, str, date]  # set, rule, shop day
Counts = dict[Key, Count]


def is_scoped(work: UnitOfWork) -> bool:
    """Whether whoever asks may see some shops only: then nothing that was counted for all is shown."""
    return work.session.info.get(shop_scope.KEY) is not None


def fold(context: Context, limit: int = 1_000_000) -> int:
    """Count settled decisions into the days and move the mark; how many. Safe to run in two processes at once."""
    done = 0
    while done < limit:
        with context.store.begin(context.tenant_id) as work, work.every_shop():
            folded = _fold_some(work, context)
            work.commit()
        done += folded
        if folded < CHUNK:
            break
    return done


def fold_if_many(context: Context) -> None:
    """Fold when enough settled decisions wait to be worth a write."""
    with context.store.begin(context.tenant_id, readonly=True) as work, work.every_shop():
        waiting = select(Decision.id).where(
            Decision.id > mark(work), Decision.decided_at < context.clock() - SETTLES
        )
        many = len(work.session.scalars(waiting.limit(WORTH_FOLDING)).all()) >= WORTH_FOLDING
    if many:
        fold(context)


def mark(work: UnitOfWork) -> int:
    """The last decision that was folded; 0 before the first time."""
    return work.session.scalar(select(RuleHitMark.decision_id)) or 0


def tail(work: UnitOfWork, context: Context, set_id: str) -> Counts:
    """Decisions of a set that are not folded yet."""
    wanted = (Decision.id > mark(work), Decision.ruleset_id == set_id)
    return _counted(work.session.execute(select(*COLUMNS).where(*wanted)), context)


def since(work: UnitOfWork, context: Context, set_id: str, begin: datetime) -> Counts:
    """Decisions of a set from an instant on, counted anew under the shops of whoever asks."""
    wanted = (Decision.ruleset_id == set_id, Decision.decided_at >= begin)
    return _counted(work.session.execute(select(*COLUMNS).where(*wanted)), context)


def _fold_some(work: UnitOfWork, context: Context) -> int:
    row = _locked_mark(work)
    settled = context.clock() - SETTLES
    unsettled = work.session.scalar(
        select(func.min(Decision.id)).where(
            Decision.id > row.decision_id, Decision.decided_at >= settled
        )
    )
    wanted = [Decision.id > row.decision_id]
    if unsettled is not None:
        wanted.append(Decision.id < unsettled)
    statement = select(*COLUMNS).where(*wanted).order_by(Decision.id).limit(CHUNK)
    found = work.session.execute(statement).all()
    if found:
        _add(work, _counted(found, context))
        row.decision_id = found[-1].id
    return len(found)


def _locked_mark(work: UnitOfWork) -> RuleHitMark:
    """The tenant's mark, held until the end of the transaction (SQLite holds the whole database)."""
    insert = insert_of(work.session.get_bind().dialect)
    work.session.execute(
        insert(RuleHitMark)
        .values(tenant_id=work.tenant_id, decision_id=0)
        .on_conflict_do_nothing(index_elements=["tenant_id"])
    )
    return work.session.scalars(select(RuleHitMark).with_for_update()).one()


def _add(work: UnitOfWork, counts: Counts) -> None:
    if not counts:
        return
    insert = insert_of(work.session.get_bind().dialect)
    rows = [
        {
            "tenant_id": work.tenant_id, "set_id": set_id, "rule_id": rule_id, "day": day,
            "hits": one.hits, "acted": one.acted, "last_at": one.last_at,
        }
        for (set_id, rule_id, day), one in sorted(counts.items())
    ]  # fmt: skip
    for start in range(0, len(rows), 500):
        statement = insert(RuleHitDay).values(rows[start : start + 500])
        new = statement.excluded
        work.session.execute(
            statement.on_conflict_do_update(
                index_elements=["tenant_id", "set_id", "rule_id", "day"],
                set_={
                    "hits": RuleHitDay.hits + new.hits,
                    "acted": RuleHitDay.acted + new.acted,
                    "last_at": new.last_at,  # later decisions have later ids
                },
            )
        )


def _counted(rows: Iterable[Any], context: Context) -> Counts:
    zone, counts = ZoneInfo(context.timezone), Counts()
    for row in rows:
        day = row.decided_at.astimezone(zone).date()
        acted = {str(one.get("rule")) for one in row.actions or ()}
        for rule_id in _fired(row.rules or ()) if row.fired is None else row.fired:
            one = counts.setdefault((row.ruleset_id, rule_id, day), Count())
            one.hits += 1
            one.acted += rule_id in acted
            one.last_at = max(one.last_at, row.decided_at)
    return counts


def _fired(rules: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    return (str(rule["id"]) for rule in rules if rule.get("result") == "fired")
