"""I10: what people did is told by a chain of which no link is missing or changed, and every act is in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import exists, func, select

from tidegate.services.invariants.checks import AT_MOST, Invariant, Look
from tidegate.store.audit_chain import SOURCES, START, digest_of, next_hash
from tidegate.store.audit_tables import AuditHead, AuditLink
from tidegate.store.tables import Event

AT_ONCE = 1000


def _chain(look: Look) -> Iterator[str]:
    number, last = 0, START
    while links := _links_after(look, number):
        digests = _digests(look, links)
        for link in links:
            number += 1
            wrong = link.number != number or link.hash != next_hash(last, link.digest)
            if wrong:
                yield f"audit_link {link.id}"
            if digests.get((link.source, link.row_id)) != link.digest:
                yield f"{link.source} {link.row_id}"
            number, last = link.number, link.hash
    head = look.work.session.get(AuditHead, look.work.tenant_id)
    if (head.number, head.hash) != (number, last) if head else number:
        yield f"audit_head {look.work.tenant_id}"


def _links_after(look: Look, number: int) -> Sequence[AuditLink]:
    after = select(AuditLink).where(AuditLink.number > number)
    return look.work.session.scalars(after.order_by(AuditLink.number).limit(AT_ONCE)).all()


def _digests(look: Look, links: Sequence[AuditLink]) -> dict[tuple[str, int], str]:
    by_source: dict[str, list[int]] = defaultdict(list)
    for link in links:
        by_source[link.source].append(link.row_id)
    found: dict[tuple[str, int], str] = {}
    for source, ids in by_source.items():
        table: Any = SOURCES.get(source)
        rows = look.work.session.scalars(select(table).where(table.id.in_(ids))) if table else ()
        found |= {(source, row.id): digest_of(row) for row in rows}
    return found


def _outside(look: Look) -> Iterator[str]:
    """Rows that were written past the chain, since it began."""
    for source, table in SOURCES.items():
        one: Any = table
        linked = (AuditLink.source == source, AuditLink.row_id == one.id)
        began = select(func.min(AuditLink.row_id)).where(AuditLink.source == source)
        first = look.work.session.scalar(began)
        if first is None:
            continue
        alone = select(one.id).where(one.id > first, ~exists().where(*linked))
        if one is Event:
            alone = alone.where(Event.actor_kind == "person")
        yield from look.ids(source, alone.limit(AT_MOST))


def _sealed(look: Look) -> Iterator[str]:
    yield from _chain(look)
    yield from _outside(look)


INVARIANTS = (
    Invariant(
        "I10",
        {
            "zh": "人做过的每件事都在审计链里, 没有一环缺失或被改过",
            "en": "Everything people did is in the audit chain, and no link of it is missing or changed",
        },
        _sealed,
    ),
)
