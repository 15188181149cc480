"""Values for one or two places under which some atoms are what they should be: the nearest to the
present ones.

Every value is tried by evaluating the atoms; what is computed beforehand is only which values are
worth trying, and that they are enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations, islice

from tidegate.engine.changes.cuts import NUMERIC, Cuts, Straight
from tidegate.engine.changes.formulas import Atom, Book, mask
from tidegate.engine.changes.goals import Goal
from tidegate.engine.changes.numbers import around
from tidegate.engine.changes.slots import Slot, Values
from tidegate.engine.changes.texts import likely, spelled
from tidegate.engine.changes.wordings import Wordings
from tidegate.engine.language import tree
from tidegate.engine.regions import other_text
from tidegate.engine.values import fold

_MOST_MEMBERS = 40  # texts tried as new members of a list, two at a time
_MOST_FIRST, _MOST_SECOND = 400, 120  # values of two places that depend on each other


class Solver:
    """Remembers what it found; `book.doubts` gathers what it could not be sure of."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self._known: dict[tuple[Slot, frozenset[tuple[Atom, int]]], tuple[object] | None] = {}

    def solve(self, slots: Sequence[Slot], wanted: Goal) -> Values | None:
        """Values under which every atom is as wanted (unchanged places left out); None if there
        are none. Atoms without any of the places must be so already.
        """
        groups: dict[tuple[Slot, ...], dict[Atom, int]] = {(slot,): {} for slot in slots}
        for atom, allowed in wanted.items():
            own = tuple(slot for slot in slots if slot in atom.slots)
            if own:
                groups.setdefault(own, {})[atom] = allowed
            elif not mask(self.book.value(atom, {})) & allowed:
                return None
        joint = next((group for group in groups if len(group) == 2), None)
        if joint and groups[joint]:
            return self._both(joint, wanted)
        found: dict[Slot, object] = {}
        for (slot,), atoms in ((g, a) for g, a in groups.items() if len(g) == 1):
            value = self._one(slot, atoms)
            if value is None:
                return None
            if value[0] != slot.present:
                found[slot] = value[0]
        return found

    def _one(self, slot: Slot, wanted: Goal) -> tuple[object] | None:
        key = (slot, frozenset(wanted.items()))
        if key not in self._known:
            unsure: list[tree.Node] = []
            options = self.options(slot, list(wanted), {}, unsure)
            value = next((v for v in options if self._fits(wanted, {slot: v}, slot)), _NONE)
            self._known[key] = None if value is _NONE else (value,)
            if value is _NONE:
                self._doubt(unsure)
        return self._known[key]

    def _fits(self, wanted: Goal, values: Values, *new: Slot) -> bool:
        changed = {slot: value for slot, value in values.items() if value != slot.present}
        return all(
            mask(self.book.value(atom, changed)) & allowed
            for atom, allowed in wanted.items()
            if not new or not atom.slots.isdisjoint(new)
        )

    def _doubt(self, nodes: Iterable[tree.Node]) -> None:
        for node in nodes:
            self.book.doubt(node)

    # two places at once

    def _both(self, slots: tuple[Slot, ...], wanted: Goal) -> Values | None:
        one, other = slots
        of_one = [atom for atom in wanted if one in atom.slots]
        of_other = [atom for atom in wanted if other in atom.slots]
        alone = {atom: wanted[atom] for atom in of_one if other not in atom.slots}
        unsure: list[tree.Node] = []
        best: tuple[int, Values] | None = None
        for rank, value in enumerate(self._first_values(one, other, of_one, of_other, unsure)):
            if best and rank >= best[0]:
                break
            if not self._fits(alone, {one: value}):
                continue
            options = self.options(other, of_other, {one: value}, unsure)
            for further, second in enumerate(islice(options, _MOST_SECOND)):
                if self._fits(wanted, {one: value, other: second}, one, other):
                    if best is None or rank + further < best[0]:
                        found = {one: value, other: second}
                        changed = {slot: v for slot, v in found.items() if v != slot.present}
                        best = (rank + further, changed)
                    break
        if best is None:
            self._doubt(unsure)
        return best[1] if best else None

    def _first_values(
        self,
        one: Slot,
        other: Slot,
        of_one: Sequence[Atom],
        of_other: Sequence[Atom],
        unsure: list[tree.Node],
    ) -> list[object]:
        """Values of the first place that matter whatever the second one is: for every value of
        the second that matters, and where their conditions cross.
        """
        found: dict[object, None] = dict.fromkeys([one.present])
        seconds = islice(self.options(other, of_other, {}, unsure), _MOST_SECOND)
        crossings = self._crossings(one, other, of_one, unsure)
        for number, second in enumerate(dict.fromkeys([other.present, *seconds])):
            more = () if number else crossings
            options = self.options(one, of_one, {other: second}, unsure, more)
            found.update(dict.fromkeys(islice(options, _MOST_SECOND)))
        if len(found) > _MOST_FIRST:
            unsure += [atom.node for atom in of_one]
        return list(found)[:_MOST_FIRST]

    def _crossings(
        self, one: Slot, other: Slot, atoms: Sequence[Atom], unsure: list[tree.Node]
    ) -> list[Fraction]:
        """Where two conditions on both numbers turn at once. Steps of one that are not steps of
        the other may hide values between the steps.
        """
        if one.kind not in NUMERIC or other.kind not in NUMERIC:
            return []
        cuts = Cuts(self.book, (one, other))
        self.book.place({})
        for atom in atoms:
            cuts.add(atom)
        slanted = [line for line in cuts.lines if line.slopes[0] and line.slopes[1]]
        if any(abs(line.slopes[0]) != abs(line.slopes[1]) for line in slanted):
            unsure += [atom.node for atom in atoms if other in atom.slots]
        return [at for a, b in combinations(slanted, 2) if (at := _crossing(a, b)) is not None]

    # what is worth trying

    def options(
        self,
        slot: Slot,
        atoms: Sequence[Atom],
        values: Values,
        unsure: list[tree.Node],
        more: Iterable[Fraction] = (),
    ) -> Iterator[object]:
        """Values of one place, the present one first, nothing last; a computed one appears once.
        `unsure` gathers expressions for which there may be others.
        """
        yield slot.present
        given = {place: value for place, value in values.items() if value != place.present}
        seen = {slot.present}
        for value in self._kinds(slot, atoms, given, unsure, more):
            if value not in seen:
                seen.add(value)
                yield value
        if slot.present is not None:
            yield None

    def _kinds(
        self,
        slot: Slot,
        atoms: Sequence[Atom],
        values: Values,
        unsure: list[tree.Node],
        more: Iterable[Fraction],
    ) -> Iterator[object]:
        if slot.kind == "boolean":
            yield from (True, False)
        elif slot.kind == "choice":
            yield from slot.fact.values
        elif slot.kind in NUMERIC:
            yield from self._numbers(slot, atoms, values, unsure, more)
        else:
            self.book.place(values)
            wordings = Wordings(self.book, slot)
            for atom in atoms:
                wordings.add(atom)
            unsure += wordings.doubts
            if slot.kind == "texts":
                yield from self._lists(slot, wordings, unsure)
            else:
                yield from likely(wordings)
                yield from self._spelled(wordings, unsure)

    def _numbers(
        self,
        slot: Slot,
        atoms: Sequence[Atom],
        values: Values,
        unsure: list[tree.Node],
        more: Iterable[Fraction],
    ) -> Iterator[object]:
        self.book.place(values)
        cuts = Cuts(self.book, (slot,))
        for atom in atoms:
            cuts.add(atom)
        unsure += cuts.doubts
        turns = {-line.constant / line.slopes[0] for line in cuts.lines}
        return iter(around(self.book, cuts, slot, turns | set(more)))

    def _spelled(self, wordings: Wordings, unsure: list[tree.Node]) -> Iterator[object]:
        for text in spelled(wordings):
            if text is None:
                unsure += [tree.Literal(wordings.slot.name)]
            else:
                yield text

    def _lists(self, slot: Slot, wordings: Wordings, unsure: list[tree.Node]) -> Iterator[object]:
        """The present list with up to two members more or fewer, and the empty one."""
        present = slot.present if isinstance(slot.present, tuple) else ()
        texts = [*wordings.constants]
        texts += [p.text.replace("*", "").replace("?", "0") for p in wordings.patterns if p.text]
        new = other_text([*texts, *map(str, present)])
        known = {fold(str(member)) for member in present}
        added = [
            text for text in dict.fromkeys((*texts, new, new + "·")) if fold(text) not in known
        ]
        if len(added) > _MOST_MEMBERS:
            unsure += [tree.Fact(slot.fact.id)]
        if slot.present is None:
            yield ()
        moves = [("+", text) for text in added] + [("-", str(m)) for m in dict.fromkeys(present)]
        for move in moves:
            yield _moved(present, [move])
        for pair in combinations(moves[:_MOST_MEMBERS] + moves[len(added) :], 2):
            yield _moved(present, pair)
        yield ()


_NONE = object()


def _moved(present: Iterable[object], moves: Iterable[tuple[str, str]]) -> tuple[object, ...]:
    members = list(present)
    for sign, text in moves:
        if sign == "+":
            members.append(text)
        elif text in members:
            members.remove(text)
    return tuple(members)


def _crossing(one: Straight, other: Straight) -> Fraction | None:
    (a, b), (c, d) = one.slopes, other.slopes
    turned = a * d - b * c
    return (b * other.constant - d * one.constant) / turned if turned else None
