"""The second matcher beside ours, with the same signature: `match` of a `Context`.

    with Correlator(alarm) as correlator:
        evaluate(ruleset, facts, now, match=correlator)

durable-rules answers only yes or no. A yes is always confirmed by our matcher, which also names
the earliest match; a no is compared for a share of the episodes. Where the two differ, ours
stands, the alarm rings, and that pattern is left to ours from then on. Where the child cannot
answer, ours does; while it starts, too. No decision waits longer than twice `limit_s` for the
child, or fails because of it.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Any

from tidegate.correlation.lines import Trouble
from tidegate.correlation.sealing import Sealed, seal
from tidegate.correlation.worker import COMMAND, DIED, Worker
from tidegate.engine.language import tree
from tidegate.engine.language.rendering import render
from tidegate.engine.patterns.matcher import Match, match

if TYPE_CHECKING:
    from tidegate.engine.evaluation import Context

LONGEST_PAUSE_S = 300.0
STARTS = 3  # that may die in the self-test before the backend is given up


@dataclass(frozen=True)
class Alarm:
    """Something an operator should know; never holds a value of a fact.

    `kind` is not_installed, self_test, died, slow, garbage, error or differs; `pattern` is a mark
    of the pattern (`mark_of`), empty when none was asked; `pause_s` until the next start.
    """

    kind: str
    detail: str = ""
    pattern: str = ""
    pause_s: float = 0.0

    def text(self, lang: str = "en") -> str:
        zh, en = _TEXTS[self.kind]
        return zh if lang.lower().startswith("zh") else en


_TEXTS = {
    "not_installed": (
        "没有安装 durable-rules，模式规则只由自带的匹配器判断",
        "durable-rules is not installed; patterns are decided by our matcher alone",
    ),
    "self_test": (
        "durable-rules 未通过自检，不启用；模式规则由自带的匹配器判断",
        "durable-rules failed its self-test and is not used; patterns are decided by our matcher",
    ),
    "died": (
        "durable-rules 的子进程中断，已由自带的匹配器接替",
        "the durable-rules process died; our matcher took over",
    ),
    "slow": (
        "durable-rules 超时，子进程已结束，已由自带的匹配器接替",
        "durable-rules was too slow and was ended; our matcher took over",
    ),
    "garbage": (
        "durable-rules 的子进程回答无法理解，已由自带的匹配器接替",
        "the durable-rules process made no sense; our matcher took over",
    ),
    "error": (
        "durable-rules 报错，已由自带的匹配器接替",
        "durable-rules reported an error; our matcher took over",
    ),
    "differs": (
        "durable-rules 的结论与自带的匹配器不同；以自带的为准，此模式今后只由它判断",
        "durable-rules and our matcher differ; ours stands and decides this pattern from now on",
    ),
}


class Correlator:
    """Safe for many threads; one child serves them in turn. `share` of the noes are compared,
    `random` gives numbers in [0, 1), `clock` seconds that never go back.
    """

    def __init__(
        self,
        alarm: Callable[[Alarm], None],
        *,
        share: float = 0.05,
        limit_s: float = 0.5,
        start_limit_s: float = 10.0,
        recycle_after: int = 5_000,
        random: Callable[[], float] | None = None,
        clock: Callable[[], float] = time.monotonic,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self.share = share
        self.limit_s = limit_s
        self.start_limit_s = start_limit_s
        self.recycle_after = recycle_after
        self.command = command
        self.counts: Counter[str] = Counter()
        self.ours_only: set[str] = set()
        self._alarm = alarm
        self._random = random or Random().random  # noqa: S311  picks a sample, guards nothing
        self._clock = clock
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        self._owner = os.getpid()
        self._refused = False
        self._failures = 0
        self._dead_starts = 0
        self._start_at = clock()
        self._starting = False
        self._counting = threading.Lock()

    def __call__(self, sequence: tree.Sequence, events: Sequence[Any], context: Context) -> Match:
        """The same truth as `engine.patterns.matcher.match`, and its errors. The events of a
        pattern that is not true may be left out (None).
        """
        mark = mark_of(sequence)
        sealed = (
            None if self._refused or mark in self.ours_only else seal(sequence, events, context)
        )
        found = self._ask(sealed, mark) if sealed is not None else None
        if found is None:
            self._count("ours")
            return match(sequence, events, context)
        self._count("answered")
        if not found and self._random() >= self.share:
            return Match(False)
        ours = match(sequence, events, context)
        self._count("compared")
        if ours.truth is not found:
            self.ours_only.add(mark)
            self._ring(Alarm("differs", f"{found} {ours.truth}", mark))
        return ours

    def start(self) -> bool:
        """Start the child now and wait for it, rather than aside at the first question; whether
        it may be asked.
        """
        self._leave_to_parent()
        with self._lock:
            if self._worker is None and not self._refused and self._clock() >= self._start_at:
                self._open()
            return self._worker is not None

    def close(self) -> None:
        """End the child. The correlator may be used again and starts another."""
        self._leave_to_parent()
        with self._lock:
            self._end()

    def __enter__(self) -> Correlator:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The child's process, if one is alive as far as is known."""
        return self._worker.pid if self._worker else None

    # the child; all under the lock

    def _ask(self, sealed: Sealed, mark: str) -> bool | None:
        """The child's answer, or None when it has none to give."""
        self._leave_to_parent()
        if self._worker is None:
            self._start_aside()
            return None
        if not self._lock.acquire(timeout=self.limit_s):
            return None
        try:
            worker = self._worker
            if worker is None:
                return None
            reply = worker.ask(sealed, self.limit_s)
            self._failures = 0
            if reply.spent or worker.asked >= self.recycle_after:
                self._end()
            return reply.found
        except Trouble as trouble:
            self._failed(trouble, mark)
            return None
        finally:
            self._lock.release()

    def _start_aside(self) -> None:
        if self._starting or self._refused or self._clock() < self._start_at:
            return
        self._starting = True  # two threads here at once start two threads, one child
        threading.Thread(target=self._start_thread, name="correlator", daemon=True).start()

    def _start_thread(self) -> None:
        try:
            self.start()
        finally:
            self._starting = False

    def _open(self) -> None:
        try:
            if os.name != "posix":
                raise Trouble("not_installed", os.name)
            self._worker = Worker(self.command, self.start_limit_s)
            self._dead_starts = 0
            self._count("started")
        except Trouble as trouble:
            self._failed(trouble, "")
        except OSError as error:
            self._failed(Trouble("died", type(error).__name__), "")

    def _failed(self, trouble: Trouble, mark: str) -> None:
        """End the child; try again later, longer after each failure, or never."""
        self._end()
        pause = min(2.0 ** min(self._failures, 20), LONGEST_PAUSE_S)
        self._failures += 1
        if trouble.kind == "self_test" and trouble.detail == DIED:
            self._dead_starts += 1
            self._refused = self._dead_starts >= STARTS
        else:
            self._refused = trouble.kind in ("not_installed", "self_test")
        self._start_at = self._clock() + pause
        self._ring(Alarm(trouble.kind, trouble.detail, mark, 0.0 if self._refused else pause))

    def _end(self) -> None:
        if self._worker is not None:
            self._worker.end()
            self._worker = None

    def _leave_to_parent(self) -> None:
        """After a fork the child belongs to the other process: let go of it, start one's own."""
        if self._owner == os.getpid():
            return
        self._owner = os.getpid()
        self._lock, self._counting = threading.Lock(), threading.Lock()
        self._starting = False
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.forget()

    def _ring(self, alarm: Alarm) -> None:
        self._count(alarm.kind)
        try:
            self._alarm(alarm)
        except Exception:  # a broken alarm must not cost a decision
            self._count("alarm_failed")

    def _count(self, what: str) -> None:
        with self._counting:
            self.counts[what] += 1


@lru_cache(maxsize=512)
def mark_of(sequence: tree.Sequence) -> str:
    """A short mark of a pattern, equal for equal patterns."""
    return hashlib.sha256(render(sequence).encode()).hexdigest()[:12]
