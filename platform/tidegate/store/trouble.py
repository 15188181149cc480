"""What a database says when it can't go on, as errors that tell whoever asked to come back later.

Only trouble that passes by itself or by an operator's hand is translated; deadlocks and broken constraints stay as
they are, because the code around them repeats or explains them.
"""

from __future__ import annotations

import sqlite3

from sqlalchemy import Engine, ExceptionContext, event

from tidegate.errors import StorageFull, Unavailable

_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, 778}  # 778: SQLITE_IOERR_WRITE
_BUSY = {sqlite3.SQLITE_BUSY, 261, 517, 773}  # _RECOVERY, _SNAPSHOT, _TIMEOUT
# SQLSTATEs of PostgreSQL; its driver is loaded by those who have one
_AWAY = {"57P01", "57P02", "57P03", "53300"}  # shutdown, crash, starting, too many connections
_SLOW = {"55P03", "57014"}  # a lock or a statement took too long
_DISK_FULL = "53100"


def busy() -> Unavailable:
    return Unavailable(
        "store.busy",
        zh="数据库正忙, 这次没有写入; 请稍后重试。",
        en="The database is busy and nothing was written; try again in a moment.",
    )


def away() -> Unavailable:
    return Unavailable(
        "store.away",
        zh="数据库连不上; 请稍后重试, 一直如此请检查数据库服务。",
        en="The database can't be reached; try again in a moment, and check its server if it goes on.",
    )


def full() -> StorageFull:
    return StorageFull(
        "store.disk_full",
        zh="磁盘已满, 这次没有写入; 请清理磁盘后重试, 已存数据完好。",
        en="The disk is full and nothing was written; make room and try again. What is stored is intact.",
    )


def watch(engine: Engine) -> None:
    """Let the engine raise these errors in place of the driver's."""
    event.listen(engine, "handle_error", _translate)


def _translate(context: ExceptionContext) -> None:
    found = translated(context.original_exception, gone=context.is_disconnect)
    if found is not None:
        raise found from context.original_exception


def translated(error: BaseException | None, *, gone: bool = False) -> Unavailable | None:
    """The error to raise instead, or None; `gone`: the connection broke."""
    if isinstance(error, sqlite3.OperationalError):
        code = getattr(error, "sqlite_errorcode", None)
        if code in _FULL:
            return full()
        return busy() if code in _BUSY else None
    state = getattr(error, "sqlstate", None)
    if state == _DISK_FULL:
        return full()
    if state in _SLOW:
        return busy()
    if gone or state in _AWAY or (state is None and _of_psycopg(error)):
        return away()
    return None


def _of_psycopg(error: BaseException | None) -> bool:
    """An operational error without a state: no connection could be made."""
    kinds = [f"{kind.__module__}.{kind.__name__}" for kind in type(error).__mro__]
    return "psycopg.OperationalError" in kinds
