"""What a rule owes to the rules before it: what they decided, wrote and excluded; and what its own
arguments say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from tidegate.engine.changes.formulas import ANY, FALSE, UNKNOWN, Atom, Book, Surrounding, mask
from tidegate.engine.changes.slots import Slot
from tidegate.engine.changes.trial import Judged
from tidegate.engine.language import tree
from tidegate.engine.regions import flat
from tidegate.engine.rulesets import ActionCall
from tidegate.engine.values import HOUR

if TYPE_CHECKING:
    from tidegate.engine.changes.obstacles import Goals, Obstacles

_MEMBERSHIP = 40  # texts that a list may be asked for


class Upstream:
    """Goals that lie before a rule, in one trial."""

    def __init__(self, obstacles: Obstacles) -> None:
        self.of = obstacles
        self.trials = obstacles.trials
        self.book = obstacles.trials.book
        self._before: dict[tuple[int, int], Goals] = {}

    def before(self, number: int, stratum: int) -> Goals:
        """Anything about the rules of earlier stages, and of earlier strata of this one."""
        key = (number, stratum)
        if key not in self._before:
            self._before[key] = []  # strata and stages only look back
            self._before[key] = [
                goal
                for judged in self._earlier(number, stratum)
                for goal in (*self.of.otherwise_judged(judged), *self.arguments(judged))
            ]
        return self._before[key]

    def _earlier(self, number: int, stratum: int) -> Iterator[Judged]:
        for stage in self.trials.stages[:number]:
            yield from stage
        yield from (j for j in self.trials.stages[number] if j.rule.stratum < stratum)

    # atoms that look at what was written

    def late(self, judged: Judged, atom: Atom) -> Goals:
        """Goals for such an atom to change: its own places, or something before."""
        stratum = judged.rule.stratum
        texts = list(dict.fromkeys(_texts_in(self.book, atom.node)))
        said = [
            value
            for earlier in self._earlier(judged.stage, stratum)
            for call in earlier.rule.actions
            if isinstance(value := call.args.get(call.action.main), str)
        ]
        goals: Goals = []
        for slot in atom.slots:
            for basic in self._basics(slot, texts, said):
                goals += self._flip(basic)
        for earlier in self._earlier(judged.stage, stratum):
            for call in earlier.rule.actions:
                value = call.args.get(call.action.main)
                if isinstance(value, tree.Node):
                    for text in texts:
                        goals += self._flip(self._equals(value, text))
        return goals + self.before(judged.stage, stratum)

    def _basics(self, slot: Slot, texts: list[str], said: list[str]) -> Iterator[Atom]:
        """Conditions on a place alone that between them settle what such an atom sees there."""
        node, around = place_of(slot)
        yield self.book.atom(tree.Presence(node, True), around, "raw")
        if slot.kind == "texts":
            if len(texts) > _MEMBERSHIP:
                self.book.doubt(node)
            for text in texts[:_MEMBERSHIP]:
                yield self.book.atom(tree.In(tree.Literal(text), (node,)), around, "raw")
            present = self.of.trial.values.get(slot, slot.present)
            count = len(present) if isinstance(present, tuple) else 0
            counted = tree.Compare("=", tree.Call("count", (node,)), tree.Literal(Decimal(count)))
            yield self.book.atom(counted, around, "raw")
        elif slot.kind in ("text", "choice"):
            for text in dict.fromkeys((*texts, *said)):
                yield self.book.atom(tree.Compare("=", node, tree.Literal(text)), around, "raw")
        elif slot.kind == "boolean":
            yield self.book.atom(tree.Compare("=", node, tree.Literal(True)), around, "raw")
        else:
            self.book.doubt(node)

    # exclusions

    def excludes(self, number: int) -> bool:
        """Whether an earlier stage may exclude what a rule of this one asks for."""
        return any(self._excluding(judged) for judged in self.trials.stages[number])

    def may_exclude(self, judged: Judged) -> bool:
        return bool(self._excluding(judged))

    def _excluding(self, judged: Judged) -> list[tuple[int, Judged | None, ActionCall]]:
        """Calls of earlier stages (None: of `otherwise`) that forbid what the rule writes."""
        writes = judged.rule.writes
        return [
            (number, source, call)
            for number in range(judged.stage)
            for source, call in self._calls(number)
            if call.action.excludes in writes
        ]

    def _calls(self, number: int) -> Iterator[tuple[Judged | None, ActionCall]]:
        for judged in self.trials.stages[number]:
            for call in judged.rule.actions:
                yield judged, call
        for call in self.trials.ruleset.stages[number].otherwise:
            yield None, call

    def exclusions(self, judged: Judged) -> Goals:
        """Goals for a rule that matches to become excluded."""
        found = self._excluding(judged)
        if not found or self.of.truth(judged) is not True:
            return []
        goals = self._other_main(judged)
        if any(source is None or not self._plain(source, call) for _, source, call in found):
            return goals + self.before(judged.stage, 0)
        sources = {source for _, source, _ in found if source is not None}
        return goals + [goal for source in sources for goal in self.of.otherwise_judged(source)]

    def readmit(self, judged: Judged) -> Goals:
        """Goals for an excluded rule to have its say."""
        by = self.of.trial.stands[judged.stage].dropped[judged.index]
        goals = self._other_main(judged)
        for _, source, call in self._excluding(judged):
            if source is not None and source.rule.id == by and self._plain(source, call):
                return goals + self.of.become(source, FALSE | UNKNOWN)
        return goals + self.before(judged.stage, 0)

    def _plain(self, source: Judged, call: ActionCall) -> bool:
        """Whether the rule's exclusion stands whenever the rule matches."""
        sources = self.of.sources[source.stage]
        fixed = not isinstance(call.args.get(call.action.main), tree.Node)
        return sources.stage.policy == "collect" and not sources.own_tables and fixed

    # arguments

    def _other_main(self, judged: Judged) -> Goals:
        """Goals for a computed main argument to become another."""
        goals: Goals = []
        for call in judged.rule.actions:
            value = call.args.get(call.action.main)
            if isinstance(value, tree.Node):
                self.book.place(self.of.trial.values)
                now = self.book.context.value(value)
                if now is not None:
                    goals += self._flip(self._equals(value, now))
        return goals

    def arguments(self, judged: Judged) -> Goals:
        """Goals for a computed argument to become equal, or no longer equal, to another rule's or
        to what is wanted.
        """
        goals: Goals = []
        for call in judged.rule.actions:
            for name, value in call.args.items():
                if isinstance(value, tree.Node):
                    if call.action.args[name].type in ("text", "choice"):
                        # actions are the same letter by letter
                        value = tree.Call("exact", (value,))
                    for other in self._rivals(judged, call, name):
                        goals += self._flip(self._equals(value, other))
        return goals

    def _rivals(self, judged: Judged, call: ActionCall, name: str) -> Iterable[object]:
        """What others say in the same place; computed ones as expressions."""
        want = self.trials.want
        if call.action.id == want.action and name in want.args:
            yield want.args[name]
        for other in self.trials.stages[judged.stage]:
            for twin in other.rule.actions if other is not judged else ():
                if twin.action.id == call.action.id and twin.args.get(name) is not None:
                    yield twin.args[name]

    def _equals(self, value: tree.Node, other: object) -> Atom:
        right = other if isinstance(other, tree.Node) else tree.Literal(other)
        return self.book.atom(tree.Compare("=", value, right))

    def _flip(self, atom: Atom) -> Goals:
        if atom.late:
            self.book.doubt(atom.node)
        if atom.late or not self.of.free(atom):
            return []
        return [{atom: ANY & ~mask(self.book.value(atom, self.of.trial.values))}]


def place_of(slot: Slot) -> tuple[tree.Node, Surrounding]:
    """A slot as an expression, with the line it needs bound."""
    fact = slot.fact
    if slot.line:
        around = ((fact.group, ("line", (slot.list, slot.line - 1))),)
        return tree.Member(tree.Variable(fact.group), fact.field_name, fact.id), around
    if fact.window:
        return tree.Window(fact.id, tree.Literal(slot.span or HOUR)), ()
    return tree.Fact(fact.id), ()


def _texts_in(book: Book, node: tree.Node) -> Iterator[str]:
    """Text constants an expression names, also through derived facts."""
    for part in tree.walk(node):
        if isinstance(part, tree.Derived):
            yield from _texts_in(book, book.context.derive[part.id])
        elif isinstance(part, (tree.Literal, tree.Parameter, tree.ListName)):
            value = book.context.value(part)
            yield from (str(text) for text in flat(value) if isinstance(text, str))
