"""What people changed of a connector's field mapping for one account: kept in versions, laid over the manifest's own.

An overlay has the manifest's form (`fields`, `each`, `items`); a field that is null there is left out. An update of the
connector goes on reaching all that was not changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import func, select

from tidegate.errors import Conflict, InputError
from tidegate.sdk.discovery import manifest_of
from tidegate.sdk.manifest import Manifest
from tidegate.sdk.mapping.schema import check_orders
from tidegate.services.accounts import events
from tidegate.services.context import Context
from tidegate.services.remotes.accounts import account_row
from tidegate.store.sync_tables import AccountMapping
from tidegate.store.unit_of_work import UnitOfWork

PARTS = ("fields", "items")
Overlay = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Version:
    """`version` 0 is the manifest's own mapping."""

    version: int
    overlay: Overlay
    changed_by: str = ""
    created_at: datetime | None = None


def newest(work: UnitOfWork, account_id: int) -> Version:
    """The version in force."""
    row = work.session.scalar(
        select(AccountMapping)
        .where(AccountMapping.account_id == account_id)
        .order_by(AccountMapping.version.desc())
        .limit(1)
    )
    return Version(0, {}) if row is None else _version(row)


def versions(context: Context, code: str) -> list[Version]:
    """All that were saved, the newest first.

    Raises:
        NotFound: there is no such account.
    """
    with context.store.begin(context.tenant_id, readonly=True) as work:
        account_id = account_row(work, code).id
        rows = work.session.scalars(
            select(AccountMapping)
            .where(AccountMapping.account_id == account_id)
            .order_by(AccountMapping.version.desc())
        )
        return [_version(row) for row in rows]


def laid_over(manifest: Manifest, overlay: Overlay) -> Manifest:
    """The manifest with the overlay in its orders."""
    return replace(manifest, orders=merged(manifest.orders, overlay)) if overlay else manifest


def merged(orders: Mapping[str, Any], overlay: Overlay) -> dict[str, Any]:
    """Both are left as they are."""
    found = dict(orders)
    for part in PARTS:
        laid = {**(orders.get(part) or {}), **(overlay.get(part) or {})}
        found[part] = {name: how for name, how in laid.items() if how is not None}
    if overlay.get("each"):
        found["each"] = overlay["each"]
    return found


def checked(manifest: Manifest, overlay: Overlay) -> dict[str, Any]:
    """The mapping that the overlay makes.

    Raises:
        InputError: it makes none; `fields["field"]` names the vocabulary's field.
    """
    if strange := sorted(set(overlay) - {*PARTS, "each"}):
        raise _wrong("mapping", f"unknown key {strange[0][:40]}")
    if any(not isinstance(overlay.get(part, {}), Mapping) for part in PARTS):
        raise _wrong("mapping", "fields and items are objects")
    found = merged(manifest.orders, overlay)
    try:
        check_orders(found)
    except ValidationError as error:
        raise _wrong(*_first(error.messages)) from None
    return found


def save(
    context: Context, code: str, overlay: Overlay, actor: str, *, base: int | None = None
) -> Version:
    """A new version, in force from the next call on. `base` is the version it was made from.

    Raises:
        NotFound: no such account. InputError: it is no mapping. Conflict: somebody saved meanwhile.
    """
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        row = account_row(work, code)
        checked(manifest_of(row.connector), overlay)
        before = work.session.scalar(
            select(func.max(AccountMapping.version)).where(AccountMapping.account_id == row.id)
        )
        if base is not None and base != (before or 0):
            raise _changed(code)
        made = AccountMapping(
            account_id=row.id, version=(before or 0) + 1, overlay=dict(overlay),
            changed_by=actor[:80], created_at=now,
        )  # fmt: skip
        work.add(made)
        row.version += 1  # connectors at work are made anew
        row.updated_at = now
        kind = "mapping_changed" if overlay else "mapping_reset"
        events.note(work.session, work.tenant_id, now, kind, actor, code, version=made.version)
        work.commit()
        return _version(made)


def reset(context: Context, code: str, actor: str) -> Version:
    """The manifest's own mapping again. Raises NotFound."""
    return save(context, code, {}, actor)


def _version(row: AccountMapping) -> Version:
    return Version(row.version, dict(row.overlay), row.changed_by, row.created_at)


def _first(messages: Any, place: str = "") -> tuple[str, str]:
    """The field that is wrong and what was said of it."""
    if isinstance(messages, Mapping):
        name, inner = next(iter(messages.items()))
        return _first(inner, place if name in (*PARTS, "_schema") else str(name))
    if isinstance(messages, list) and messages:
        return (
            _first(messages[0], place) if not isinstance(messages[0], str) else (place, messages[0])
        )
    return place, str(messages)


def _wrong(field: str, said: str) -> InputError:
    return InputError(
        "mapping.wrong",
        zh=f"映射的 {field or 'mapping'} 不能这样写（{said}）；请更正后再保存。",
        en=f"{field or 'mapping'}: {said}; correct it and save again.",
        field=field or "mapping",
    )


def _changed(code: str) -> Conflict:
    return Conflict(
        "mapping.changed",
        zh=f"账号 {code} 的映射刚刚被别人改过；请重新打开再改。",
        en=f"Somebody changed the mapping of {code} meanwhile; open it again.",
        account=code,
    )
