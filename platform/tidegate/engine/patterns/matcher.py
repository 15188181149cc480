"""What a pattern is worth on one episode: the definition, made quick enough to use.

A match is one event for each name, such that every condition holds, each event is older than the
next (`before`), no event strictly between two neighbours is what `absent` forbids there, and the
last is at most `within` after the first. The pattern is true if there is a match; false if there
can be none; unknown otherwise: each of these requirements is three-valued, they are joined by
`and`, and the candidates by `or`.

`before(a, b)` compares the instants, equal ones by their place in the list as given; it is
unknown when either instant is. Of several matches the earliest is named: the one whose first
event is oldest, among those the one whose second event is oldest, and so on.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tidegate.engine.language import tree
from tidegate.engine.logic import Truth
from tidegate.engine.patterns.judging import MAX_EVENTS, Judge, too_many
from tidegate.engine.patterns.plan import plan_of

if TYPE_CHECKING:
    from tidegate.engine.evaluation import Context


@dataclass(frozen=True)
class Match:
    """The answer. `events` are numbers of the list as given, from 1: the earliest match, or the
    longest (of those the earliest) beginning of one when the pattern is not true. None says that
    nobody looked. `unknown` are the facts that kept it from being decided.
    """

    truth: Truth
    events: tuple[int, ...] | None = None
    unknown: tuple[str, ...] = ()


Matcher = Callable[[tree.Sequence, "Sequence[Any]", "Context"], Match]


def match(sequence: tree.Sequence, events: Sequence[Any], context: Context) -> Match:
    """Search one episode.

    Raises:
        InputError: the episode is too long, the search would take too much work, or an event
        has a value of the wrong kind.
    """
    if len(events) > MAX_EVENTS:
        raise too_many(_name(sequence), len(events))
    if not events:
        return Match(False, ())
    outer = dict(context.variables)
    try:
        return _search(sequence, events, context)
    finally:
        context.variables.clear()
        context.variables.update(outer)


def _name(sequence: tree.Sequence) -> str:
    return sequence.over.id if isinstance(sequence.over, tree.Fact) else ""


def _search(sequence: tree.Sequence, events: Sequence[Any], context: Context) -> Match:
    judge = Judge(plan_of(sequence), events, context)
    span = None if sequence.within is None else context.value(sequence.within)
    sure = _Search(judge, span, open_to=False)
    if sure.run():
        return Match(True, _numbers(sure.found))
    beginning = _numbers(sure.longest)
    if judge.doubtful and _Search(judge, span, open_to=True).run():
        return Match(None, beginning, tuple(judge.unknown))
    return Match(False, beginning)


def _numbers(found: Sequence[int]) -> tuple[int, ...]:
    return tuple(n + 1 for n in found)


class _Search:
    """Depth first through the events in order. `open_to` False looks for a certain match, True
    for one that is not excluded.

    What failed once is not tried again: a state is the step, the position reached and those
    fields of the events found that later conditions still ask for; also the first event's
    instant, where the span had a part in the failure (`cut`).
    """

    def __init__(self, judge: Judge, span: timedelta | None, open_to: bool) -> None:
        self.judge = judge
        self.span = span
        self.open_to = open_to
        self.found: list[int] = []
        self.longest: tuple[int, ...] = ()
        self.failed: dict[tuple[object, ...], int] = {}
        self.cut = False
        alone = judge.alone
        plan = judge.plan
        self.candidates = [
            [p for p, n in enumerate(judge.dated) if alone(wanted, n, open_to)]
            for wanted in plan.steps
        ]
        self.placeless = [
            [n for n in judge.undated if alone(wanted, n, open_to)]
            if open_to or len(plan.steps) == 1
            else []
            for wanted in plan.steps
        ]
        # an event that may be forbidden spoils certainty, one that must be spoils possibility
        self.forbidden = [
            [[p for p, n in enumerate(judge.dated) if alone(w, n, not open_to)] for w in gap]
            for gap in plan.gaps
        ]
        self.lurking = [
            [[] if open_to else [n for n in judge.undated if alone(w, n, True)] for w in gap]
            for gap in plan.gaps
        ]

    def run(self) -> bool:
        return self._step(-1, True)

    def _step(self, position: int, placed: bool) -> bool:
        """Whether the events found can be completed from here on; `position` is that of the last
        dated one, `placed` says whether the last one is dated.
        """
        at = len(self.found)
        if at == len(self.judge.plan.steps):
            return True
        gap = placed and bool(self.judge.plan.gaps[at])
        key = (at, gap, *self.judge.key(self.judge.plan.live[at], self.found))
        if gap:  # a later start has another gap to keep free; without one it only has less to find
            key = (*key, position)
        first = (*key, "from", self.judge.instants[self.found[0]] if self.found else None)
        if self._has_failed(key, position) or self._has_failed(first, position):
            self.cut = self.cut or not self._has_failed(key, position)
            return False
        outer, self.cut = self.cut, False
        if self._dated(at, position, gap) or self._undated(at, position):
            return True
        self.failed[first if self.cut else key] = position
        self.cut = self.cut or outer
        return False

    def _has_failed(self, key: tuple[object, ...], position: int) -> bool:
        return key in self.failed and position >= self.failed[key]

    def _dated(self, at: int, position: int, gap: bool) -> bool:
        judge, joint = self.judge, self.judge.plan.steps[at].joint
        last = self._free_until(at, position) if gap else len(judge.dated)
        places = self.candidates[at]
        for index in range(bisect_right(places, position), len(places)):
            place = places[index]
            event = judge.dated[place]
            judge.spend(1)
            if place > last or self._too_late(at, event):
                return False
            if judge.holds(joint, self.found, event, self.open_to) and self._with(
                event, place, True
            ):
                return True
        return False

    def _undated(self, at: int, position: int) -> bool:
        for event in self.placeless[at]:
            self.judge.spend(1)
            joint = self.judge.plan.steps[at].joint
            fits = self.judge.holds(joint, self.found, event, self.open_to)
            if fits and self._with(event, position, False):
                return True
        return False

    def _with(self, event: int, position: int, placed: bool) -> bool:
        self.found.append(event)
        if len(self.found) > len(self.longest):
            self.longest = tuple(self.found)
        if self._step(position, placed):
            return True
        self.found.pop()
        return False

    def _too_late(self, at: int, event: int) -> bool:
        """Whether the span is exceeded. Between, that excludes a match only if the last event is
        dated too.
        """
        if self.span is None or not self.found:
            return False
        if self.open_to and at < len(self.judge.plan.steps) - 1:
            return False
        first, last = self.judge.instants[self.found[0]], self.judge.instants[event]
        late = first is not None and last is not None and last - first > self.span
        self.cut = self.cut or late
        return late

    def _free_until(self, at: int, position: int) -> int:
        """The last position the next event may have: that of the first event which `absent`
        forbids to lie between.
        """
        judge, found, end = self.judge, self.found, len(self.judge.dated)
        for wanted, places, lurking in zip(
            judge.plan.gaps[at], self.forbidden[at], self.lurking[at], strict=True
        ):
            if any(judge.holds(wanted.joint, found, event, True) for event in lurking):
                return position
            for index in range(bisect_right(places, position), len(places)):
                judge.spend(1)
                if places[index] >= end:
                    break
                event = judge.dated[places[index]]
                if judge.holds(wanted.joint, found, event, not self.open_to):
                    end = places[index]
                    break
        return end
