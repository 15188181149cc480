"""Which rules came close: one leaf the other way, and the condition would have held."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from tidegate.engine.compiled.assembly import Code
from tidegate.engine.compiled.closures import Closures
from tidegate.engine.compiled.emit import BASE, add_reading
from tidegate.engine.compiled.layout import HEAD, TYPED, UNSET, Layout
from tidegate.engine.evaluation import Context
from tidegate.engine.explain import Span, away, span
from tidegate.engine.language import tree
from tidegate.engine.logic import Truth
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
        # leaves of plain conjunctions, with the truth that the rules (bits) need and their place in each
        self.wanted: list[tuple[Closure, bool, int, Mapping[int, int]]] = []
        # rules whose conditions have alternatives
        self.others: list[tuple[int, Span, list[Closure]]] = []
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
        places: dict[tuple[tree.Node, bool], dict[int, int]] = {}
        for index, rule in enumerate(rules):
            parts = list(_flat(rule.condition, True))
            nodes = [leaf.node for leaf, _ in parts]
            if len(parts) < len(rule.leaves) or len(set(nodes)) < len(nodes):
                own = [closures.of(leaf.node) for leaf in rule.leaves]
                self.others.append((index, span(rule.condition), own))
                continue
            for place, (leaf, wanted) in enumerate(parts):
                places.setdefault((leaf.node, wanted), {})[index] = place
        # what takes long comes last: by then most rules that need it have failed twice
        for (node, wanted), of in sorted(places.items(), key=lambda one: _effort(one[0][0])):
            bits = sum(1 << index for index in of)
            self.wanted.append((closures.of(node), wanted, bits, of))

    def near(
        self, given: list[Any], written: Mapping[str, object], open_rules: int
    ) -> dict[int, tuple[int, Truth]]:
        """Of these rules, whose conditions do not hold, those that one leaf kept from it, by index: its place and
        result.

        `given` are the slots of the decision, for its instant, zone and document.
        """
        x = self.blank.copy()
        x[: len(HEAD)] = given[: len(HEAD)]
        self.read(given[TYPED], x)
        for name, slot in self.overlay.items():
            if name in written:
                x[slot] = written[name]
        once, far, failed = 0, ~open_rules, []
        for closure, wanted, bits, places in self.wanted:
            if not bits & ~far:
                continue
            truth = closure(x)
            if truth is not wanted:
                far |= once & bits
                once |= bits
                failed.append((bits, places, truth))
        found: dict[int, tuple[int, Truth]] = {}
        near = once & ~far
        for bits, places, truth in failed:
            bits &= near
            while bits:
                index = bits.bit_length() - 1
                bits ^= 1 << index
                found[index] = (places[index], truth)
        for index, needed, closures in self.others:
            if open_rules >> index & 1:
                place = away(needed, partial(_ask, closures, x), fails=True)
                if place is not None:
                    found[index] = (place, closures[place](x))
        return found


def _ask(closures: Sequence[Closure], x: list[Any], place: int) -> Any:
    return closures[place](x)


def _effort(node: tree.Node) -> int:
    """How long a condition takes, roughly: loops over lines and events before everything else."""
    loops = (tree.Quantified, tree.For, tree.Filter, tree.Sequence, tree.Window)
    return sum(100 if isinstance(one, loops) else 1 for one in tree.walk(node))


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
