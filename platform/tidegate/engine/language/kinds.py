"""Of which kind a bound expression's value is: what chooses the words (`早于` for moments, `超过`
for spans).
"""

from __future__ import annotations

from tidegate.engine.language import tree
from tidegate.engine.language.functions import FUNCTIONS
from tidegate.engine.language.types import Type, arithmetic
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.values import Months

_RESULTS = {
    **dict.fromkeys(("since", "until"), "duration"),
    **dict.fromkeys(("date",), "date"),
    **dict.fromkeys(("time",), "time"),
    **dict.fromkeys(("date_and_time",), "instant"),
    **dict.fromkeys(("years_and_months_duration",), "months"),
    **dict.fromkeys(
        ("weekday", "day_of_week", "month_of_year", "string", "exact", "lower_case", "upper_case"),
        "text",
    ),
}
_LIKE_ARGUMENT = ("coalesce", "min", "max", "sum", "abs", "round", "floor", "ceiling", "mean")


def kind_of(ruleset: RuleSet, node: tree.Node) -> str:
    """The kind of a bound expression's value, empty where the words do not depend on it."""
    if isinstance(node, tree.Literal):
        return _CONSTANTS.get(type(node.value).__name__, "")
    if isinstance(node, tree.Fact):
        fact = ruleset.fields.get(node.id) or ruleset.vocabulary.facts.get(node.id)
        return "instant" if node.id == "now" else _plain_kind(fact.type) if fact else "list"
    if isinstance(node, (tree.Member, tree.Window)):
        known = ruleset.fields.get(node.fact) or ruleset.vocabulary.facts.get(node.fact)
        return _plain_kind(known.type) if known else "number"
    if isinstance(node, tree.Parameter):
        return _plain_kind(ruleset.parameters[node.id].type)
    if isinstance(node, tree.Derived):
        return ruleset.derive[node.id].type.kind
    if isinstance(node, tree.Negate):
        return kind_of(ruleset, node.value)
    if isinstance(node, tree.If):
        return kind_of(ruleset, node.then) or kind_of(ruleset, node.otherwise)
    if isinstance(node, tree.Arithmetic):
        left, right = (Type(kind_of(ruleset, side) or "any") for side in (node.left, node.right))
        found = arithmetic(node.op, left, right)
        return found.kind if found and found.kind != "any" else ""
    if isinstance(node, tree.Call):
        return _kind_of_call(ruleset, node)
    return ""


def _kind_of_call(ruleset: RuleSet, node: tree.Call) -> str:
    if node.function in _RESULTS:
        return _RESULTS[node.function]
    if node.function in _LIKE_ARGUMENT:
        return next((kind for kind in (kind_of(ruleset, arg) for arg in node.args) if kind), "")
    return "number" if node.function in FUNCTIONS else ""


def _plain_kind(kind: str) -> str:
    return {"choice": "text", "texts": "list"}.get(kind, kind)


_CONSTANTS = {
    "bool": "boolean",
    "Decimal": "number",
    "Money": "money",
    "str": "text",
    "timedelta": "duration",
    "datetime": "instant",
    "date": "date",
    "time": "time",
    Months.__name__: "months",
}
