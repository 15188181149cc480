"""Kept mappings of an account: the next file of a known shape is recognised by its headers, changed ones are told."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from tidegate.errors import Conflict, InputError, NotFound
from tidegate.sdk.sheets import Layout, layout_document, layout_of
from tidegate.services.accounts import events
from tidegate.services.context import Context
from tidegate.services.remotes.accounts import account_row
from tidegate.store.sheet_tables import SheetFile, SheetMapping
from tidegate.store.unit_of_work import UnitOfWork

ALIKE = 0.6  # share of the headers in common, so that one shape counts as the other with changes
ADDED = {  # columns of the file of rejected rows (repairs.py), left aside when it comes back
    "zh": ("原行号", "出错的列", "原因和办法"),
    "en": ("row in the file", "column at fault", "cause and remedy"),
}


@dataclass(frozen=True, slots=True)
class Kept:
    """A mapping of an account."""

    id: int
    name: str
    shape: str
    layout: Layout
    uses: int
    changed_by: str
    used_at: datetime


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs between a file's headers and the mapping it was recognised by."""

    added: tuple[str, ...]
    gone: tuple[str, ...]


def recognised(context: Context, account_id: int, columns: Sequence[str]) -> Kept | None:
    """The mapping whose headers are these; else the one most like them, if the columns it needs are there."""
    columns = theirs(columns)
    wanted, there = shape_of(columns), {bare(name) for name in columns}
    with context.store.begin(context.tenant_id, readonly=True) as work:
        found = [_kept(row) for row in _rows(work, account_id)]
    same = [one for one in found if one.shape == wanted]
    if same:
        return max(same, key=lambda one: one.used_at)
    likely = [(_alike(one, there), one.used_at, one) for one in found if _number(one) in there]
    best = max(likely, key=lambda one: one[:2], default=None)
    return best[2] if best is not None and best[0] >= ALIKE else None


def candidates(context: Context, account_id: int) -> list[Kept]:
    """All mappings of an account, the last used first: whose header row may be tried where no header was known."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        found = [_kept(row) for row in _rows(work, account_id)]
    return sorted(found, key=lambda one: one.used_at, reverse=True)


def changes(layout: Layout, columns: Sequence[str]) -> Changes:
    """Columns that are new in a file, and those of the mapping that are gone."""
    columns = theirs(columns)
    before, now = {bare(name) for name in layout.columns}, {bare(name) for name in columns}
    return Changes(
        tuple(name for name in columns if bare(name) not in before),
        tuple(name for name in layout.columns if bare(name) not in now),
    )


def kept(context: Context, code: str) -> list[Kept]:
    """The mappings of an account, the last used first. Raises NotFound."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        rows = _rows(work, account_row(work, code).id)
        return sorted((_kept(row) for row in rows), key=lambda one: one.used_at, reverse=True)


def one_of(context: Context, code: str, name: str) -> Kept:
    """The mapping called so.

    Raises:
        NotFound: no such account or mapping; the message names those there are.
    """
    found = kept(context, code)
    for one in found:
        if one.name == name:
            return one
    names = "、".join(one.name for one in found) or "-"
    raise NotFound(
        "sheet.no_mapping",
        zh=f"账号 {code} 没有名为“{name}”的列对应；已有：{names}。",
        en=f"The account {code} has no mapping {name!r}; it has: {names.replace('、', ', ')}.",
        name=name,
    )


def by_id(context: Context, mapping_id: int) -> Kept | None:
    with context.store.begin(context.tenant_id, readonly=True) as work:
        row = work.session.get(SheetMapping, mapping_id)
        return None if row is None else _kept(row)


