"""Decisions per second: Tidegate against other rule engines, on the same generated rules and orders.

    .venv-bench/bin/python benchmarks/engine/peers.py [--quick] [--spread] [--pile] [--repeat N] [--only NAME …]

Every engine runs in a process of its own and gets the rules in its own language, in the form that is fastest there
(forms.py). Before it is timed its answers to the first orders are compared with our reference evaluator. Peers get
complete orders only, for they know no third truth value; ours is also timed with 5 % of the values missing.
"""

from __future__ import annotations

import argparse
import json
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import one
import ours
from forms import FORMS
from measuring import BATCH, ROUNDS, Figure, heading, installed, judged, number, self_check, table
from one import CHECKED, OURS, REFERENCE, Workload
from orders import GAPS, SEED, facts_of, plain_orders, share_with_gaps
from rulesets import make_rules, our_set

SIZES = (10, 100, 1_000, 5_000)
ORDERS = 50_000
COMPARED = 60
SECONDS = 0.5
LIMIT_S = 300
BASE = "collect"


@dataclass(frozen=True)
class Bar:
    size: int
    peer: str
    wanted: float


BARS = (
    Bar(1_000, "zen-engine", 20),
    Bar(1_000, "durable-rules", 15),
    Bar(1_000, "business-rules", 100),
    Bar(1_000, "json-logic", 100),
    Bar(1_000, "rule-engine", 100),
    Bar(10, "zen-engine", 4),
)
SMALL, BIG, GROWTH = 1_000, 5_000, 2.0
Results = dict[tuple[str, int], dict[str, Any]]


def workload(size: int, orders: int, *, spread: bool = False, batch: int = BATCH) -> Workload:
    """The same for the same seed, size and number of orders."""
    rules = make_rules(size, SEED, spread=spread)
    complete = list(plain_orders(orders, SEED))
    decide = ours.reference(our_set(rules))
    matching = [ours.fired(decide(facts_of(order))) for order in complete[:COMPARED]]
    gapped = list(plain_orders(orders, SEED, gaps=GAPS))
    return Workload(rules, complete, gapped, matching, batch)


