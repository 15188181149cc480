"""The generated rules in the language of each peer, in the form that is fastest there.

A form has `prepare` (an order in the peer's natural input; not timed) and `build`, which compiles the rules and
returns the timed call: from that input to the numbers of the rules that match. What the call itself must do to its
input (JSON text for durable-rules' C module, the Rust value of a dict) is in the time: a live decision pays it.

Each peer is imported where it is used: a form whose peer is not installed is left out and named as such.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

from orders import NEEDLES, Plain
from rulesets import (
    ALL_IN_STOCK,
    BELOW,
    CONTAINS,
    EQUAL,
    LEAST,
    SOME_CATEGORY,
    SOME_FRAGILE,
    UNEQUAL,
    Rule,
    Test,
)

Answer = Callable[[Any], list[int]]


@dataclass(frozen=True)
class Form:
    """One way to put the rules to one peer."""

    peer: str
    package: str
    about: str
    build: Callable[[Sequence[Rule]], Answer]
    prepare: Callable[[Plain], Any] = lambda order: order


# zen-engine


def zen_text(test: Test) -> str:
    field, value = test.field, json.dumps(test.value, ensure_ascii=False)
    if test.op == CONTAINS:
        return f"contains({field}, {value})"
    if test.op == SOME_CATEGORY:
        return f"some(items, #.category == {value})"
    if test.op == SOME_FRAGILE:
        return "some(items, #.fragile)"
    if test.op == ALL_IN_STOCK:
        return "all(items, #.available >= #.quantity)"
    return f"{field} {'==' if test.op == EQUAL else test.op} {value}"


def zen_one(rules: Sequence[Rule]) -> Answer:
    """One compiled expression, an array with one boolean a rule."""
    import zen

    conditions = (" and ".join(map(zen_text, rule)) for rule in rules)
    evaluate = zen.compile_expression(f"[{', '.join(conditions)}]").evaluate
    numbers = range(len(rules))
    return lambda order: list(compress(numbers, evaluate(order)))


def zen_each(rules: Sequence[Rule]) -> Answer:
    """One compiled expression a rule."""
    import zen

    compiled = [zen.compile_expression(" and ".join(map(zen_text, rule))) for rule in rules]
    return lambda order: [n for n, rule in enumerate(compiled) if rule.evaluate(order)]


# durable-rules, by its C module: one session for ever, an order asserted, drained and retracted

MOST_RULES = 4_000  # the C module's tables end at 4,096


def durable_test(test: Test) -> dict[str, Any]:
    field, value = test.field, test.value
    return {
        EQUAL: {field: value},
        UNEQUAL: {"$neq": {field: value}},
        LEAST: {"$gte": {field: value}},
        BELOW: {"$lt": {field: value}},
        CONTAINS: {"$mt": {field: f".*{value}.*"}},
        SOME_CATEGORY: {"$iany": {"items": {"$i.category": value}}},
        SOME_FRAGILE: {"$iany": {"items": {"$i.fragile": True}}},
        ALL_IN_STOCK: {"$iall": {"items": {"$i.in_stock": True}}},
    }[test.op]


def durable_flag(test: Test) -> dict[str, Any]:
    """Text and lines as flags that `flags` works out beforehand."""
    return {
        CONTAINS: {f"memo {test.value}": 1},
        SOME_CATEGORY: {f"some {test.value}": 1},
        SOME_FRAGILE: {"fragile": 1},
        ALL_IN_STOCK: {"in_stock": 1},
    }.get(test.op) or durable_test(test)


def durable_order(order: Plain) -> Plain:
    """With an id of its own. Whether a line is in stock is prepared: the module can't compare two fields of a line."""
    lines = [{**line, "in_stock": line["available"] >= line["quantity"]} for line in order["items"]]
    return {**order, "id": order["number"], "sid": "s", "items": lines}


