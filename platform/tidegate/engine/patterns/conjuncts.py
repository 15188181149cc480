"""The condition of an event, taken apart: what it says of each event alone, and what it compares
between events.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from tidegate.engine.language import tree

WHOLE = ""  # a conjunct that looks at an event as such, not at one of its fields


@dataclass(frozen=True)
class Conjunct:
    """One condition that must hold. `reads` are the (event, field) pairs it depends on."""

    node: tree.Node
    reads: tuple[tuple[str, str], ...]

    @property
    def events(self) -> frozenset[str]:
        return frozenset(name for name, _ in self.reads)


def conjuncts(condition: tree.Node, events: frozenset[str]) -> tuple[Conjunct, ...]:
    """The parts that must all hold; `and` inside `and` is flattened, each part once."""
    parts = dict.fromkeys(_parts(condition))
    return tuple(Conjunct(part, tuple(dict.fromkeys(_reads(part, events)))) for part in parts)


def events_in(node: tree.Node) -> frozenset[str]:
    """Names of the variables whose fields an expression reads."""
    return frozenset(
        part.of.id
        for part in tree.walk(node)
        if isinstance(part, tree.Member) and isinstance(part.of, tree.Variable)
    )


def fields_read(sequence: tree.Sequence) -> Mapping[str, tuple[tree.Member, ...]]:
    """For each named event the fields that some condition reads, its instant first."""
    by = sequence.by
    assert isinstance(by, tree.Member)  # noqa: S101  what the reader builds
    found: dict[str, dict[str, tree.Member]] = {
        step.name: {by.field: by} for step in sequence.steps if not step.absent
    }
    for part in (part for step in sequence.steps for part in tree.walk(step.condition)):
        if isinstance(part, tree.Member) and isinstance(part.of, tree.Variable):
            found.get(part.of.id, {}).setdefault(part.field, part)
    return {name: tuple(fields.values()) for name, fields in found.items()}


@lru_cache(maxsize=512)
def outside(sequence: tree.Sequence) -> tuple[tree.Node, ...]:
    """Facts, windows and derived facts that the conditions read beside their events."""
    parts = (part for step in sequence.steps for part in tree.walk(step.condition))
    kinds = (tree.Fact, tree.Window, tree.Derived)
    return tuple(dict.fromkeys(part for part in parts if isinstance(part, kinds)))


def _parts(node: tree.Node) -> Iterator[tree.Node]:
    if isinstance(node, tree.And):
        for part in node.parts:
            yield from _parts(part)
    elif not (isinstance(node, tree.Literal) and node.value is True):
        yield node


def _reads(node: tree.Node, events: frozenset[str]) -> Iterator[tuple[str, str]]:
    if isinstance(node, tree.Member) and isinstance(node.of, tree.Variable):
        if node.of.id in events:
            yield node.of.id, node.field
        return
    if isinstance(node, tree.Variable) and node.id in events:
        yield node.id, WHOLE
    for child in tree.children(node):
        yield from _reads(child, events)
