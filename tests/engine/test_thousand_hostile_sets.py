"""B18: a thousand rule sets made to cost time; each is refused, or both evaluators decide a large order by it soon."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hostile_cases import NOON, VOCABULARY, a_document, chain, circle, lines, nested

from tidegate.engine.compiled import compile_set
from tidegate.engine.reader import read_ruleset
from tidegate.engine.reference import evaluate
from tidegate.engine.vocabulary import load_vocabulary
from tidegate.errors import TidegateError

AIM_S = 0.5
RUNAWAY_S = 30.0
Make = Callable[[Random], dict[str, Any]]


def loop(rng: Random) -> dict[str, Any]:
    return circle(rng.randint(2, 400))


def deep(rng: Random) -> dict[str, Any]:
    kind = rng.choice(("any", "all", "not"))
    return a_document(nested(rng.randint(1, 60), lambda x: {kind: [x]}, "order.total > 1 CNY"))


def brackets(rng: Random) -> dict[str, Any]:
    opened, word = rng.choice((("(", "true"), ("not(", "true"), ("if true then (", "false")))
    many = rng.randint(1, 120)
    return a_document(opened * many + word + ")" * many)


def pattern(rng: Random) -> dict[str, Any]:
    """Wild cards in the worst order for one who goes back and forth."""
    piece = rng.choice(("*a", "*a?", "?*", "*aa*a", "a*?"))
    text = piece * rng.randint(1, 900 // len(piece)) + rng.choice(("b", "*b", "?b*"))
    return a_document(f'matches(order.buyer_memo, "{text}")')


def growth(rng: Random) -> dict[str, Any]:
    step, first = rng.choice((
        ("{0} + {0}", '"0123456789"'), ("concatenate({0}, {0})", '["a", "b"]'),
        ("{0} * {0} + 1", "order.quantity"), ("{0} + {0} + {0}", "order.quantity"),
    ))  # fmt: skip
    return chain(step, first, rng.randint(2, 120))


def every_with_every(rng: Random) -> dict[str, Any]:
    """Lines against lines; three levels over 200 lines are 8,000,000 looks, which are refused."""
    depth, least = rng.randint(1, 3), rng.choice((3, 10**6))
    text = f"x{depth - 1}.quantity > {least}"
    for n in reversed(range(depth)):
        text = f"some x{n} in items satisfies (x{n}.quantity > {least} or ({text}))"
    return a_document(text)


def long_list(rng: Random) -> dict[str, Any]:
    many = rng.randint(1, 30_000)
    return a_document("order.buyer_memo in l", lists={"l": [f"v{n}" for n in range(many)]})


def many_rules(rng: Random) -> dict[str, Any]:
    rules = [
        {"id": f"r{n}", "if": [f"order.total > {n} CNY", "some x in items satisfies x.quantity > 9"],
         "then": [{"tag": f"t{n}"}]}
        for n in range(rng.randint(1, 1_200))
    ]  # fmt: skip
    return a_document(rules=rules)


KINDS: tuple[Make, ...] = (
    loop, deep, brackets, pattern, growth, every_with_every, long_list, many_rules,
)  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("sets", [24, 1_000])
def test_hostile_sets_are_refused_or_decide_soon(sets: int) -> None:
    seed = int(os.environ.get("TIDEGATE_SEED") or time.time_ns() % 10**9)
    print(f"seed: {seed}")
    vocabulary = load_vocabulary(VOCABULARY)
    given = lines(200) | {"order": {"quantity": 2, "buyer_memo": "a" * 5_000}}
    ends: Counter[str] = Counter()
    slow: list[tuple[float, int, str]] = []
    for number in range(sets):
        rng = Random(seed + number)
        make = KINDS[number % len(KINDS)]
        document = make(rng)
        for what, took, end in _tried(document, vocabulary, given):
            ends[f"{what}: {end}"] += 1
            slow.append((took, number, f"{make.__name__} {what}"))
            assert took < RUNAWAY_S, (seed, number, make.__name__, what)
    slow.sort(reverse=True)
    for what in ("read", "compiled", "reference"):
        mine = [row for row in slow if row[2].endswith(what)]
        over = sum(took > AIM_S for took, *_ in mine)
        print(f"{what}: {len(mine)}, {over} over {AIM_S} s of CPU, slowest {mine[:3]}")
    print(dict(ends))
    assert sum(count for end, count in ends.items() if end.startswith("read: ")) == sets
    assert len(ends) > 3


def _tried(
    document: dict[str, Any], vocabulary: Any, given: dict[str, Any]
) -> list[tuple[str, float, str]]:
    """(what, CPU seconds, how it ended) of reading, and of one decision by each evaluator."""
    found = []
    began = time.process_time()
    try:
        ruleset = read_ruleset(document, vocabulary)
    except TidegateError as refused:
        return [("read", time.process_time() - began, refused.code)]
    found.append(("read", time.process_time() - began, "ok"))
    program = compile_set(ruleset)
    for what, decide in (
        ("compiled", lambda: program.decide(given, NOON)),
        ("reference", lambda: evaluate(ruleset, given, NOON)),
    ):
        began = time.process_time()
        try:
            decide()
            end = "ok"
        except TidegateError as refused:
            end = refused.code
        found.append((what, time.process_time() - began, end))
    return found
