"""The preview of a big file, by a job: how far it is, stopped when somebody wants, and what was wrong with it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from sqlalchemy import CursorResult, update

from tidegate.errors import TidegateError
from tidegate.services.context import Context
from tidegate.services.sheets import bringing, files
from tidegate.services.sheets.readers import may_bring
from tidegate.services.work import enqueue
from tidegate.store.sheet_tables import SheetFile

BIG_BYTES = 400_000  # as it was uploaded: a second or two of reading
TOLD_EVERY_S = 0.5
OPEN = ("waiting", "running")


@dataclass(frozen=True, slots=True)
class Trial:
    """state: waiting, running, stopped, failed. `said`: what was wrong, by language."""

    state: str
    read: int
    said: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


class Stopped(Exception):
    """Somebody stopped it, or began another."""


def is_big(row: SheetFile) -> bool:
    """Whether its preview takes longer than somebody waits for a page."""
    return row.size_bytes > BIG_BYTES


def trial_of(row: SheetFile) -> Trial | None:
    """The preview under way, stopped or failed; None when there is none or it is done."""
    if row.trial_state in ("", "done"):
        return None
    return Trial(row.trial_state, row.trial_read, row.trial_said or {})


def look_at(context: Context, file_id: int) -> Trial | None:
    """The same without opening the file. Raises NotFound."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        return trial_of(files.row_of(work, context, file_id)[0])


def start(context: Context, file_id: int) -> None:
    """Ask for a preview of the layout as it is now; one that is under way ends. Raises NotFound."""
    now, run_id, allowed = context.clock(), uuid4().hex, may_bring(context)
    args = {
        "file_id": file_id, "run": run_id,
        "allowed": None if allowed is None else sorted(map(list, allowed)),
    }  # fmt: skip
    with context.store.begin(context.tenant_id) as work:
        row, _ = files.row_of(work, context, file_id)
        row.trial_run, row.trial_state, row.trial_read, row.trial_said = run_id, "waiting", 0, None
        enqueue(work, "try_sheet", args, due_at=now, now=now, key=f"try_sheet:{run_id}")
        work.commit()


def stop(context: Context, file_id: int) -> None:
    """End it; the job notices within a second or before the next thousand rows. Raises NotFound."""
    with context.store.begin(context.tenant_id) as work:
        row, _ = files.row_of(work, context, file_id)
        if row.trial_state in OPEN:
            row.trial_state = "stopped"
        work.commit()


def run(
    context: Context, file_id: int, run_id: str, allowed: Sequence[Sequence[str]] | None
) -> None:
    """The job. Safe to repeat; nothing is stored but what was found."""
    if not _tell(context, file_id, run_id, trial_state="running"):
        return
    scope = None if allowed is None else frozenset((one[0], one[1]) for one in allowed)
    try:
        bringing.try_with(context, file_id, scope, _Teller(context, file_id, run_id))
    except Stopped:
        return
    except TidegateError as error:
        _tell(
            context,
            file_id,
            run_id,
            trial_state="failed",
            trial_said={**error.texts, "code": error.code},
        )
        return
    except Exception:
        _tell(context, file_id, run_id, trial_state="failed", trial_said={"code": "sheet.broken"})
        raise
    _tell(context, file_id, run_id, trial_state="done")


@dataclass
class _Teller:
    """Hears how many rows were read; raises Stopped."""

    context: Context
    file_id: int
    run_id: str
    told_at: float = 0.0

    def __call__(self, read: int) -> None:
        if time.monotonic() - self.told_at < TOLD_EVERY_S:
            return
        self.told_at = time.monotonic()
        if not _tell(self.context, self.file_id, self.run_id, trial_read=read):
            raise Stopped


def _tell(context: Context, file_id: int, run_id: str, **values: Any) -> bool:
    """Whether this run still counts."""
    mine = (SheetFile.id == file_id, SheetFile.trial_run == run_id, SheetFile.trial_state.in_(OPEN))
    with context.store.begin(context.tenant_id) as work:
        done: CursorResult[Any] = work.session.execute(  # type: ignore[assignment]
            update(SheetFile)
            .where(*mine)
            .values(**values)
            .execution_options(synchronize_session=False)
        )
        work.commit()
    return done.rowcount == 1
