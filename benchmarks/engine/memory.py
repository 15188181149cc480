"""Memory that 200,000 decisions leave behind: 1,000 rules, a new order for every decision.

    .venv-bench/bin/python benchmarks/engine/memory.py [--quick]

Orders are made as they are decided, so that a cache of what was seen would show. Counted from the 5,000th decision
on: until then Python's own pools fill.
"""

from __future__ import annotations

import gc
import sys

import ours
from measuring import heading, judged, options, rss_mb, self_check, table
from orders import GAPS, SEED, facts_of, plain_orders
from rulesets import POLICIES, make_rules, our_set

WANTED_MB = 5.0
CHECKED = 60


def grown(policy: str, rules: int, warm: int, count: int) -> tuple[float, float, int]:
    """(MB after the warm-up, MB more at the end, answers that differ from the reference)."""
    ruleset = our_set(make_rules(rules, SEED), policy)
    decide = ours.actions(ruleset)
    start = 0.0
    for done, order in enumerate(plain_orders(warm + count, SEED, gaps=GAPS)):
        if done == warm:
            gc.collect()
            start = rss_mb()
        decide(facts_of(order))
    gc.collect()
    more = rss_mb() - start
    few = [facts_of(order) for order in plain_orders(CHECKED, SEED, gaps=GAPS)]
    return start, more, ours.differences(ruleset, few)


def main() -> int:
    asked = options(__doc__ or "")
    quick = asked.quick or asked.self_check
    rules, warm, count = (100, 200, 2_000) if quick else (1_000, 5_000, 200_000)
    heading(f"Memory: {rules:,} rules, {count:,} decisions; one run", SEED)
    rows, wrong = [], 0
    for policy in POLICIES:
        start, more, differing = grown(policy, rules, warm, count)
        wrong += differing
        wanted = f"≤ {WANTED_MB:g} MB {judged(more, WANTED_MB, most=True, quick=quick)}"
        rows.append([policy, f"{start:.1f}", f"{more:+.1f}", wanted])
    table(["policy", "RSS MB before", "grown MB", "wanted"], rows)
    return self_check(len(POLICIES) * CHECKED, wrong)


if __name__ == "__main__":
    sys.exit(main())
