"""What is published and in force now, as the rulebook asks for it every second."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import defer

from tidegate.services.rulebook import Publication, Published
from tidegate.services.workshop.model import LIVE, SHADOW
from tidegate.services.workshop.versions import effective
from tidegate.store.unit_of_work import Store
from tidegate.store.workshop_tables import RuleVersion


def publications(store: Store, tenant_id: int, clock: Callable[[], datetime]) -> Published:
    """A look at the tenant's versions that are in force at the instant of the look."""
    texts: dict[int, str] = {}

    def look() -> tuple[Publication, ...]:
        now = clock()
        with store.begin(tenant_id, readonly=True) as work:
            rows = work.session.scalars(select(RuleVersion).options(defer(RuleVersion.text)))
            by_set: dict[str, list[RuleVersion]] = defaultdict(list)
            for row in rows:
                by_set[row.set_id].append(row)
            chosen = [
                found
                for name in sorted(by_set)
                for mode in (LIVE, SHADOW)
                if (found := effective(by_set[name], mode, now))
            ]
            for row in chosen:
                if row.id not in texts:
                    texts[row.id] = row.text
            return tuple(
                Publication(row.set_id, row.id, row.hash, row.mode, texts[row.id]) for row in chosen
            )

    return look
