"""One contestant on one workload, in a process of its own.

`one.py NAME WORKLOAD SECONDS ROUNDS` prints one JSON object. `peers.py` pickles the workload and starts this file:
a peer that takes its process down takes nobody else's figures with it.
"""

from __future__ import annotations

import json
import pickle
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import ours
from forms import FORMS
from measuring import BATCH, in_slices, latency, rss_mb, timed
from orders import Plain, facts_of
from rulesets import POLICIES, Rule, holds, our_set

LATENCY_ORDERS = 2_000
OURS = {
    f"{policy}{' gaps' if gaps else ''}": (policy, gaps)
    for policy in POLICIES
    for gaps in (False, True)
}
REFERENCE = "reference"
CHECKED = "collect, facts of a stranger"  # a plain dict: every value is checked first


@dataclass(frozen=True)
class Workload:
    """Rules, orders with and without gaps, the rules that match the first orders by the reference, and how many orders
    are made at once."""

    rules: list[Rule]
    orders: list[Plain]
    gapped: list[Plain]
    matching: list[list[int]]
    batch: int = BATCH


Call = Callable[[Any], Sequence[Any]]


def contestant(
    name: str, work: Workload
) -> tuple[Callable[[], Call], Callable[[Plain], Any], list[Plain]]:
    """How to compile, how to prepare an order (not timed), and the orders."""
    if name in OURS:
        policy, gaps = OURS[name]
        ruleset = our_set(work.rules, policy)
        return partial(ours.actions, ruleset), facts_of, work.gapped if gaps else work.orders
    if name == CHECKED:
        return partial(ours.actions, our_set(work.rules)), dict_of, work.orders
    if name == REFERENCE:
        decide = ours.reference(our_set(work.rules))
        return lambda: lambda facts: decide(facts).actions, facts_of, work.orders
    form = FORMS[name]
    return partial(form.build, work.rules), form.prepare, work.orders


def dict_of(order: Plain) -> dict[str, Any]:
    return dict(facts_of(order))


def wrong_answers(name: str, call: Call, prepare: Callable[[Plain], Any], work: Workload) -> int:
    """Of the first orders: peers against the rules that match by the reference, the compiled evaluator against the
    reference in everything it says, the reference against the generator's own idea of a condition."""
    first = work.orders[: len(work.matching)]
    if name in FORMS:
        found = (sorted(call(prepare(order))) for order in first)
        return sum(one != other for one, other in zip(found, work.matching, strict=True))
    if name == REFERENCE:
        meant = (
            [n for n, rule in enumerate(work.rules) if all(holds(test, order) for test in rule)]
            for order in first
        )
        return sum(one != other for one, other in zip(meant, work.matching, strict=True))
    policy, gaps = OURS.get(name, (POLICIES[0], False))
    inputs = [prepare(order) for order in (work.gapped if gaps else first)[: len(first)]]
    return ours.differences(our_set(work.rules, policy), inputs)


def measure(name: str, work: Workload, seconds: float, rounds: int) -> dict[str, Any]:
    build, prepare, orders = contestant(name, work)
    empty = rss_mb()
    compiling, call = timed(build)
    grown = rss_mb() - empty
    wrong = wrong_answers(name, call, prepare, work)

    def ready(first: int, last: int) -> list[Any]:
        return [prepare(order) for order in orders[first:last]]

    figure = in_slices(call, ready, len(orders), seconds, rounds, work.batch)
    few = max(20, min(LATENCY_ORDERS, int(4 * seconds * figure.per_second)))
    p50, p99 = latency(call, list(map(prepare, orders[:few])))
    return {
        **asdict(figure),
        "compile_s": compiling,
        "compiled_mb": grown,
        "compared": len(work.matching),
        "wrong": wrong,
        "p50_us": p50,
        "p99_us": p99,
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # peers are older than Python
    _, name, path, seconds, rounds = sys.argv
    work: Workload = pickle.loads(Path(path).read_bytes())
    print(json.dumps(measure(name, work, float(seconds), int(rounds))))