def run(name: str, path: Path, seconds: float, rounds: int) -> dict[str, Any]:
    """The contestant's figures, or what became of it under `error`."""
    command = [sys.executable, one.__file__, name, str(path), str(seconds), str(rounds)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return {"error": f"no answer in {LIMIT_S} s"}
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"ended with {done.returncode}"]
        return {"error": last[0]}
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measure(
    sizes: Sequence[int],
    names: Sequence[str],
    orders: int,
    seconds: float,
    rounds: int,
    spread: bool,
    batch: int,
    repeat: int,
) -> list[Results]:
    """The figures of each repetition; a peer and ours are measured minutes apart, not hours."""
    results: list[Results] = [{} for _ in range(repeat)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "workload.pickle"
        for size in sizes:
            began = time.perf_counter()
            work = workload(size, orders, spread=spread, batch=batch)
            path.write_bytes(pickle.dumps(work))
            described(size, work)
            for found in results:
                for name in names:
                    found[name, size] = run(name, path, seconds, rounds)
            print(f"  {time.perf_counter() - began:.0f} s on the wall", file=sys.stderr)
    print()
    return results


def described(size: int, work: Workload) -> None:
    conditions = len({test for rule in work.rules for test in rule})
    matching = sum(map(len, work.matching)) / len(work.matching)
    print(
        f"{size:,} rules: {conditions} distinct conditions, {matching:.1f} rules match an order, "
        f"{share_with_gaps(work.gapped):.0%} of the orders with gaps lack something"
    )


# tables


def label(name: str) -> str:
    if name not in FORMS:
        return f"tidegate, {name}"
    return f"{FORMS[name].package} {installed(FORMS[name].package)}: {FORMS[name].about}"


def cells(results: Results, name: str, sizes: Sequence[int]) -> Iterator[str]:
    """For each size: decisions a second with their spread, and how many times ours is faster."""
    for size in sizes:
        found = results[name, size]
        if "error" in found:
            yield from ("-", "", "")
            continue
        figure = as_figure(found)
        base = results.get((BASE, size), {})
        ratio = found["median"] / base["median"] if "median" in base else 0
        yield from (number(figure.per_second), figure.spread, f"{ratio:.1f}×" if ratio else "")


def as_figure(found: dict[str, Any]) -> Figure:
    return Figure(found["median"], found["low"], found["high"])


def print_tables(results: Results, names: Sequence[str], sizes: Sequence[int]) -> None:
    head = [f"decisions per CPU second; × = time in units of tidegate, {BASE}"]
    for size in sizes:
        head += [f"{size:,} rules", "spread", "×"]
    table(head, ([label(name), *cells(results, name, sizes)] for name in names))
    size = 1_000 if 1_000 in sizes else sizes[-1]
    table(
        [f"{size:,} rules", "p50 µs", "p99 µs", "compile ms", "compiled MB", "compared", "wrong"],
        (detail(results[name, size], name) for name in names),
    )
    for (name, at), found in results.items():
        if "error" in found:
            print(f"{label(name)} at {at:,} rules: {found['error']}")


def detail(found: dict[str, Any], name: str) -> list[str]:
    if "error" in found:
        return [label(name), *["-"] * 6]
    return [
        label(name),
        f"{found['p50_us']:.1f}",
        f"{found['p99_us']:.1f}",
        number(found["compile_s"] * 1_000),
        f"{found['compiled_mb']:.1f}",
        str(found["compared"]),
        str(found["wrong"]),
    ]


def print_bars(results: Sequence[Results]) -> None:
    """Each bar against ours in every way it is measured, the median of the repetitions; the first column is what
    peers do too."""
    rows = [
        [
            f"{bar.size:,} rules: {bar.peer}, its best form",
            f"≥ {bar.wanted:g}×",
            *(against(results, bar, name) for name in OURS),
        ]
        for bar in BARS
    ]
    rows.append(
        [
            f"cost of a decision, {BIG:,} rules to {SMALL:,}",
            f"≤ {GROWTH:g}×",
            *(growth(results, name) for name in OURS),
        ]
    )
    table(["bars", "wanted", *OURS], rows)


def against(results: Sequence[Results], bar: Bar, name: str) -> str:
    pairs = [(best(one, bar.peer, bar.size), median(one, name, bar.size)) for one in results]
    ratios = [theirs / took for theirs, took in pairs if theirs and took]
    if not ratios:
        return "-"
    ratio = statistics.median(ratios)
    return f"{ratio:.1f}× {judged(ratio, bar.wanted)}"


def growth(results: Sequence[Results], name: str) -> str:
    pairs = [(median(one, name, BIG), median(one, name, SMALL)) for one in results]
    ratios = [big / small for big, small in pairs if big and small]
    if not ratios:
        return "-"
    ratio = statistics.median(ratios)
    return f"{ratio:.2f}× {judged(ratio, GROWTH, most=True)}"


def median(results: Results, name: str, size: int) -> float | None:
    """Seconds a decision, if that was measured."""
    return results.get((name, size), {}).get("median")


def best(results: Results, peer: str, size: int) -> float | None:
    """Seconds a decision of the peer's fastest form."""
    forms = [name for name, form in FORMS.items() if form.peer == peer]
    found = [took for name in forms if (took := median(results, name, size)) is not None]
    return min(found, default=None)


def wrong_in(results: Results) -> tuple[int, int]:
    good = [found for found in results.values() if "error" not in found]
    return sum(found["compared"] for found in good), sum(found["wrong"] for found in good)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Tidegate against other rule engines")
    parser.add_argument(
        "--quick", action="store_true", help="10 and 100 rules; figures mean little"
    )
    parser.add_argument("--self-check", action="store_true", help="check answers, without peers")
    parser.add_argument("--spread", action="store_true", help="almost every threshold different")
    parser.add_argument(
        "--pile", action="store_true", help="make all orders first: each is out of the cache again"
    )
    parser.add_argument(
        "--repeat", type=int, default=1, metavar="N", help="bars are the median of N times"
    )
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these contestants")
    parser.add_argument("--sizes", nargs="+", type=int, default=[], metavar="N", help="rules")
    return parser.parse_args()


def main() -> int:
    asked = options()
    quick = asked.quick or asked.self_check
    heading("Tidegate against other rule engines", SEED)
    names = list(OURS) if asked.self_check else [*OURS, CHECKED, REFERENCE, *FORMS]
    names = [name for name in names if not asked.only or name in asked.only]
    sizes = asked.sizes or ((50,) if asked.self_check else (10, 100) if quick else SIZES)
    runs = measure(
        sizes,
        names,
        200 if asked.self_check else 2_000 if quick else ORDERS,
        0.02 if quick else SECONDS,
        3 if quick else ROUNDS,
        asked.spread,
        0 if asked.pile else BATCH,
        asked.repeat,
    )
    print_tables(runs[-1], names, sizes)
    compared, wrong = (sum(counts) for counts in zip(*map(wrong_in, runs), strict=True))
    if not quick:
        print_bars(runs)
    failed = sum("error" in result for result in runs[0].values()) if asked.self_check else 0
    return self_check(compared, wrong + failed)


if __name__ == "__main__":
    sys.exit(main())
