"""A draft against the live set: 1,000 rules, 100,000 orders, in one process and chunk by chunk.

    .venv-bench/bin/python benchmarks/engine/simulation.py [--quick]

Reading the orders (JSON lines to typed facts), the two evaluations and the difference are timed apart. The bar is
zen-engine's best form on one of the sets and the same complete orders. Ours is also timed on orders of which half lack
something, with a policy that must look at every rule left unknown.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import ours
from forms import zen_one
from measuring import heading, installed, judged, options, peak_rss_mb, self_check, table
from orders import (
    CURRENCY,
    FACTS,
    GAPS,
    INSTANTS,
    LINE_FACTS,
    MONEY,
    SEED,
    facts_of,
    plain_orders,
)
from rulesets import Rule, make_rules, our_set

from tidegate.engine.compiled import FactDocument
from tidegate.engine.values import parse_instant, parse_money, plain

CHUNK = 1_000
# policy, share of missing values; the first is what zen does too
CASES = (("collect", 0.0), ("collect", GAPS), ("priority", 0.0), ("priority", GAPS))
WANTED = 5.0
CHECKED = 60
MONEY_FACTS = {
    name.rpartition(".")[2] for key, name in {**FACTS, **LINE_FACTS}.items() if key in MONEY
}
INSTANT_FACTS = {FACTS[key].rpartition(".")[2] for key in INSTANTS}
GROUPS = tuple(dict.fromkeys(name.partition(".")[0] for name in FACTS.values()))


@dataclass
class Tally:
    """What a simulation reports: orders whose actions changed, outcomes before and after (the first action), and
    firings gained and lost by rule."""

    subjects: int = 0
    changed: int = 0
    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)
    moved: Counter[tuple[str, str]] = field(default_factory=Counter)
    gained: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)

    def add(self, live: Any, draft: Any) -> None:
        self.subjects += 1
        old, new = (d.actions[0].action if d.actions else "none" for d in (live, draft))
        self.before[old] += 1
        self.after[new] += 1
        if old != new:
            self.moved[old, new] += 1
        if live.fired != draft.fired:
            self.gained.update(set(draft.fired) - set(live.fired))
            self.lost.update(set(live.fired) - set(draft.fired))
        self.changed += live.actions != draft.actions


def draft_of(rules: list[Rule]) -> list[Rule]:
    """The live rules with one in twenty replaced by a rule of another seed."""
    others = make_rules(len(rules), SEED + 7)
    return [others[n] if n % 20 == 7 else rule for n, rule in enumerate(rules)]


def read(lines: Iterable[str]) -> Iterator[FactDocument]:
    """Fact documents with typed values, as the product's own facts are."""
    for line in lines:
        document = FactDocument(json.loads(line))
        for group in (*(document[group] for group in GROUPS), *document["items"]):
            for name in MONEY_FACTS & group.keys():
                group[name] = parse_money(group[name], CURRENCY)
            for name in INSTANT_FACTS & group.keys():
                group[name] = parse_instant(group[name])
        yield document


def write(path: Path, count: int, gaps: float) -> None:
    with path.open("w", encoding="utf-8") as file:
        for order in plain_orders(count, SEED, gaps=gaps):
            file.write(json.dumps(plain(facts_of(order)), ensure_ascii=False) + "\n")


def simulate(path: Path, live: Any, draft: Any) -> tuple[dict[str, float], Tally]:
    """Seconds of processor time by step, and the difference; a chunk of orders in memory at a time."""
    took = dict.fromkeys(("reading", "live", "draft", "difference"), 0.0)
    tally = Tally()
    with path.open(encoding="utf-8") as lines:
        while True:
            marks = [time.process_time()]
            facts = list(read(islice(lines, CHUNK)))
            if not facts:
                return took, tally
            marks.append(time.process_time())
            decided = []
            for decide in (live, draft):
                decided.append(list(map(decide, facts)))
                for decision in decided[-1]:
                    decision.actions  # noqa: B018  # may be worked out late
                marks.append(time.process_time())
            for one, other in zip(*decided, strict=True):
                tally.add(one, other)
            marks.append(time.process_time())
            for step, began, ended in zip(took, marks, marks[1:], strict=False):
                took[step] += ended - began


def zen_seconds(rules: list[Rule], count: int) -> float:
    """Processor time of zen-engine's evaluations alone."""
    answer = zen_one(rules)
    took = 0.0
    orders = plain_orders(count, SEED)
    while chunk := list(islice(orders, CHUNK)):
        began = time.process_time()
        for order in chunk:
            answer(order)
        took += time.process_time() - began
    return took


def main() -> int:
    asked = options(__doc__ or "")
    quick = asked.quick or asked.self_check
    rules_count, count = (100, 600 if asked.self_check else 2_000) if quick else (1_000, 100_000)
    heading(f"Draft against live: {rules_count:,} rules, {count:,} orders; one run", SEED)
    rules = make_rules(rules_count, SEED)
    drafted = draft_of(rules)
    rows, tallies, compared, wrong = [], [], 0, 0
    for policy, gaps in CASES:
        sets = our_set(rules, policy), our_set(drafted, policy)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "facts.jsonl"
            write(path, count, gaps)
            took, tally = simulate(path, *map(ours.decider, sets))
            with path.open(encoding="utf-8") as lines:
                few = list(read(islice(lines, CHECKED)))
        compared += 2 * len(few)
        wrong += sum(ours.differences(ruleset, few) for ruleset in sets)
        tallies.append(tally)
        rows.append((f"{policy}, {'gaps' if gaps else 'complete'}", took, tally))
    peak = peak_rss_mb()
    theirs = 0.0
    if installed("zen-engine") and not asked.self_check:
        theirs = zen_seconds(rules, count)
        each = f"{1e6 * theirs / count:.0f} µs an order"
        print(
            f"zen-engine {installed('zen-engine')}, one set, evaluation: {theirs:.2f} s, {each}\n"
        )
    table(
        ["tidegate, s", "reading", "live", "draft", "both", "difference", "changed", "moved",
         "zen for one ÷ both", "wanted"],
        (line(*row, theirs, quick) for row in rows),
    )  # fmt: skip
    print(f"peak RSS {peak:.0f} MB")
    if not all(tally.changed and tally.lost for tally in tallies):
        print("the draft changes nothing: nothing was compared")
        return 1
    return self_check(compared, wrong)


def line(name: str, took: dict[str, float], tally: Tally, theirs: float, quick: bool) -> list[str]:
    both = took["live"] + took["draft"]
    seconds = (took["reading"], took["live"], took["draft"], both, took["difference"])
    counts = f"{tally.changed:,}", f"{sum(tally.moved.values()):,}"
    ratio = theirs / both
    bar = (
        [f"{ratio:.1f}×", f"≥ {WANTED:g}× {judged(ratio, WANTED, quick=quick)}"]
        if theirs
        else ["", ""]
    )
    return [name, *(f"{one:.2f}" for one in seconds), *counts, *bar]


if __name__ == "__main__":
    sys.exit(main())
