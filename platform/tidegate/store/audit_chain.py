"""Whatever a person did is sealed into the chain of the tenant by the transaction that does it.

The rows of `SOURCES` are gathered as they are written and linked as the last thing before the commit, so that the
end of the chain is held for one statement and the commit, whatever the transaction did before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, event, insert, inspect, update
from sqlalchemy.orm import Session, sessionmaker

from tidegate.store.audit_tables import AuditHead, AuditLink
from tidegate.store.dialects import insert_of
from tidegate.store.people_tables import SecurityEvent
from tidegate.store.tables import Event, TenantScoped
from tidegate.store.workshop_tables import RuleAudit

START = "0" * 64  # what the first link is linked to
SOURCES: Mapping[str, type[TenantScoped]] = {
    table.__tablename__: table for table in (Event, RuleAudit, SecurityEvent)
}
_WRITTEN = "audited"
HEAD: Any = AuditHead.__table__
LINK: Any = AuditLink.__table__


def belongs(row: object) -> bool:
    """Whether a row is part of the audit: of an order's time line what people did, of the others everything."""
    if isinstance(row, Event):
        return row.actor_kind == "person"
    return isinstance(row, (RuleAudit, SecurityEvent))


def digest_of(row: TenantScoped) -> str:
    """The SHA-256 of all that the row says."""
    table: Any = SOURCES[row.__tablename__].__table__  # type: ignore[attr-defined]
    said = {column.key: getattr(row, column.key) for column in table.columns}
    text = json.dumps([table.name, said], sort_keys=True, ensure_ascii=False, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def next_hash(before: str, digest: str) -> str:
    return hashlib.sha256(f"{before}:{digest}".encode()).hexdigest()


def watch(sessions: Session | sessionmaker[Session]) -> None:
    """Seal what these sessions write."""
    event.listen(sessions, "after_flush", _gather)
    event.listen(sessions, "before_commit", _seal)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    raise TypeError(type(value).__name__)


def _gather(session: Session, _context: object) -> None:
    rows = [row for row in session.new if belongs(row)]
    if rows:
        session.info.setdefault(_WRITTEN, []).extend(rows)


def _seal(session: Session) -> None:
    session.flush()
    gathered = session.info.pop(_WRITTEN, ())
    rows = [row for row in gathered if inspect(row).persistent]  # a savepoint may be undone
    connection = session.connection() if rows else None
    if connection is None:
        return
    rows.sort(key=lambda row: row.tenant_id)  # ends of chains are held in one order by everybody
    for tenant_id, own in groupby(rows, key=lambda row: row.tenant_id):
        _link(connection, tenant_id, list(own))


def _link(connection: Connection, tenant_id: int, rows: Iterable[Any]) -> None:
    own = list(rows)
    number, last = _hold(connection, tenant_id, len(own))
    links = []
    for place, row in enumerate(own, start=number - len(own) + 1):
        digest = digest_of(row)
        last = next_hash(last, digest)
        links.append(
            {
                "tenant_id": tenant_id, "number": place, "source": row.__tablename__,
                "row_id": row.id, "digest": digest, "hash": last,
            }
        )  # fmt: skip
    connection.execute(insert(LINK), links)
    connection.execute(update(HEAD).where(HEAD.c.tenant_id == tenant_id).values(hash=last))


def _hold(connection: Connection, tenant_id: int, more: int) -> tuple[int, str]:
    """Lock the end of the chain until the commit: the number of its last link to be, its hash as it is."""
    longer = (
        update(HEAD)
        .where(HEAD.c.tenant_id == tenant_id)
        .values(number=HEAD.c.number + more)
        .returning(HEAD.c.number, HEAD.c.hash)
    )
    found = connection.execute(longer).first()
    if found is None:
        first = {"tenant_id": tenant_id, "number": 0, "hash": START}
        connection.execute(
            insert_of(connection.dialect)(HEAD).values(first).on_conflict_do_nothing()
        )
        found = connection.execute(longer).one()
    return found.number, found.hash
