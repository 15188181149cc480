"""Conditions that look at the same facts, together: the regions of what they look at, and how a
region is written into a document.

A group is *complete* when its regions are all there are. Otherwise they are samples: what is found
in them exists, but what is not found may exist elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tidegate.engine.language import tree
from tidegate.engine.proof.boxes import Encoding, on_axis
from tidegate.engine.proof.columns import Column
from tidegate.engine.proof.documents import Ago, OnClock, Worked
from tidegate.engine.proof.formulas import Atom
from tidegate.engine.proof.sources import FACT, NOW, Source, as_cell
from tidegate.engine.values import ExactText, fold

MISSING, PRESENT = 0b01, 0b10
OUT, IN = 0b01, 0b10


@dataclass
class Axes:
    """The axes of a space as they are handed out; `typical` is the region to take when any will
    do, `owner` the group that writes the axis.
    """

    sizes: list[int] = field(default_factory=list)
    typical: list[int] = field(default_factory=list)
    owners: list[Group | None] = field(default_factory=list)

    def add(self, size: int, typical: int, owner: Group | None) -> int:
        self.sizes.append(size)
        self.typical.append(typical)
        self.owners.append(owner)
        return len(self.sizes) - 1


class Group(Protocol):
    complete: bool
    sources: tuple[Source, ...]

    def encodings(self) -> Mapping[Atom, Encoding]:
        """For every condition of the group where it is true, false …"""

    def values(self, chosen: Mapping[int, int]) -> Mapping[Source, object]:
        """What a document holds when these regions are chosen on the group's axes."""


class Scalar:
    """One value that is only compared with constants. `look` is the form in which the conditions
    see it: the fact itself, `since(x)`, `weekday(x)` …
    """

    def __init__(
        self, source: Source, look: tree.Node, column: Column, atoms: Sequence[Atom], axes: Axes
    ) -> None:
        self.complete = True
        self.sources: tuple[Source, ...] = (source,)
        self.look = look
        self.column = column
        self.axis = axes.add(column.size, column.typical, self)
        self.cells = {atom: _cell(atom) for atom in atoms}
        self._encodings: dict[Atom, Encoding] = {}

    def encodings(self) -> Mapping[Atom, Encoding]:
        if not self._encodings:
            self._encodings = {atom: self._encoded(atom) for atom in self.cells}
        return self._encodings

    def _encoded(self, atom: Atom) -> Encoding:
        true, false = self.column.masks(self.cells[atom])
        return on_axis(self.axis, self.column.size, true, 0 if atom.known else false)

    def values(self, chosen: Mapping[int, int]) -> Mapping[Source, object]:
        return self.holding(self.column.values[chosen[self.axis]])

    def holding(self, value: Any) -> Mapping[Source, object]:
        """The fact such that what the conditions see is this value."""
        source, look = self.sources[0], self.look
        if isinstance(look, tree.Call) and value is not None:
            if look.function == "since":
                calendar = look.args[1] if len(look.args) > 1 else None
                named = calendar.id if isinstance(calendar, tree.Calendar) else ""
                value = Worked(value, named) if named else Ago(value)
            else:
                value = OnClock(look.function, value)
        return {source: value}


class Tags:
    """A list of texts that is only asked for members: one axis says whether it is known, one for
    each member whether it is in.
    """

    def __init__(
        self, source: Source, members: Mapping[Atom, str], presence: Sequence[Atom], axes: Axes
    ) -> None:
        self.complete = True
        self.sources: tuple[Source, ...] = (source,)
        self.known = axes.add(2, 1, self)
        self.members = {fold(text): text for text in members.values()}
        self.axes = {folded: axes.add(2, 0, self) for folded in self.members}
        self._encodings = {atom: self._member(fold(text)) for atom, text in members.items()}
        for atom in presence:
            missing = isinstance(atom.node, tree.Presence) and atom.node.missing
            self._encodings[atom] = (
                on_axis(self.known, 2, PRESENT, 0)
                if atom.known
                else on_axis(self.known, 2, MISSING, PRESENT)
                if missing
                else on_axis(self.known, 2, PRESENT, MISSING)
            )

    def _member(self, folded: str) -> Encoding:
        known, axis = self.known, self.axes[folded]
        return Encoding(
            (((known, PRESENT), (axis, IN)),),
            (((known, PRESENT), (axis, OUT)),),
            (((known, MISSING),), ((axis, OUT),)),
            (((known, MISSING),), ((axis, IN),)),
        )

    def encodings(self) -> Mapping[Atom, Encoding]:
        return self._encodings

    def values(self, chosen: Mapping[int, int]) -> Mapping[Source, object]:
        held = tuple(
            text for folded, text in self.members.items() if chosen.get(self.axes[folded]) == 1
        )
        if chosen.get(self.known, 1) == 0 and not held:
            return {self.sources[0]: None}
        return {self.sources[0]: held}


class Sampled:
    """Values tried out: each region is one assignment, found to make the conditions differ from
    the regions before it.
    """

    def __init__(
        self, sources: Sequence[Source], atoms: Sequence[Atom],
        regions: Mapping[tuple[bool | None, ...], tuple[object, ...]], complete: bool, axes: Axes,
    ) -> None:  # fmt: skip
        self.complete = complete
        self.sources = tuple(sources)
        self.assignments = list(regions.values())
        self.axis = axes.add(len(regions), self._typical(), self)
        vectors = list(regions)
        self._encodings: dict[Atom, Encoding] = {}
        for number, atom in enumerate(atoms):
            true = sum(1 << region for region, said in enumerate(vectors) if said[number] is True)
            false = sum(1 << region for region, said in enumerate(vectors) if said[number] is False)
            self._encodings[atom] = on_axis(self.axis, len(vectors), true, false)

    def _typical(self) -> int:
        whole = [n for n, values in enumerate(self.assignments) if None not in values]
        return whole[0] if whole else 0

    def encodings(self) -> Mapping[Atom, Encoding]:
        return self._encodings

    def values(self, chosen: Mapping[int, int]) -> Mapping[Source, object]:
        return dict(zip(self.sources, self.assignments[chosen[self.axis]], strict=True))


def _cell(atom: Atom) -> tree.Node:
    cell = as_cell(atom.node)
    return tree.Presence(cell, missing=False) if atom.known else cell


def asked_member(node: tree.Node) -> str | None:
    """The text a list of texts is asked for; None for another kind of condition."""
    if isinstance(node, tree.Call) and node.function in ("contains", "list_contains"):
        whole, part = node.args[0], node.args[1] if len(node.args) > 1 else node
    elif isinstance(node, tree.In) and len(node.tests) == 1:
        whole, part = node.tests[0], node.value
    else:
        return None
    text = part.value if isinstance(part, tree.Literal) else None
    plain = isinstance(text, str) and not isinstance(text, ExactText)
    return str(text) if plain and isinstance(whole, tree.Fact) else None


def is_presence(atom: Atom) -> bool:
    """Whether it asks only if a bare fact is there."""
    if atom.known:
        return isinstance(atom.node, (tree.Fact, tree.Window))
    node = atom.node
    return isinstance(node, tree.Presence) and isinstance(node.value, (tree.Fact, tree.Window))


def described(source: Source) -> str:
    """The source as rules name it."""
    return source.id if source.kind == FACT else "now" if source.kind == NOW else source.id
