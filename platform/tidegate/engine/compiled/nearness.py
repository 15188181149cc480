"""Which rules came close: one leaf the other way, and the condition would have held."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from tidegate.engine.compiled.assembly import Code
from tidegate.engine.compiled.closures import Closures
from tidegate.engine.compiled.emit import BASE, add_reading
from tidegate.engine.compiled.layout import HEAD, TYPED, UNSET, Layout
from tidegate.engine.evaluation import Context
from tidegate.engine.explain import one_away
from tidegate.engine.language import tree
from tidegate.engine.rulesets import Condition, Leaf, Rule, RuleSet

Closure = Callable[[list[Any]], Any]


class Nearness:
    """A program of its own: it asks every distinct leaf of these rules once, by itself.

    `overlaid` are facts that the evaluation wrote.
    """

    def __init__(
        self,
        ruleset: RuleSet,
        rules: Sequence[Rule],
        constants: Context,
        overlaid: Iterable[str],
    ) -> None:
        self.layout = Layout(ruleset)
        self.overlay = {name: self.layout.slot(self.layout.raw, name) for name in overlaid}
        closures = Closures(self.layout, constants)
        # leaves of plain conjunctions, with the truth that the rules (bits) need
        self.wanted: list[tuple[Closure, bool, int]] = []
        # rules whose conditions have alternatives
        self.others: list[tuple[int, Condition, list[Closure]]] = []
        self._sort(rules, closures)
        code = Code()
        code.namespace.update(BASE)
        self.layout.identity = True
        add_reading(self.layout, code, None, closures)
        self.read = code.function("read", "doc, x")
        self.blank: list[Any] = [None] * self.layout.size
        for slot in self.layout.lazy.values():
            self.blank[slot] = UNSET

    def _sort(self, rules: Sequence[Rule], closures: Closures) -> None:
        bits: dict[tuple[tree.Node, bool], int] = {}
        for index, rule in enumerate(rules):
            parts = list(_flat(rule.condition, True))
            nodes = [leaf.node for leaf, _ in parts]
            if len(parts) < len(rule.leaves) or len(set(nodes)) < len(nodes):
                own = [closures.of(leaf.node) for leaf in rule.leaves]
                self.others.append((1 << index, rule.condition, own))
                continue
            for leaf, wanted in parts:
                key = (leaf.node, wanted)
                bits[key] = bits.get(key, 0) | 1 << index
        self.wanted = [(closures.of(node), wanted, own) for (node, wanted), own in bits.items()]

    def near(self, given: list[Any], written: Mapping[str, object], open_rules: int) -> int:
        """Bits of the rules (among these) whose condition does not hold, but for one leaf.

        `given` are the slots of the decision, for its instant, zone and document.
        """
        x = self.blank.copy()
        x[: len(HEAD)] = given[: len(HEAD)]
        self.read(given[TYPED], x)
        for name, slot in self.overlay.items():
            if name in written:
                x[slot] = written[name]
        once = again = 0
        for closure, wanted, bits in self.wanted:
            if closure(x) is not wanted:
                again |= once & bits
                once |= bits
        found = once & ~again
        for bit, condition, closures in self.others:
            if open_rules & bit and one_away(condition, [closure(x) for closure in closures]):
                found |= bit
        return found & open_rules


def _flat(condition: Condition, wanted: bool) -> Iterator[tuple[Leaf, bool]]:
    """The leaves of a condition that needs every one of them at a certain truth; fewer than all
    when it has alternatives.
    """
    joined = condition.kind == "all" or len(condition.parts) == 1
    if condition.kind == "none":
        joined, wanted = wanted or len(condition.parts) == 1, not wanted
    elif condition.kind == "any":
        joined = joined or not wanted
    else:
        joined = wanted or len(condition.parts) == 1
    if not joined:
        return
    for part in condition.parts:
        if isinstance(part, Leaf):
            yield part, wanted
        else:
            yield from _flat(part, wanted)
