"""How far an account was read: a watermark behind which everything is stored, and the window under way."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select, update

from tidegate.errors import Conflict
from tidegate.sdk.values import Window
from tidegate.services.context import Context
from tidegate.store.tables import SyncCursor


@dataclass(frozen=True, slots=True)
class Position:
    """`cursor` is the page of `window` that comes next. `until` is where the window ended before it was cut into
    shorter ones.
    """

    watermark: datetime | None = None
    window: Window | None = None
    cursor: str = ""
    until: datetime | None = None

    def begun(self, window: Window) -> Position:
        return Position(self.watermark, window, "", window.end)

    def cut(self, window: Window) -> Position:
        """A shorter window in place of the one under way; what it leaves out comes after it."""
        return replace(self, window=window, cursor="")

    def turned(self, cursor: str | None) -> Position:
        """After a page: the next one, what was cut off, or the end."""
        if cursor is not None:
            return replace(self, cursor=cursor)
        if self.window is not None and self.until is not None and self.window.end < self.until:
            return self.cut(Window(self.window.end, self.until))
        return Position(self.until)


@dataclass(frozen=True, slots=True)
class Kept:
    """A position and the text it was read from: a write proves that nobody moved it meanwhile."""

    position: Position
    text: str | None


def load(context: Context, source: str) -> Kept:
    """The position of a source; one that was never read begins at the beginning."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        text = work.session.scalar(select(SyncCursor.cursor).where(SyncCursor.source == source))
    return Kept(_read(text), text)


def save(context: Context, source: str, kept: Kept, position: Position) -> Kept:
    """Raises Conflict if somebody else moved it: two workers read the same account, one goes on."""
    text, now = _write(position), context.clock()
    with context.store.begin(context.tenant_id) as work:
        if kept.text is None:
            work.add(SyncCursor(source=source, cursor=text, updated_at=now))
        else:
            moved = work.session.execute(
                update(SyncCursor)
                .where(SyncCursor.source == source, SyncCursor.cursor == kept.text)
                .values(cursor=text, updated_at=now)
                .execution_options(synchronize_session=False)
            )
            if not moved.rowcount:  # type: ignore[attr-defined]  # an UPDATE has it
                raise _moved(source)
        work.commit()
    return Kept(position, text)


def reset(context: Context, source: str, watermark: datetime) -> None:
    """Read again from a moment on (replay): orders are upserted, so nothing doubles."""
    save(context, source, load(context, source), Position(watermark))


def _read(text: str | None) -> Position:
    if not text:
        return Position()
    found = json.loads(text)
    window = found.get("window")
    return Position(
        _at(found.get("watermark")),
        Window(datetime.fromisoformat(window[0]), datetime.fromisoformat(window[1]))
        if window
        else None,
        str(found.get("cursor", "")),
        _at(found.get("until")),
    )


def _write(position: Position) -> str:
    window = position.window
    return json.dumps(
        {
            "watermark": position.watermark.isoformat() if position.watermark else None,
            "window": [window.start.isoformat(), window.end.isoformat()] if window else None,
            "cursor": position.cursor,
            "until": position.until.isoformat() if position.until else None,
        }
    )


def _at(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _moved(source: str) -> Conflict:
    return Conflict(
        "sync.moved",
        zh=f"{source} 正由另一个进程拉取; 这次不再继续。",
        en=f"{source} is being read by another process; this one stops.",
        source=source,
    )
