"""Conditions sorted into groups that share no fact, each group in the simplest form that fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import localcontext
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

from tidegate.engine.evaluation import Context
from tidegate.engine.facts import Facts
from tidegate.engine.language import tree
from tidegate.engine.proof.boxes import Box, Encoding, on_axis
from tidegate.engine.proof.certainty import certain
from tidegate.engine.proof.columns import Column
from tidegate.engine.proof.documents import Ago, Documents
from tidegate.engine.proof.formulas import Atom
from tidegate.engine.proof.groups import (
    MISSING,
    PRESENT,
    Axes,
    Group,
    Sampled,
    Scalar,
    Tags,
    asked_member,
    is_presence,
)
from tidegate.engine.proof.pools import Hints, Pools, combinations, reckoned
from tidegate.engine.proof.sources import (
    FACT,
    LINES,
    NOW,
    Source,
    as_cell,
    compares_only,
    constants,
    looks,
    one_way,
)
from tidegate.engine.values import DAY, EXACT
from tidegate.engine.vocabulary import DAYS, Fact, Vocabulary
from tidegate.errors import TidegateError

MAX_ORDERED, MAX_SAMPLES, MAX_HEAVY, MAX_SATURATED = 6_000, 1_500, 150, 6
Vector = tuple[bool | None, ...]
_WANTED: tuple[Callable[[bool | None], bool], ...] = (
    lambda said: said is True,
    lambda said: said is False,
    lambda said: said is not True,
    lambda said: said is not False,
)


class Grouping:
    """Makes groups and what may be said of them beyond their samples."""

    def __init__(
        self, vocabulary: Vocabulary, custom: Mapping[str, Fact], bare: Context, axes: Axes,
        now: datetime, zone: ZoneInfo, written: frozenset[str],
    ) -> None:  # fmt: skip
        self.vocabulary = vocabulary
        self.custom = dict(custom)
        self.bare = bare
        self.axes = axes
        self.now = now
        self.zone = zone
        self.written = written  # facts the rules themselves write
        self.pools = Pools(vocabulary, self.custom, now, zone)
        self.documents = Documents(vocabulary, zone, now)

    def group(self, sources: Sequence[Source], atoms: Sequence[Atom]) -> Group:
        found: Group | None = None
        if len(sources) == 1:
            found = self._tags(sources[0], atoms) or self._scalar(sources[0], atoms)
        found = found or self.sampled(sources, atoms)
        if any(source.id in self.written for source in sources):
            found.complete = False
        return found

    def _fact(self, source: Source) -> Fact | None:
        return self.pools.fact(source.id)

    # one value, compared with constants

    def _scalar(self, source: Source, atoms: Sequence[Atom]) -> Group | None:
        if source.kind == LINES:
            return None
        kind, values, sample = self._kind(source)
        nodes = [atom.node for atom in atoms]
        seen = list(dict.fromkeys(one_way(look) for node in nodes for look in looks(node)))
        if len(seen) > 1 or kind == "texts":
            return None
        if not all(compares_only(node, kind in ("text", "choice")) for node in nodes):
            return None
        look = seen[0] if seen else tree.Fact(source.id)
        if isinstance(look, tree.Call):
            kind, values, sample = self._view(look)
        elif source.kind == NOW:
            sample = self.now
        points = list(constants(as_cell(node) for node in nodes))
        points += [-point for point in points if isinstance(point, timedelta)]
        column = Column(kind, points, self.bare, values, sample=sample)
        return Scalar(source, look, column, atoms, self.axes)

    def _kind(self, source: Source) -> tuple[str, tuple[str, ...], object]:
        fact = self._fact(source)
        if fact is None:
            return "instant", (), self.now
        usual: dict[str, object] = {"instant": self.now - DAY, "date": self.now.date()}
        sample = usual.get(fact.type) if fact.sample is None else self._sample(fact)
        if sample is None and fact.type not in ("text", "texts", "boolean", "choice", "money"):
            sample = self.pools.usual(fact)[0]
        return fact.type, fact.values, sample

    def _sample(self, fact: Fact) -> object:
        try:
            return Facts({}, self.vocabulary, self.custom).read(fact, fact.sample)
        except ValueError:
            return None

    def _view(self, look: tree.Call) -> tuple[str, tuple[str, ...], object]:
        kinds: dict[str, tuple[str, tuple[str, ...], object]] = {
            "since": ("duration", (), DAY),
            "weekday": ("weekday", DAYS, None),
            "hour": ("hour", (), None),
            "date": ("date", (), self.now.astimezone(self.zone).date()),
        }
        return kinds[look.function]

    # a list of texts, asked for members

    def _tags(self, source: Source, atoms: Sequence[Atom]) -> Group | None:
        fact = self._fact(source)
        if source.kind != FACT or fact is None or fact.type != "texts":
            return None
        members: dict[Atom, str] = {}
        presence: list[Atom] = []
        for atom in atoms:
            text = None if atom.known else asked_member(atom.node)
            if text is not None:
                members[atom] = text
            elif is_presence(atom):
                presence.append(atom)
            else:
                return None
        return Tags(source, members, presence, self.axes)

    # anything else, tried out

    def hints(self, nodes: Sequence[tree.Node], facts: int, plain: bool = False) -> Hints:
        """What these conditions compare with."""
        functions = frozenset(
            part.function for node in nodes for part in tree.walk(node)
            if isinstance(part, tree.Call)
        )  # fmt: skip
        words = [[str(c) for c in constants([node]) if isinstance(c, str)] for node in nodes]
        known = list(constants(nodes))
        if any(isinstance(p, tree.Arithmetic) for node in nodes for p in tree.walk(node)):
            known += reckoned(known)
        known += self._choices(nodes)
        return Hints(list(dict.fromkeys(known)), facts, functions, words, plain)

    def _choices(self, nodes: Sequence[tree.Node]) -> list[str]:
        """What choices in the conditions may be: a text may be compared with one."""
        names = {
            part.id if isinstance(part, tree.Fact) else part.fact
            for node in nodes
            for part in tree.walk(node)
            if isinstance(part, (tree.Fact, tree.Member, tree.Window))
        }
        facts = [self.pools.fact(name) for name in sorted(names)] if len(names) > 1 else []
        return [value for fact in facts if fact and fact.type == "choice" for value in fact.values]

    def pool(self, source: Source, nodes: Sequence[tree.Node], hints: Hints) -> list[Any]:
        """Values worth trying for one source, instants as time before now where that counts."""
        found = self.pools.of(source, nodes, hints)
        if hints.functions & {"since", "until"} and source.kind != NOW:
            return [self._relative(value) for value in found]
        return found

    def sampled(self, sources: Sequence[Source], atoms: Sequence[Atom]) -> Sampled:
        nodes = [atom.node for atom in atoms]
        ordered = self.order_only(sources, atoms)
        hints = self.hints(nodes, len(sources), ordered)
        pools = [self.pool(source, nodes, hints) for source in sources]
        heavy = any(isinstance(p, tree.Sequence) for node in nodes for p in tree.walk(node))
        limit = MAX_ORDERED if ordered else MAX_HEAVY if heavy else MAX_SAMPLES
        assignments, whole = combinations(pools, limit)
        found: dict[Vector, tuple[object, ...]] = {}
        for values in assignments:
            try:
                found.setdefault(self.vector(sources, values, atoms), values)
            except TidegateError:  # a value no document can hold, such as too fine a fraction
                whole = False
        complete = (ordered and whole) or self._saturated(sources, atoms, found)
        return Sampled(sources, atoms, found, complete, self.axes)

    def _relative(self, value: Any) -> Any:
        return Ago(self.now - value) if isinstance(value, datetime) else value

    def order_only(self, sources: Sequence[Source], atoms: Sequence[Atom]) -> bool:
        """Whether nothing but the order of the facts among themselves and the constants counts."""
        nodes = [atom.node for atom in atoms]
        hints = self.hints(nodes, len(sources))
        facts = [self._fact(source) for source in sources]
        kinds = {fact.type if fact else "" for fact in facts}
        if not kinds <= {
            "boolean",
            "choice",
            "text",
            "number",
            "money",
            "duration",
            "instant",
            "date",
        }:
            return False
        textual = bool(kinds & {"text", "choice"})
        if not all(compares_only(node, textual, wide=True) for node in nodes):
            return False
        if len(sources) > 2 and kinds & {"money", "date"}:
            return False
        clocks = hints.functions - {"coalesce"}
        if not clocks:
            return True
        if not clocks <= {"since", "until"} or kinds & {"number", "money", "duration", "date"}:
            return False
        absolute = any(isinstance(constant, datetime) for constant in hints.constants)
        calendars = any(isinstance(p, tree.Calendar) for node in nodes for p in tree.walk(node))
        return not absolute and not calendars

    def vector(
        self, sources: Sequence[Source], values: Sequence[object], atoms: Sequence[Atom]
    ) -> Vector:
        """What the conditions say when the sources have these values, by the evaluator.

        Raises:
            TidegateError: a document can't hold such a value.
        """
        document, now = self.documents.written(dict(zip(sources, values, strict=True)))
        context = Context(
            Facts(document, self.vocabulary, self.custom), now, self.zone, {}, {}, {},
            self.vocabulary.calendars,
        )  # fmt: skip
        said: list[bool | None] = []
        with localcontext(EXACT):
            for atom in atoms:
                value = context.value(atom.node)
                if atom.known:
                    said.append(True if value is not None else None)
                else:
                    said.append(value if isinstance(value, bool) else None)
        return tuple(said)

    def _saturated(
        self, sources: Sequence[Source], atoms: Sequence[Atom], found: Mapping[Vector, object]
    ) -> bool:
        """Whether the samples show every combination of results that could be at all."""
        free = [atom for atom in atoms if not is_presence(atom)]
        if len(sources) != 1 or sources[0].kind == NOW or len(free) > MAX_SATURATED:
            return False
        missing = self.vector(sources, (None,), atoms)
        known = frozenset((_node(sources[0]),))
        options = [
            (self._present(atom),) if is_presence(atom) else self._may_be(atom, known)
            for atom in atoms
        ]
        return missing in found and all(vector in found for vector in product(*options))

    @staticmethod
    def _present(atom: Atom) -> bool:
        """What a presence test says of a value that is there."""
        return atom.known or not (isinstance(atom.node, tree.Presence) and atom.node.missing)

    @staticmethod
    def _may_be(atom: Atom, known: frozenset[tree.Node]) -> tuple[bool | None, ...]:
        sure = certain(atom.node, known)
        if atom.known:
            return (True,) if sure else (True, None)
        return (True, False) if sure else (True, False, None)

    # beyond the samples

    def loosened(self, sources: Sequence[Source], atoms: Sequence[Atom]) -> Mapping[Atom, Encoding]:
        """Encodings that allow at least what is possible: each condition by itself, only presence
        told apart.
        """
        own = any(source.id in self.written for source in sources)
        if len(sources) == 1 and sources[0].kind != NOW and not own:
            return self._loosened_one(sources[0], atoms)
        return {atom: self.free(atom) for atom in atoms}

    def free(self, atom: Atom) -> Encoding:
        """True, false or unknown at will; a presence test is never unknown."""
        if isinstance(atom.node, tree.Presence) and not atom.known:
            return on_axis(self.axes.add(2, 0, None), 2, 0b01, 0b10)
        return on_axis(self.axes.add(3, 0, None), 3, 0b001, 0 if atom.known else 0b010)

    def _loosened_one(self, source: Source, atoms: Sequence[Atom]) -> Mapping[Atom, Encoding]:
        presence = self.axes.add(2, 1, None)
        missing = self.vector([source], (None,), atoms)
        known = frozenset((_node(source),))
        found: dict[Atom, Encoding] = {}
        for atom, absent in zip(atoms, missing, strict=True):
            options = (self._present(atom),) if is_presence(atom) else self._may_be(atom, known)
            axis = self.axes.add(len(options), 0, None)
            found[atom] = Encoding(
                *(
                    _halves(presence, wanted(absent), axis, [wanted(said) for said in options])
                    for wanted in _WANTED
                )
            )
        return found


def _halves(presence: int, absent: bool, axis: int, present: Sequence[bool]) -> tuple[Box, ...]:
    mask = sum(1 << region for region, wanted in enumerate(present) if wanted)
    full = (1 << len(present)) - 1
    if absent and mask == full:
        return ((),)
    boxes: list[Box] = [((presence, MISSING),)] if absent else []
    if mask:
        inner = () if mask == full else ((axis, mask),)
        boxes.append(((presence, PRESENT), *inner))
    return tuple(boxes)


def _node(source: Source) -> tree.Node:
    if source.kind in (FACT, LINES):
        return tree.Fact(source.id)
    return tree.Window(source.id, tree.Literal(source.span))
