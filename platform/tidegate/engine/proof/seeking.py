"""A document for conditions that tie facts together: values are changed one at a time, keeping what
makes more of the conditions come out as wanted. Finds many, proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from tidegate.engine.proof.boxes import Box, meet
from tidegate.engine.proof.cover import bits
from tidegate.engine.proof.formulas import Atom
from tidegate.engine.proof.groups import Scalar
from tidegate.engine.proof.sources import LINES, Source
from tidegate.engine.proof.spaces import Space
from tidegate.errors import TidegateError

STEPS, STARTS, MOST = 400, 3, 60
Wanted = Mapping[Atom, frozenset[bool | None]]


def sought(space: Space, box: Box) -> Iterator[dict[Source, object]]:
    """Values that may lie in a box of the loose reading, the best guess of each start."""
    wanted = _wanted(space, box)
    base = space.values(space.point(box))
    if not wanted:
        yield base
        return
    yield from _Climb(space, box, wanted, base).run()


def _wanted(space: Space, box: Box) -> Wanted:
    """What the box asks of conditions that no axis with an owner stands for."""
    free = {axis for axis, _ in box if space.axes.owners[axis] is None}
    found: dict[Atom, frozenset[bool | None]] = {}
    for atom in space.read:
        encoding = space.loose_of(atom)
        parts = (*encoding.true, *encoding.false, *encoding.not_true)
        if not any(axis in free for part in parts for axis, _ in part):
            continue
        allowed: set[bool | None] = set()
        if any(meet(part, box) is not None for part in encoding.true):
            allowed.add(True)
        if any(meet(part, box) is not None for part in encoding.false):
            allowed.add(False)
        inner = [both for part in encoding.not_true if (both := meet(part, box)) is not None]
        if any(meet(part, other) is not None for part in encoding.not_false for other in inner):
            allowed.add(None)
        if len(allowed) < 3:
            found[atom] = frozenset(allowed)
    return found


@dataclass
class _Climb:
    space: Space
    box: Box
    wanted: Wanted
    base: dict[Source, object]

    def run(self) -> Iterator[dict[Source, object]]:
        atoms = list(self.wanted)
        sources = sorted({source for atom in atoms for source in self.space.read[atom]})
        pools = {source: self._pool(source, atoms, len(sources)) for source in sources}
        rng = Random(0)  # noqa: S311 - the same search every time
        for start in range(STARTS):
            values = {
                source: self.base.get(source, pools[source][0])
                if start == 0 else rng.choice(pools[source])
                for source in sources
            }  # fmt: skip
            values, _ = self._climbed(atoms, sources, pools, values, rng)
            yield {**self.base, **values}

    def _climbed(
        self, atoms: Sequence[Atom], sources: Sequence[Source],
        pools: Mapping[Source, Sequence[Any]], values: dict[Source, object], rng: Random,
    ) -> tuple[dict[Source, object], int]:  # fmt: skip
        best = self._score(atoms, sources, values)
        for _ in range(STEPS):
            if best == len(atoms):
                break
            source = rng.choice(sources)
            tried = {**values, source: self._changed(source, values[source], pools[source], rng)}
            score = self._score(atoms, sources, tried)
            if score >= best:
                values, best = tried, score
        return values, best

    def _score(
        self, atoms: Sequence[Atom], sources: Sequence[Source], values: Mapping[Source, object]
    ) -> int:
        try:
            said = self.space.grouping.vector(sources, [values[one] for one in sources], atoms)
        except TidegateError:
            return -1
        return sum(one in self.wanted[atom] for one, atom in zip(said, atoms, strict=True))

    def _changed(self, source: Source, value: Any, pool: Sequence[Any], rng: Random) -> Any:
        """Another value; of a list, often the same with one line more, less or changed."""
        if source.kind != LINES or not value or rng.random() < 0.4:
            return rng.choice(pool)
        other = rng.choice(pool) or ()
        place = rng.randrange(len(value))
        kept = list(value)
        if other and rng.random() < 0.5:
            line = rng.choice(other)
            field = rng.choice(list(line)) if line else None
            kept[place] = {**kept[place], field: line[field]} if field else line
        elif other and rng.random() < 0.5:
            kept.insert(place, rng.choice(other))
        else:
            kept.pop(place)
        return tuple(kept)

    def _pool(self, source: Source, atoms: Sequence[Atom], facts: int) -> list[Any]:
        """Where an axis of the box stands for the fact, only values the box allows."""
        masks = dict(self.box)
        for group in self.space.layout.groups:
            if isinstance(group, Scalar) and group.sources == (source,):
                mask = masks.get(group.axis, group.column.full)
                return [
                    group.holding(group.column.values[region])[source]
                    for region in list(bits(mask))[:MOST]
                ]
        grouping = self.space.grouping
        nodes = [atom.node for atom in atoms]
        found = grouping.pool(source, nodes, grouping.hints(nodes, facts))
        return found or [None]
