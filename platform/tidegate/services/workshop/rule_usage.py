"""How often names and fixed numbers are used in the rules of a set, for “4 rules use it” and “name this
threshold?”.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Lock

from tidegate.engine.language import tree
from tidegate.engine.language.rendering import literal_text, render
from tidegate.engine.rulesets import Rule, RuleSet

_ORDERED = ("<", "<=", ">", ">=")
_KEEP = 8


@dataclass(frozen=True, slots=True)
class Usage:
    """`names`: rules per parameter or list. `fixed`: ids of rules per (subject, constant)."""

    names: Counter[str] = field(default_factory=Counter)
    fixed: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def others(self, subject: str, constant: str, rule: str) -> list[str]:
        """Other rules that compare the same subject with the same constant."""
        return [one for one in self.fixed.get((subject, constant), ()) if one != rule]


_kept: dict[str, Usage] = {}
_lock = Lock()


def usage(ruleset: RuleSet) -> Usage:
    """Counted once per content of a set."""
    found = _kept.get(ruleset.hash)
    if found is None:
        found = _counted(ruleset)
        with _lock:
            while len(_kept) >= _KEEP:
                _kept.pop(next(iter(_kept)))
            _kept[ruleset.hash] = found
    return found


def _counted(ruleset: RuleSet) -> Usage:
    found = Usage()
    for rule in ruleset.written:
        names, fixed = _used(rule)
        found.names.update(names)
        for pair in fixed:
            found.fixed.setdefault(pair, []).append(rule.id)
    return found


def _used(rule: Rule) -> tuple[frozenset[str], frozenset[tuple[str, str]]]:
    """Names and fixed numbers of one rule; looked for once, as a save leaves all others as they were."""
    if "used" not in rule.kept:
        nodes = list(_nodes(rule))
        names = frozenset(n.id for n in nodes if isinstance(n, (tree.Parameter, tree.ListName)))
        rule.kept["used"] = names, frozenset(pair for node in nodes for pair in _fixed(node))
    return rule.kept["used"]  # type: ignore[no-any-return]


def _nodes(rule: Rule) -> Iterator[tree.Node]:
    for leaf in rule.leaves:
        yield from tree.walk(leaf.node)
    for call in rule.actions:
        for value in call.args.values():
            if isinstance(value, tree.Node):
                yield from tree.walk(value)


def _fixed(node: tree.Node) -> Iterator[tuple[str, str]]:
    if not isinstance(node, tree.Compare) or node.op not in _ORDERED:
        return
    if isinstance(node.right, tree.Literal):
        yield render(node.left), literal_text(node.right.value)