def flags(order: Plain) -> Plain:
    """Flat: instead of the lines and the memo, what the rules ask about them."""
    flat = {name: value for name, value in order.items() if name != "items"}
    flat |= {"id": order["number"], "sid": "s"}
    memo, lines = order["memo"], order["items"]
    flat.update((f"memo {needle}", 1) for needle in NEEDLES if needle in memo)
    flat.update((f"some {line['category']}", 1) for line in lines)
    if any(line["fragile"] for line in lines):
        flat["fragile"] = 1
    if all(line["available"] >= line["quantity"] for line in lines):
        flat["in_stock"] = 1
    return flat


def durable(rules: Sequence[Rule], write: Callable[[Test], dict[str, Any]], fact: Any) -> Answer:
    """As few rule sets as the C module's limits allow; each rule's name is its number."""
    import durable_rules_engine as module

    parts = -(-len(rules) // MOST_RULES)
    named = [(str(n), {"all": [{"m": {"$and": list(map(write, r))}}]}) for n, r in enumerate(rules)]
    handles = [
        module.create_ruleset(
            f"bench{part}", json.dumps(dict(named[part::parts]), ensure_ascii=False)
        )
        for part in range(parts)
    ]

    def answer(order: Plain) -> list[int]:
        text = json.dumps(fact(order), ensure_ascii=False)
        found: list[int] = []
        for handle in handles:
            status, offset = module.assert_fact(handle, text)
            if status == 1:  # no rule matches, nothing is kept
                continue
            message = module.start_action_for_state(handle, offset)[1]
            while message:
                found.append(int(message[2 : message.index('"', 2)]))
                message = module.complete_and_start_action(handle, offset)
            module.retract_fact(handle, text)
        return found

    return answer


# JSONLogic


def json_logic(test: Test) -> dict[str, Any]:
    field = {"var": test.field}
    return {
        EQUAL: {"==": [field, test.value]},
        UNEQUAL: {"!=": [field, test.value]},
        LEAST: {">=": [field, test.value]},
        BELOW: {"<": [field, test.value]},
        CONTAINS: {"in": [test.value, field]},
        SOME_CATEGORY: {"some": [field, {"==": [{"var": "category"}, test.value]}]},
        SOME_FRAGILE: {"some": [field, {"var": "fragile"}]},
        ALL_IN_STOCK: {"all": [field, {">=": [{"var": "available"}, {"var": "quantity"}]}]},
    }[test.op]


def panzi(rules: Sequence[Rule]) -> Answer:
    """The rules as one list."""
    from json_logic import jsonLogic as apply_logic

    logic = [{"and": list(map(json_logic, rule))} for rule in rules]
    numbers = range(len(rules))
    return lambda order: list(compress(numbers, apply_logic(logic, order)))


def datalogic(rules: Sequence[Rule]) -> Answer:
    """One compiled rule, an array with one boolean a rule, in one session."""
    from datalogic_py import Engine

    engine = Engine()
    rule = engine.compile([{"and": list(map(json_logic, rule))} for rule in rules])
    evaluate = engine.session().evaluate
    numbers = range(len(rules))
    return lambda order: list(compress(numbers, evaluate(rule, order)))


# rule-engine


def rule_engine_text(test: Test) -> str:
    field, value = test.field, json.dumps(test.value, ensure_ascii=False)
    if test.op == CONTAINS:
        return f"{value} in {field}"
    if test.op == SOME_CATEGORY:
        return f"$any([line.category == {value} for line in items])"
    if test.op == SOME_FRAGILE:
        return "$any([line.fragile for line in items])"
    if test.op == ALL_IN_STOCK:
        return "$all([line.available >= line.quantity for line in items])"
    return f"{field} {'==' if test.op == EQUAL else test.op} {value}"


def rule_engine(rules: Sequence[Rule]) -> Answer:
    """One compiled rule each, values found by item look-up."""
    from rule_engine import Context, resolve_item
    from rule_engine import Rule as Compiled

    context = Context(resolver=resolve_item)
    made = [Compiled(" and ".join(map(rule_engine_text, rule)), context=context) for rule in rules]
    matches = [rule.matches for rule in made]
    return lambda order: [n for n, holds in enumerate(matches) if holds(order)]


# business-rules


def business_rules(rules: Sequence[Rule]) -> Answer:
    """`run_all` over the rules as its documentation has it; each action notes the rule's number."""
    from business_rules import run_all
    from business_rules.actions import BaseActions

    variables = _variables()
    written = [
        {
            "conditions": {"all": list(map(business_test, rule))},
            "actions": [{"name": "note", "params": {"number": number}}],
        }
        for number, rule in enumerate(rules)
    ]

    class Actions(BaseActions):
        def __init__(self) -> None:
            self.found: list[int] = []

        def note(self, number: int) -> None:
            self.found.append(number)

    def answer(order: Plain) -> list[int]:
        actions = Actions()
        run_all(written, variables(order), actions)
        return actions.found

    return answer


def business_test(test: Test) -> dict[str, Any]:
    name, operator, value = {
        EQUAL: (test.field, "equal_to", test.value),
        UNEQUAL: (f"{test.field}_choice", "does_not_contain", test.value),
        LEAST: (test.field, "greater_than_or_equal_to", test.value),
        BELOW: (test.field, "less_than", test.value),
        CONTAINS: (test.field, "contains", test.value),
        SOME_CATEGORY: ("categories", "contains", test.value),
        SOME_FRAGILE: ("some_fragile", "is_true", None),
        ALL_IN_STOCK: ("all_in_stock", "is_true", None),
    }[test.op]
    return {"name": name, "operator": operator, "value": value}


def _variables() -> Any:
    """The class of variables; texts have no "not equal", so a choice of one stands in."""
    from business_rules import variables as kinds

    def reading(kind: Any, read: Callable[[Plain], object]) -> Any:
        return kind()(lambda self: read(self.order))

    texts = ("channel", "shop", "kind", "memo", "carrier", "flag", "method", "province", "city")
    members = {name: reading(kinds.string_rule_variable, _field(name)) for name in texts}
    for name in ("total", "weight", "quantity"):
        members[name] = reading(kinds.numeric_rule_variable, _field(name))
    choice, boolean = kinds.select_rule_variable, kinds.boolean_rule_variable
    members |= {
        "province_choice": reading(choice, lambda order: [order["province"]]),
        "categories": reading(choice, lambda order: [x["category"] for x in order["items"]]),
        "some_fragile": reading(boolean, lambda order: any(x["fragile"] for x in order["items"])),
        "all_in_stock": reading(
            boolean, lambda order: all(x["available"] >= x["quantity"] for x in order["items"])
        ),
        "__init__": lambda self, order: setattr(self, "order", order),
    }
    return type("Variables", (kinds.BaseVariables,), members)


def _field(name: str) -> Callable[[Plain], object]:
    return lambda order: order[name]


FORMS = {
    "zen": Form("zen-engine", "zen-engine", "one expression", zen_one),
    "zen-each": Form("zen-engine", "zen-engine", "one expression a rule", zen_each),
    "durable": Form(
        "durable-rules",
        "durable-rules",
        "C module, one session",
        lambda rules: durable(rules, durable_test, lambda order: order),
        durable_order,
    ),
    "durable-flags": Form(
        "durable-rules + flags",
        "durable-rules",
        "the same + flags set by Python for text and lines",
        lambda rules: durable(rules, durable_flag, flags),
    ),
    "datalogic": Form("datalogic-py", "datalogic-py", "one rule, one session", datalogic),
    "json-logic": Form("json-logic", "panzi-json-logic", "one list", panzi),
    "rule-engine": Form("rule-engine", "rule-engine", "one rule each", rule_engine),
    "business-rules": Form("business-rules", "business-rules", "run_all", business_rules),
}
