"""The order in which rules run: a rule that reads what another writes runs after it; a cycle is
refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tidegate.engine.language import tree
from tidegate.engine.problems import Problem
from tidegate.engine.rulesets import Rule, reads


def closure(node: tree.Node, derive: Mapping[str, tree.Node]) -> frozenset[str]:
    """Facts an expression reads, also through derived facts."""
    found: set[str] = set()
    for name in reads(node):
        if name in derive:
            found |= closure(derive[name], derive)
        found.add(name)
    return frozenset(found)


def stratify(rules: Sequence[Rule], problems: list[Problem]) -> tuple[Rule, ...]:
    """The rules with their stratum; a cycle is reported with the rules that form it."""
    writers: dict[str, list[Rule]] = {}
    for rule in rules:
        for name in rule.writes:
            writers.setdefault(name, []).append(rule)
    levels: dict[str, int] = {}

    def level(rule: Rule, path: tuple[str, ...]) -> int:
        if rule.id in path:
            _cycle(path[path.index(rule.id) :], rule, problems)
            return 0
        if rule.id not in levels:
            before = [writer for name in sorted(rule.reads) for writer in writers.get(name, ())]
            levels[rule.id] = max(
                (level(writer, (*path, rule.id)) + 1 for writer in before), default=0
            )
        return levels[rule.id]

    return tuple(replace(rule, stratum=level(rule, ())) for rule in rules)


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
