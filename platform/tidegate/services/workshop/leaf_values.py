"""What a condition looked at, short enough for the end of its line: `1,268 < 2,000`, and each line of goods
by itself where one decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any

from tidegate.engine.decisions import LeafTrace
from tidegate.engine.evaluation import Context as Evaluation
from tidegate.engine.language import tree
from tidegate.engine.operations import order
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.values import EXACT, Money, plain
from tidegate.services.view_decisions import shown, value_text
from tidegate.services.view_names import Words, is_personal, same

SIGNS = {-1: "<", 0: "=", 1: ">"}
WIDER = {
    ("<=", -1): "≤",
    ("<=", 0): "≤",
    (">=", 1): "≥",
    (">=", 0): "≥",
    ("!=", -1): "≠",
    ("!=", 1): "≠",
}
LINES = 8


@dataclass(frozen=True, slots=True)
class LineShown:
    """One line of goods: its number, what it is called, whether it met the condition, on what."""

    number: int
    name: str
    result: str  # true, false or unknown
    values: Words


def short_values(ruleset: RuleSet, trace: LeafTrace, context: Evaluation) -> Words:
    """Both sides of a simple comparison; empty where it is no such thing or personal."""
    node = trace.leaf.node
    if any(is_personal(name) for name in trace.values):
        return same("")
    if isinstance(node, tree.Compare):
        with localcontext(EXACT):
            return _compared(node, context)
    values = [(name, value) for name, value in trace.values.items() if _own_fact(ruleset, name)]
    if len(values) == 1 and not isinstance(node, tree.Quantified):
        return {lang: said(values[0][0], values[0][1], lang) for lang in ("zh", "en")}
    return same("")


def _own_fact(ruleset: RuleSet, name: str) -> bool:
    return name in ruleset.vocabulary.facts or name in ruleset.fields or name in ruleset.derive


def line_values(
    trace: LeafTrace, context: Evaluation, names: Mapping[int, str]
) -> Sequence[LineShown]:
    """Each line of a quantified condition. Empty for any other, and where it looks at personal facts."""
    node = trace.leaf.node
    if not isinstance(node, tree.Quantified) or any(is_personal(name) for name in trace.values):
        return ()
    with localcontext(EXACT):
        rows, _ = context.leaf(node.over)
        if not isinstance(rows, Sequence):
            return ()
        kept = context.variables.get(node.variable)
        try:
            return [
                _line(node, context, row, number, names)
                for number, row in enumerate(rows[:LINES], 1)
            ]
        finally:
            context.variables[node.variable] = kept


def _line(
    node: tree.Quantified, context: Evaluation, row: Any, number: int, names: Mapping[int, str]
) -> LineShown:
    context.variables[node.variable] = row
    truth, reads = context.leaf(node.condition)
    result = "unknown" if truth is None else "true" if truth else "false"
    if isinstance(node.condition, tree.Compare):
        values = _compared(node.condition, context)
    else:
        values = {
            lang: ", ".join(said(name, value, lang) for name, value in reads.values.items())
            for lang in ("zh", "en")
        }
    place = getattr(row, "number", number)
    return LineShown(place, names.get(place, ""), result, values)


def _compared(node: tree.Compare, context: Evaluation) -> Words:
    left, right = context.leaf(node.left)[0], context.leaf(node.right)[0]
    if left is None or right is None:
        return {
            lang: f"{value(left, lang)} {_sign(node.op)} {value(right, lang)}"
            for lang in ("zh", "en")
        }
    if isinstance(left, bool) or (isinstance(left, str) and node.op in ("=", "!=")):
        return {lang: value(left, lang) for lang in ("zh", "en")}
    place = order(left, right)
    sign = _sign(node.op) if place is None else WIDER.get((node.op, place), SIGNS[place])
    return {lang: f"{value(left, lang)} {sign} {value(right, lang)}" for lang in ("zh", "en")}


def _sign(op: str) -> str:
    return {"<=": "≤", ">=": "≥", "!=": "≠"}.get(op, op)


def said(fact: str, found: Any, lang: str) -> str:
    """A fact's value, masked where it is personal."""
    return shown(fact, plain(found), lang) if is_personal(fact) else value(found, lang)


def value(found: Any, lang: str) -> str:
    """A value for people; `?` when unknown, money and numbers with their thousands."""
    if found is None:
        return "?"
    if isinstance(found, Money):
        amount = f"{found.amount:,f}"
        if found.currency == "CNY":
            return f"{amount} 元" if lang == "zh" else f"CNY {amount}"
        return f"{amount} {found.currency}"
    if isinstance(found, Decimal):
        return f"{found:,f}"
    if isinstance(found, str):
        return found or "“”"
    return value_text(plain(found), lang)
