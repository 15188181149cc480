"""One line for every act on a set, written in the act's own transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidegate.services.context import Context
from tidegate.store.unit_of_work import UnitOfWork
from tidegate.store.workshop_tables import RuleAudit


def record(
    work: UnitOfWork,
    context: Context,
    set_id: str,
    actor: str,
    act: str,
    note: str = "",
    data: Mapping[str, Any] | None = None,
) -> None:
    """`data` holds codes, ids and numbers, never a person's data."""
    work.add(
        RuleAudit(
            set_id=set_id,
            at=context.clock(),
            actor=actor,
            act=act,
            note=note,
            data=dict(data or {}),
        )
    )
