"""The full explanation of one order over 1,000 rules, in units of one reference evaluation of the same order.

    .venv-bench/bin/python benchmarks/engine/explain.py [--quick]

Full: the trace of every rule, which rules fired, and what stopped each of the others with the values it saw. Half of
the orders lack something. The trace as plain data with its sentences, what a page would show, is printed beside it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import ours
from measuring import figure, heading, judged, options, self_check, table, timed
from orders import GAPS, SEED, facts_of, plain_orders
from rulesets import make_rules, our_set

from tidegate.engine.decisions import Decision
from tidegate.engine.explain import why, why_not
from tidegate.engine.rulesets import RuleSet

WANTED = 10.0
POLICY = "priority"
Step = Callable[[Any, Decision], object]  # facts and their decision by the reference


def reasons(decision: Decision) -> list[Any]:
    """Why, and why not for every rule that did not fire."""
    fired = {trace.rule.id: trace for trace in why(decision)}
    rest = [trace.rule.id for trace in decision.rules if trace.rule.id not in fired]
    return [*fired.values(), *(why_not(decision, rule) for rule in rest)]


def steps(ruleset: RuleSet) -> dict[str, Step]:
    reference, compiled = ours.reference(ruleset), ours.decider(ruleset)
    return {
        "reference evaluation": lambda facts, decision: reference(facts),
        "trace of all rules, from the compiled evaluator": lambda facts, _: compiled(facts).full(),
        "why, and why not for every rule": lambda _, decision: reasons(decision),
        "the trace as plain data, with sentences": lambda _, decision: decision.as_document(),
    }


EXPLAINING = ("trace of all rules, from the compiled evaluator", "why, and why not for every rule")


def wrong_explanations(ruleset: RuleSet, inputs: list[Any]) -> int:
    """Orders on which a trace differs from the reference's, or a rule has no reason or a wrong one."""
    reference, compiled = ours.reference(ruleset), ours.decider(ruleset)
    wrong = 0
    for facts in inputs:
        decision, full = reference(facts), compiled(facts).full()
        given = reasons(decision)
        causes = {"leaf", "overridden", "inactive"}
        good = all(getattr(r, "cause", "leaf") in causes for r in given)
        wrong += not (good and len(given) == len(ruleset.rules) and full.rules == decision.rules)
    return wrong


def main() -> int:
    asked = options(__doc__ or "")
    quick = asked.quick or asked.self_check
    count, orders = (60, 3) if quick else (1_000, 7)
    heading(f"Explaining an order over {count:,} rules; median of {orders} orders", SEED)
    ruleset = our_set(make_rules(count), POLICY)
    inputs = [facts_of(order) for order in plain_orders(orders, SEED, gaps=GAPS)]
    decided = [ours.reference(ruleset)(facts) for facts in inputs]
    took = {
        name: figure([timed(lambda: step(f, d))[0] for f, d in zip(inputs, decided, strict=True)])  # noqa: B023
        for name, step in steps(ruleset).items()
    }
    unit = took["reference evaluation"].median
    table(
        ["step", "ms", "spread", "reference evaluations"],
        (
            [name, f"{1_000 * f.median:.2f}", f.spread, f"{f.median / unit:.2f}"]
            for name, f in took.items()
        ),
    )
    whole = sum(took[name].median for name in EXPLAINING) / unit
    held = judged(whole, WANTED, most=True, quick=quick)
    print(f"full explanation: {whole:.2f} reference evaluations, wanted ≤ {WANTED:g} {held}")
    return self_check(len(inputs), wrong_explanations(ruleset, inputs))


if __name__ == "__main__":
    sys.exit(main())
