"""Lists looked through inside lists (`some x in items satisfies some y in items …`): the work grows with the product of
their lengths, so a decision has a limit of it, the same for both evaluators.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import prod
from typing import TYPE_CHECKING, Any

from tidegate.engine.language import tree
from tidegate.engine.limits import MAX_LOOKS
from tidegate.errors import InputError

if TYPE_CHECKING:
    from tidegate.engine.rulesets import RuleSet

Chain = tuple[str, ...]  # names of lists, the outermost first


def chains(nodes: Iterable[tree.Node]) -> tuple[Chain, ...]:
    """Of every place where lists are looked through inside one another."""
    return tuple(found for node in nodes for found in _chains(node, ()) if len(found) > 1)


def check_looks(ruleset: RuleSet, document: Mapping[str, Any]) -> None:
    """Raises InputError when the set would look at more pairs of lines than a decision may take."""
    if not ruleset.nested_lists:
        return
    groups = ruleset.vocabulary.groups
    sizes: dict[str, int] = {}
    for name in {name for chain in ruleset.nested_lists for name in chain}:
        rows = document.get(name)
        owner = document.get(groups[name].of) if rows is None and name in groups else None
        rows = owner.get(name) if isinstance(owner, Mapping) else rows
        sizes[name] = len(rows) if isinstance(rows, (list, tuple)) else 1
    looks = sum(prod(sizes[name] for name in chain) for chain in ruleset.nested_lists)
    if looks > MAX_LOOKS:
        names = ", ".join(dict.fromkeys(name for chain in ruleset.nested_lists for name in chain))
        raise InputError(
            "facts.too_many_looks",
            zh=f"规则把 {names} 的每一行与每一行相比，这里要比 {looks} 次，超过 {MAX_LOOKS} 次，不再判断；"
            "请减少嵌套，或改用不逐行对照的条件",
            en=f"Rules compare each line of {names} with each other, {looks} looks here, and more than {MAX_LOOKS} "
            "are not judged; nest less, or ask in a way that does not compare line with line",
            looks=looks,
        )


def _chains(node: tree.Node, outer: Chain) -> Iterator[Chain]:
    if not isinstance(node, tree.BINDING):
        for child in tree.children(node):
            yield from _chains(child, outer)
        return
    over = node.of if isinstance(node, tree.Filter) else node.over
    inside = node.result if isinstance(node, tree.For) else node.condition
    here = (*outer, _list_of(over))
    yield here
    yield from _chains(over, outer)
    yield from _chains(inside, here)


def _list_of(over: tree.Node) -> str:
    """The list that is looked through, also where it is filtered first; "" for one that is written out."""
    return next((part.id for part in tree.walk(over) if isinstance(part, tree.Fact)), "")