def remember(
    work: UnitOfWork, account_id: int, name: str, layout: Layout, actor: str, now: datetime,
    mapping_id: int | None = None,
) -> int:  # fmt: skip
    """Keep a layout that was used: the mapping it came from is brought up to date, a new one gets `name`; its id.

    What was said of columns that are not in this file stays.
    """
    layout = replace(layout, columns=tuple(theirs(layout.columns)))
    shape = shape_of(layout.columns)
    rows = _rows(work, account_id)
    row = next((one for one in rows if one.id == mapping_id), None)
    row = row or next((one for one in rows if one.shape == shape), None)
    if row is None:
        called = _free(name.strip()[:80] or "1", {one.name for one in rows})
        row = SheetMapping(
            account_id=account_id, name=called, shape=shape, layout={}, uses=0,
            changed_by=actor[:80], created_at=now, used_at=now,
        )  # fmt: skip
        work.add(row)
    there = {bare(name) for name in layout.columns}
    before = {n: f for n, f in row.layout.get("fields", {}).items() if bare(n) not in there}
    said = {n: f for n, f in layout.fields.items() if bare(n) in there}
    document = layout_document(replace(layout, fields={**before, **said}))
    if row.layout != document:
        row.layout, row.shape, row.changed_by = document, shape, actor[:80]
    row.uses, row.used_at = row.uses + 1, now
    work.session.flush()
    return row.id


def rename(context: Context, code: str, mapping_id: int, name: str, actor: str) -> None:
    """Raises NotFound; InputError: no name. Conflict: the name is taken."""
    called = " ".join(name.split())
    if not 1 <= len(called) <= 80:
        raise InputError(
            "sheet.name_missing",
            zh="请填写名称（最多 80 个字）。",
            en="Give it a name of up to 80 characters.",
            field="name",
        )
    with context.store.begin(context.tenant_id) as work:
        row = _mine(work, code, mapping_id)
        row.name, row.changed_by = called, actor[:80]
        try:
            work.commit()
        except IntegrityError:
            raise Conflict(
                "sheet.name_taken",
                zh=f"这个账号已有名为“{called}”的列对应；请换一个名称。",
                en=f"This account has a mapping {called!r} already; choose another name.",
                field="name",
            ) from None


def remove(context: Context, code: str, mapping_id: int, actor: str) -> None:
    """The next file of its shape is guessed anew. Raises NotFound."""
    with context.store.begin(context.tenant_id) as work:
        row = _mine(work, code, mapping_id)
        for file in work.session.scalars(select(SheetFile).where(SheetFile.mapping_id == row.id)):
            file.mapping_id = None
        events.note(
            work.session, work.tenant_id, context.clock(), "sheet_mapping_removed", actor, code,
            name=row.name,
        )  # fmt: skip
        work.session.delete(row)
        work.commit()


def theirs(columns: Sequence[str]) -> list[str]:
    """The columns without those that we added to a file of rejected rows."""
    return [name for name in columns if not is_ours(name)]


def is_ours(name: str) -> bool:
    return bare(name) in {bare(one) for names in ADDED.values() for one in names}


def shape_of(columns: Sequence[str]) -> str:
    """Equal for the same headers in any order."""
    return hashlib.sha256("\n".join(sorted(map(bare, columns))).encode()).hexdigest()


def bare(name: str) -> str:
    """A header as shapes are compared."""
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()


def _alike(one: Kept, there: set[str]) -> float:
    mine = {bare(name) for name in one.layout.columns}
    return len(mine & there) / len(mine | there) if mine else 0.0


def _number(one: Kept) -> str:
    fields = one.layout.fields.items()
    return next((bare(name) for name, field in fields if field == "order.number"), "")


def _rows(work: UnitOfWork, account_id: int) -> list[SheetMapping]:
    mine = select(SheetMapping).where(SheetMapping.account_id == account_id)
    return list(work.session.scalars(mine.order_by(SheetMapping.id)))


def _mine(work: UnitOfWork, code: str, mapping_id: int) -> SheetMapping:
    account_id = account_row(work, code).id
    row = work.session.get(SheetMapping, mapping_id)
    if row is None or row.account_id != account_id:
        raise NotFound(
            "sheet.no_mapping",
            zh="这个账号没有这份列对应，可能刚被删除；请刷新。",
            en="This account has no such mapping; somebody may just have removed it.",
        )
    return row


def _kept(row: SheetMapping) -> Kept:
    return Kept(
        row.id, row.name, row.shape, layout_of(row.layout), row.uses, row.changed_by, row.used_at
    )


def _free(name: str, taken: set[str]) -> str:
    number = 2
    called = name
    while called in taken:
        called = f"{name[:74]} ({number})"
        number += 1
    return called
