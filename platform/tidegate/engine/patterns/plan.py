"""What a pattern needs to know about itself before it meets an episode."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from tidegate.engine.language import tree
from tidegate.engine.patterns.conjuncts import Conjunct, conjuncts

Read = tuple[int, str]  # which event (its place in `names`; OWN for the one looked at), which field
OWN = -1


@dataclass(frozen=True)
class Check:
    """One conjunct. `lists` are the set's lists it runs through, `size` the nodes it evaluates."""

    node: tree.Node
    variables: tuple[tuple[str, int], ...]
    reads: tuple[Read, ...]
    lists: tuple[str, ...]
    size: int


@dataclass(frozen=True)
class Wanted:
    """One condition: what it says of the event alone, and what it compares with earlier ones."""

    own: tuple[Check, ...]
    joint: tuple[Check, ...]


@dataclass(frozen=True)
class Plan:
    """`steps[i]` is what event i must be, `gaps[i]` what must not lie between events i-1 and i;
    `live[i]` are the fields of earlier events that still matter once event i is looked for.
    """

    names: tuple[str, ...]
    instant: str
    fact: str
    steps: tuple[Wanted, ...]
    gaps: tuple[tuple[Wanted, ...], ...]
    live: tuple[tuple[Read, ...], ...]
    fields: tuple[str, ...]


@lru_cache(maxsize=512)
def plan_of(sequence: tree.Sequence) -> Plan:
    """The plan of a bound pattern."""
    by = sequence.by
    assert isinstance(by, tree.Member)  # noqa: S101  what the reader builds
    names = tuple(step.name for step in sequence.steps if not step.absent)
    steps: list[Wanted] = []
    gaps: list[list[Wanted]] = [[]]
    for step in sequence.steps:
        wanted = _wanted(step, names, len(steps))
        if step.absent:
            gaps[-1].append(wanted)
        else:
            steps.append(wanted)
            gaps.append([])
    closed = tuple(tuple(gap) for gap in gaps[:-1])
    live = tuple(_live(steps, closed, at) for at in range(len(steps)))
    fields = {by.field: None}
    fields |= {
        part.field: None
        for step in sequence.steps
        for part in tree.walk(step.condition)
        if isinstance(part, tree.Member) and isinstance(part.of, tree.Variable)
    }
    return Plan(names, by.field, by.fact, tuple(steps), closed, live, tuple(fields))


def _wanted(step: tree.Step, names: tuple[str, ...], place: int) -> Wanted:
    known = {**{name: n for n, name in enumerate(names[:place])}, step.name: OWN}
    checks = [_check(part, known) for part in conjuncts(step.condition, frozenset(known))]
    own = tuple(check for check in checks if all(event == OWN for event, _ in check.reads))
    return Wanted(own, tuple(check for check in checks if check not in own))


def _check(part: Conjunct, known: dict[str, int]) -> Check:
    nodes = list(tree.walk(part.node))
    lists = tuple(node.id for node in nodes if isinstance(node, tree.ListName))
    variables = tuple((name, known[name]) for name in sorted(part.events))
    reads = tuple((known[name], field) for name, field in part.reads)
    return Check(part.node, variables, reads, lists, len(nodes))


def _live(steps: list[Wanted], gaps: tuple[tuple[Wanted, ...], ...], at: int) -> tuple[Read, ...]:
    later = [*steps[at:], *(wanted for gap in gaps[at:] for wanted in gap)]
    found = {read for wanted in later for check in wanted.joint for read in check.reads}
    return tuple(sorted(read for read in found if OWN < read[0] < at))
