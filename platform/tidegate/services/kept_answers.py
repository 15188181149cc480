"""A request that carries an Idempotency-Key is done once; asked again, it gets the same answer.

The answer is committed together with what was done, so neither is there without the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select, tuple_

from tidegate.errors import InputError
from tidegate.store.stock_tables import KeptAnswer
from tidegate.store.unit_of_work import UnitOfWork

KEPT = timedelta(hours=48)  # programs try again for a day


@dataclass(frozen=True, slots=True)
class Once:
    """A request that is to be done once: who asks (`scope`), under which key, and a SHA-256 of what was asked."""

    scope: str
    key: str
    asked: str


def answers_of(work: UnitOfWork, wanted: Sequence[Once]) -> dict[tuple[str, str], KeptAnswer]:
    """Answers given before, by scope and key."""
    if not wanted:
        return {}
    pairs = [(one.scope, one.key) for one in wanted]
    found = work.session.scalars(
        select(KeptAnswer).where(tuple_(KeptAnswer.scope, KeptAnswer.key).in_(pairs))
    )
    return {(row.scope, row.key): row for row in found}


def other_request(once: Once) -> InputError:
    """What is said when a key comes with another request than the first time."""
    return InputError(
        "idempotency.other_request",
        zh="这个 Idempotency-Key 已用于内容不同的请求; 新请求请换一个键。",
        en="This Idempotency-Key was used for a request with other content; use a new key for a new request.",
        key=once.key,
    )


def keep(work: UnitOfWork, given: Mapping[Once, Sequence[Any]], now: datetime) -> None:
    """Keep answers (plain data), and forget as many old ones, so that the table stays as long as it must be."""
    if not given:
        return
    connection = work.session.connection()
    connection.execute(
        insert(KeptAnswer),
        [
            {
                "tenant_id": work.tenant_id, "scope": once.scope, "key": once.key,
                "asked": once.asked, "answer": list(answer), "created_at": now,
            }
            for once, answer in given.items()
        ],
    )  # fmt: skip
    old = (
        select(KeptAnswer.id)
        .where(KeptAnswer.tenant_id == work.tenant_id, KeptAnswer.created_at < now - KEPT)
        .order_by(KeptAnswer.created_at)
        .limit(2 * len(given))
    )
    connection.execute(delete(KeptAnswer).where(KeptAnswer.id.in_(old)))
