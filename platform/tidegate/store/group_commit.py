"""Many small writes, one COMMIT: a thread takes what waits, gives each a savepoint, and answers after the commit.

A commit waits for the disk. Sixteen requests that commit by themselves wait sixteen times, one after the other on
SQLite; together they wait once. An error undoes its own write only.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

import structlog
from sqlalchemy import Connection, Engine

from tidegate.errors import TidegateError
from tidegate.store import trouble

MOST = 256  # writes per COMMIT
Many = Callable[[Any, list[Any]], Sequence[Any]]  # (unit of work, items) -> an answer per item
Open = Callable[[Connection, int, "frozenset[int] | None"], Any]
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, eq=False)
class Wish:
    """One write that waits. Wishes of one `kind` that wait together are written by one call of `many`."""

    tenant_id: int
    shops: frozenset[int] | None
    many: Many
    item: Any
    together: bool
    done: Future[Any]

    @property
    def kind(self) -> object:
        return (self.tenant_id, self.shops, self.many) if self.together else self


class GroupCommit:
    """One thread and its queue; starts with the first write and again after a fork."""

    def __init__(self, engine: Engine, open_work: Open) -> None:
        self._engine = engine
        self._open = open_work
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._queue: SimpleQueue[Wish | None] = SimpleQueue()

    def ask(self, wish: Wish) -> None:
        """Put a write into the queue."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("a write of a group can't wait for another group")
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._queue = SimpleQueue()
                self._thread = threading.Thread(target=self._loop, name="writer", daemon=True)
                self._thread.start()
            self._queue.put(wish)

    def close(self) -> None:
        """Write what waits, then stop; a later write starts it again."""
        with self._starting:
            thread, self._thread = self._thread, None
            if thread is not None and thread.is_alive():
                self._queue.put(None)
        if thread is not None:
            thread.join(timeout=30)

    def _loop(self) -> None:
        queue = self._queue
        stopping = False
        while not stopping:
            wishes, stopping = _waiting(queue)
            if wishes:
                self._write(wishes)

    def _write(self, wishes: Sequence[Wish]) -> None:
        """All wishes in one transaction; each is answered when it is on the disk, or why it is not."""
        answers: list[tuple[Wish, Any, BaseException | None]] = []
        try:
            with self._engine.connect() as connection, connection.begin():
                for bunch in _bunches(wishes):
                    answers += self._bunch(connection, bunch)
        except BaseException as error:
            level = log.warning if isinstance(error, TidegateError) else log.error
            level("store.group_failed", error=type(error).__name__, writes=len(wishes))
            answers = [(wish, None, error) for wish in wishes]
        for wish, found, refused in answers:
            if refused is None:
                wish.done.set_result(found)
            else:
                wish.done.set_exception(refused)

    def _bunch(
        self, connection: Connection, bunch: Sequence[Wish]
    ) -> list[tuple[Wish, Any, BaseException | None]]:
        """Wishes of one kind in one savepoint; when that fails, each in its own."""
        first = bunch[0]
        try:
            with self._open(connection, first.tenant_id, first.shops) as work:
                found = first.many(work, [wish.item for wish in bunch])
                work.commit()  # ends the savepoint; the transaction goes on
            return [(wish, one, None) for wish, one in zip(bunch, found, strict=True)]
        except Exception as error:
            if connection.invalidated:  # and with it everything that was written before
                raise trouble.away() from error
            if len(bunch) == 1:
                return [(first, None, error)]
        return [answer for wish in bunch for answer in self._bunch(connection, [wish])]


def _waiting(queue: SimpleQueue[Wish | None]) -> tuple[list[Wish], bool]:
    """What waits, at least one unless it is time to stop."""
    wishes: list[Wish] = []
    found = queue.get()
    while found is not None:
        wishes.append(found)
        if len(wishes) == MOST:
            return wishes, False
        try:
            found = queue.get_nowait()
        except Empty:
            return wishes, False
    return wishes, True


def _bunches(wishes: Sequence[Wish]) -> list[list[Wish]]:
    found: dict[object, list[Wish]] = {}
    for wish in wishes:
        found.setdefault(wish.kind, []).append(wish)
    return list(found.values())
