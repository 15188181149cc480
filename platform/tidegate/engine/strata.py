"""The order in which rules run: a rule that reads what another writes runs after it; a cycle is
refused.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

from tidegate.engine.language import tree
from tidegate.engine.problems import Problem
from tidegate.engine.rulesets import Rule, reads


class DerivedReads:
    """What derived facts read in the end, and how deep they are, kept as they are added top to
    bottom.
    """

    def __init__(self) -> None:
        self.nodes: dict[str, tree.Node] = {}
        self._reads: dict[str, frozenset[str]] = {}
        self._depths: dict[str, int] = {}

    def add(self, name: str, node: tree.Node) -> int:
        """The depth with everything it builds on."""
        used = [self._depths[part] for part in reads(node) if part in self._depths]
        self._reads[name] = self.reads([node])
        self._depths[name] = tree.depth(node) + max(used, default=0)
        self.nodes[name] = node
        return self._depths[name]

    def reads(self, nodes: Iterable[tree.Node]) -> frozenset[str]:
        """Facts and derived facts the expressions read, also through derived facts."""
        found: set[str] = set()
        for node in nodes:
            for name in reads(node):
                if name not in found:
                    found.add(name)
                    found |= self._reads.get(name, frozenset())
        return frozenset(found)


def stratify(rules: Sequence[Rule], problems: list[Problem]) -> tuple[Rule, ...]:
    """The rules with their stratum; each circle of rules is reported once, by name."""
    writers: dict[str, list[Rule]] = {}
    for rule in rules:
        for name in rule.writes:
            writers.setdefault(name, []).append(rule)
    waits = {
        name: {read: rule for rule in reversed(found) for read in rule.reads if read in writers}
        for name, found in writers.items()
    }
    levels: dict[str, int] = {}
    for name in writers:
        _level(name, waits, levels, (), problems)
    return tuple(
        rule.placed(
            rule.path, rule.line, max((levels[n] + 1 for n in rule.reads if n in levels), default=0)
        )
        for rule in rules
    )


def _level(
    name: str,
    waits: Mapping[str, Mapping[str, Rule]],
    levels: dict[str, int],
    path: tuple[str, ...],
    problems: list[Problem],
) -> int:
    """The stratum of the last rule that writes `name`. `waits` tells, for what is written, what
    its writers read and the first of them that does; written things are few, rules may be many.
    """
    if name in path:
        circle = (*path[path.index(name) :], name)
        rules = [waits[one][other] for one, other in itertools.pairwise(circle)]
        _cycle(tuple(rule.id for rule in rules), rules[0], problems)
        return 0
    if name not in levels:
        before = sorted(waits[name])
        found = [_level(other, waits, levels, (*path, name), problems) + 1 for other in before]
        levels[name] = max(found, default=0)
    return levels[name]


def _cycle(names: tuple[str, ...], rule: Rule, problems: list[Problem]) -> None:
    if any(p.code == "rule.cycle" and set(names) <= set(p.near.split(", ")) for p in problems):
        return
    listed = ", ".join(names)
    problems.append(
        Problem(
            "rule.cycle",
            f"规则互相依赖，无法排出先后：{listed}；请让其中一条不再读取另一条写入的标签",
            f"rules depend on each other in a circle: {listed}; let one of them "
            f"stop reading what the other writes",
            where=rule.path,
            line=rule.line,
            near=listed,
        )
    )
