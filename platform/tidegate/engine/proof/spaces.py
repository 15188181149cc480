"""The space of all documents as the rules see it: independent axes, and where on them each rule's
condition is true, false or unknown.

Two readings of one space. `EXACT` holds only points that a document can be written for; what is
found there exists. `LOOSE` holds at least every possible document; what is not found there does not
exist. Where all conditions of a rule are comparisons of independent facts with constants, both are
the same.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from tidegate.engine import clock
from tidegate.engine.evaluation import Context
from tidegate.engine.facts import Facts
from tidegate.engine.proof.boxes import (
    Box,
    Encoding,
    TooManyBoxes,
    boxes_of,
    trimmed,
)
from tidegate.engine.proof.cover import Work, bits
from tidegate.engine.proof.documents import Documents
from tidegate.engine.proof.formulas import Atom, Formula, atoms, of_rule
from tidegate.engine.proof.grouping import Grouping
from tidegate.engine.proof.groups import Axes, Group
from tidegate.engine.proof.inline import Inliner
from tidegate.engine.proof.layout import laid_out
from tidegate.engine.proof.sources import Source, sources_of
from tidegate.engine.rulesets import RuleSet

EXACT, LOOSE = "exact", "loose"
DEFAULT_NOW = datetime.fromisoformat("2026-11-11T12:00:00+08:00")


Key = tuple[int, str]  # which of the sets, the rule's id


class Space:
    """Rules of one or several sets (of one vocabulary) over common axes; `only` these of them."""

    def __init__(
        self,
        rulesets: Sequence[RuleSet],
        now: datetime = DEFAULT_NOW,
        timezone: str = "Asia/Shanghai",
        only: Container[str] | None = None,
    ) -> None:
        first = rulesets[0]
        self.zone: ZoneInfo = clock.zone(timezone)
        self.now = now.astimezone(UTC)
        self.axes = Axes()
        self.work = Work()
        self.formulas: dict[Key, Formula] = {}
        self.open: dict[Key, frozenset[str]] = {}  # rule → what of it can't be decided exactly
        self._boxes: dict[tuple[Key, str, str], list[Box] | None] = {}
        self.read: dict[Atom, frozenset[Source]] = {}
        fields = {name: fact for one in reversed(rulesets) for name, fact in one.fields.items()}
        bare = Context(
            Facts({}, first.vocabulary, fields), self.now, self.zone, {}, {}, {},
            first.vocabulary.calendars,
        )  # fmt: skip
        self.grouping = Grouping(
            first.vocabulary, fields, bare, self.axes, self.now, self.zone, _written(rulesets)
        )
        for number, ruleset in enumerate(rulesets):
            inline = Inliner(ruleset)
            for rule in ruleset.rules:
                if only is None or rule.id in only:
                    self.formulas[number, rule.id] = of_rule(rule, inline)
        self._build(first)
        self.documents = Documents(first.vocabulary, self.zone, self.now)

    def _build(self, first: RuleSet) -> None:
        free: list[Atom] = []
        for atom in dict.fromkeys(a for f in self.formulas.values() for a in atoms(f)):
            sources = sources_of(atom.node, first.vocabulary)
            if sources:
                self.read[atom] = sources
            else:
                free.append(atom)
        self.layout = laid_out(self.grouping, self.read)
        for atom in free:  # a condition no document decides by itself
            self.layout.exact[atom] = self.layout.loose[atom] = self.grouping.free(atom)
            self.layout.unsure[atom] = ("decided.…",)
        for key, formula in self.formulas.items():
            unsure = self.layout.unsure
            names = [name for a in atoms(formula) if a in unsure for name in unsure[a]]
            self.open[key] = frozenset(names)

    @cached_property
    def exact_axes(self) -> Sequence[int]:
        """The axes on which the exact reading stands."""
        found = {
            axis
            for encoding in self.layout.exact.values()
            for boxes in (encoding.true, encoding.false, encoding.not_true)
            for box in boxes
            for axis, _ in box
        }
        return sorted(axis for axis in found if self.axes.owners[axis] is not None)

    # where rules hold

    def boxes(self, key: Key, mode: str, reading: str = EXACT) -> list[Box]:
        """Where the rule is true, false … (`mode`). Raises TooManyBoxes."""
        if reading == LOOSE and not self.open[key]:
            reading = EXACT
        place = (key, mode, reading)
        if place not in self._boxes:
            try:
                encode = self._exact_of if reading == EXACT else self.loose_of
                found = boxes_of(self.formulas[key], mode, encode)
                self._boxes[place] = [trimmed(box, self.axes.sizes) for box in found]
            except TooManyBoxes:
                self._boxes[place] = None
        boxes = self._boxes[place]
        if boxes is None:
            raise TooManyBoxes
        return boxes

    def _exact_of(self, atom: Atom) -> Encoding:
        return self.layout.exact[atom]

    def loose_of(self, atom: Atom) -> Encoding:
        """Where the condition is true, false … in the loose reading."""
        return self.layout.loose.get(atom) or self.layout.exact[atom]

    # documents

    def point(self, box: Box, also: Iterable[int] = ()) -> dict[int, int]:
        """One region for every axis the box names and for `also`, the typical one where it may
        be.
        """
        chosen: dict[int, int] = {}
        for axis, mask in box:
            typical = self.axes.typical[axis]
            known = mask & ~1
            chosen[axis] = typical if mask >> typical & 1 else next(bits(known or mask))
        for axis in also:
            chosen.setdefault(axis, self.axes.typical[axis])
        return chosen

    def values(self, chosen: Mapping[int, int]) -> dict[Source, object]:
        """What a document holds at a point."""
        found: dict[Source, object] = {}
        own: dict[int, dict[int, int]] = {}
        owners: dict[int, Group] = {}
        for axis, region in chosen.items():
            owner = self.axes.owners[axis]
            if owner is not None:
                own.setdefault(id(owner), {})[axis] = region
                owners[id(owner)] = owner
        for number, regions in own.items():
            found.update(owners[number].values(regions))
        return found


def _written(rulesets: Sequence[RuleSet]) -> frozenset[str]:
    """Facts the rules write themselves before others read them (tags)."""
    found = frozenset(name for one in rulesets for rule in one.rules for name in rule.writes)
    return frozenset(name for name in found if name in rulesets[0].vocabulary.facts)
