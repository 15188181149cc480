"""One episode under judgement: its events in order, and what each condition says of them.

An answer is remembered by the values it depends on, so that a thousand scans in the same state
cost one evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tidegate.engine.logic import Truth
from tidegate.engine.patterns.conjuncts import WHOLE
from tidegate.engine.patterns.plan import OWN, Check, Plan, Read, Wanted
from tidegate.errors import InputError

if TYPE_CHECKING:
    from tidegate.engine.evaluation import Context

MAX_EVENTS = 10_000
MAX_WORK = 1_000_000  # nodes evaluated and events looked at, together; about a second


class Judge:
    """`dated` are indices of events oldest first (ties as given), `undated` those without an
    instant.
    """

    def __init__(self, plan: Plan, events: Sequence[Any], context: Context) -> None:
        self.plan = plan
        self.events = events
        self.context = context
        self.work = 0
        self.doubtful = False  # some answer was unknown, so "no match" may not be the last word
        self.unknown: dict[str, None] = {}
        values = {field: [event.get(field) for event in events] for field in plan.fields}
        self.instants: list[datetime | None] = values[plan.instant]
        dated = [(at, n) for n, at in enumerate(self.instants) if at is not None]
        self.dated = [n for _, n in sorted(dated)]
        self.undated = [n for n, at in enumerate(self.instants) if at is None]
        if self.undated:
            self.doubtful = True
            self.unknown[plan.fact] = None
        self.classes: dict[str, Sequence[int]] = {
            field: _classes(found) for field, found in values.items()
        }
        self.classes[WHOLE] = range(len(events))
        self.answers: dict[tuple[object, ...], Truth] = {}
        self.spend(len(events) * len(plan.fields))

    def spend(self, work: int) -> None:
        """Raises InputError once a pattern has cost more than it may."""
        self.work += work
        if self.work > MAX_WORK:
            raise too_much(self.plan, len(self.events))

    def holds(
        self, checks: tuple[Check, ...], found: Sequence[int], own: int, open_to: bool
    ) -> bool:
        """Whether all checks are true for event `own` after the events `found`; with `open_to`,
        whether none is false.
        """
        for check in checks:
            truth = self.answer(check, found, own)
            if truth is False or (truth is None and not open_to):
                return False
        return True

    def alone(self, wanted: Wanted, own: int, open_to: bool) -> bool:
        """The same for what a condition says of the event alone."""
        return self.holds(wanted.own, (), own, open_to)

    def key(self, reads: tuple[Read, ...], found: Sequence[int], own: int = 0) -> tuple[int, ...]:
        """The values at `reads`, each as the number of its class."""
        classes = self.classes
        return tuple(
            classes[field][own if event == OWN else found[event]] for event, field in reads
        )

    def answer(self, check: Check, found: Sequence[int], own: int) -> Truth:
        key = (id(check), *self.key(check.reads, found, own))
        self.spend(1)
        if key not in self.answers:
            self.answers[key] = self._evaluate(check, found, own)
        return self.answers[key]

    def _evaluate(self, check: Check, found: Sequence[int], own: int) -> Truth:
        context = self.context
        self.spend(check.size + sum(len(context.lists[name]) for name in check.lists))
        for name, event in check.variables:
            context.variables[name] = self.events[own if event == OWN else found[event]]
        value, reads = context.leaf(check.node)
        truth: Truth = value
        if truth is None:
            self.doubtful = True
            self.unknown.update(reads.unknown)
        return truth


def too_much(plan: Plan, events: int) -> InputError:
    """The refusal of a search that is too large."""
    names = ", ".join(plan.names)
    return InputError(
        "pattern.too_much_work",
        zh=(
            f"{events} 个事件里找 {names} 的组合太多；请给 pattern 加上 within，或把条件写得更严格"
        ),
        en=(
            f"There are too many ways to find {names} among {events} events; give the pattern a "
            f"within, or stricter conditions"
        ),
        events=events,
        pattern=names,
    )


def too_many(over: str, events: int) -> InputError:
    """The refusal of an episode that is too long."""
    return InputError(
        "pattern.too_many_events",
        zh=f"{over} 有 {events} 个事件，pattern 最多看 {MAX_EVENTS} 个",
        en=f"{over} has {events} events; a pattern looks at {MAX_EVENTS} at most",
        fact=over,
        events=events,
    )


def _classes(values: Sequence[object]) -> Sequence[int]:
    """Equal numbers for values that no expression can tell apart."""
    seen: dict[str, int] = {}
    return [seen.setdefault(repr(value), len(seen)) for value in values]
