"""What rule sets said about a subject the last time; for a group of orders decided together, read once a gate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, select

from tidegate.store.tables import Decision
from tidegate.store.unit_of_work import UnitOfWork

Key = tuple[int | None, int | None, str | None, str]  # order, parcel, other subject, rule set
_TOGETHER, _KEPT = "orders decided together", "said before"


def decide_together(work: UnitOfWork, order_ids: Iterable[int]) -> None:
    """From now on, within this unit of work, what was said about one of these orders is read for all of them."""
    work.session.info[_TOGETHER] = frozenset(order_ids)
    work.session.info[_KEPT] = {}


def last_said(work: UnitOfWork, row: Decision) -> Decision | None:
    """The newest decision of the same set about the same subject."""
    together: frozenset[int] = work.session.info.get(_TOGETHER, frozenset())
    if row.order_id not in together:
        return work.session.scalar(
            select(Decision)
            .where(
                Decision.order_id == row.order_id,
                Decision.parcel_id == row.parcel_id,
                Decision.subject_key == row.subject_key,
                Decision.gate == row.gate,
                Decision.ruleset_id == row.ruleset_id,
            )
            .order_by(Decision.id.desc())
            .limit(1)
        )
    kept: dict[str, dict[Key, Decision]] = work.session.info[_KEPT]
    if row.gate not in kept:
        kept[row.gate] = {_key(one): one for one in _newest(work, together, row.gate)}
    return kept[row.gate].get(_key(row))


def note_said(work: UnitOfWork, row: Decision) -> None:
    """This decision is the newest now."""
    kept: dict[str, dict[Key, Decision]] = work.session.info.get(_KEPT, {})
    if row.gate in kept:
        kept[row.gate][_key(row)] = row


def _newest(work: UnitOfWork, order_ids: frozenset[int], gate: str) -> Iterable[Decision]:
    subject: tuple[Any, ...] = (
        Decision.order_id, Decision.parcel_id, Decision.subject_key, Decision.ruleset_id,
    )  # fmt: skip
    newest = (
        select(func.max(Decision.id))
        .where(Decision.order_id.in_(order_ids), Decision.gate == gate)
        .group_by(*subject)
    )
    return work.session.scalars(select(Decision).where(Decision.id.in_(newest)))


def _key(row: Decision) -> Key:
    return row.order_id, row.parcel_id, row.subject_key, row.ruleset_id
