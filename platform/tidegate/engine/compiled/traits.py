"""What a compiled set has to know of its rules as a whole."""

from __future__ import annotations

from tidegate.engine.language import tree
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.settling import list_facts_written

# functions whose decimals are rounded by the context of the thread
_ROUNDING_FREE = frozenset(
    (
        "contains", "list_contains", "starts_with", "ends_with", "matches", "exact", "lower_case",
        "upper_case", "string_length", "string", "count", "sum", "min", "max", "distinct",
        "coalesce", "since", "until", "weekday", "date", "hour",
    )
)  # fmt: skip


def overlaid_in(ruleset: RuleSet) -> frozenset[str]:
    """Facts that the evaluation itself writes: tags, and what was decided before."""
    written = list_facts_written(ruleset, (name for rule in ruleset.rules for name in rule.writes))
    return frozenset((*written, *(f"decided.{name}" for name in ruleset.gate_spec.actions)))


def compares_lines(ruleset: RuleSet) -> bool:
    """Whether a function takes whole lines, and might ask whether two are the same."""
    lists = {group.id for group in ruleset.vocabulary.groups.values() if group.each}
    nodes: list[tree.Node] = [leaf.node for rule in ruleset.rules for leaf in rule.leaves]
    nodes += [derived.node for derived in ruleset.derive.values()]
    return any(
        isinstance(part, tree.Call)
        and part.function != "count"
        and any(
            isinstance(inner, tree.Fact) and inner.id in lists
            for arg in part.args
            for inner in tree.walk(arg)
        )
        for node in nodes
        for part in tree.walk(node)
    )


def rounds(ruleset: RuleSet) -> bool:
    """Whether an expression rounds by the thread's decimal context."""
    nodes: list[tree.Node] = [leaf.node for rule in ruleset.rules for leaf in rule.leaves]
    nodes += [derived.node for derived in ruleset.derive.values()]
    return any(
        isinstance(part, tree.Negate)
        or (isinstance(part, tree.Call) and part.function not in _ROUNDING_FREE)
        for node in nodes
        for part in tree.walk(node)
    )
