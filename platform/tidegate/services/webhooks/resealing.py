"""Everything sealed of both directions under the newest key, some rows per transaction."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from tidegate.services.context import Context
from tidegate.store.webhook_tables import (
    HookAddress,
    HookMessage,
    WebhookDelivery,
    WebhookEndpoint,
)

SEALED: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (HookAddress, ("token", "secrets")),
    (HookMessage, ("payload",)),
    (WebhookEndpoint, ("secrets",)),
    (WebhookDelivery, ("body",)),
)
GROUP = 500  # rows per transaction


def reseal(context: Context) -> int:
    """Seal what the tenant keeps with the newest key; how many values it were. Safe to repeat."""
    return sum(_table(context, table, names) for table, names in SEALED)


def _table(context: Context, table: Any, names: tuple[str, ...]) -> int:
    done, after = 0, 0
    while True:
        with context.store.begin(context.tenant_id) as work:
            rows = work.session.scalars(
                select(table).where(table.id > after).order_by(table.id).limit(GROUP)
            ).all()
            for row in rows:
                for name in names:
                    if (sealed := getattr(row, name)) is not None:
                        setattr(row, name, context.box.reseal(sealed))
                        done += 1
            work.commit()
        if len(rows) < GROUP:
            return done
        after = rows[-1].id
