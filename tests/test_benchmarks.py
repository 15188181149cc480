"""The engine's benchmarks run, and what they time is right. No figure is asserted here, and no peer is needed."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks" / "engine"
SCRIPTS = sorted(
    p.name for p in FOLDER.glob("*.py") if "return self_check(" in p.read_text("utf-8")
)
CLOSING = re.compile(r"^self-check: (\d+) compared, (\d+) wrong$", re.M)


@pytest.fixture
def generators(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ModuleType, ModuleType]]:
    """The benchmarks' own `orders` and `rulesets`."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(FOLDER))
    import orders
    import rulesets

    yield orders, rulesets
    for name in set(sys.modules) - before:
        if name in ("orders", "rulesets"):
            del sys.modules[name]


def test_there_is_a_script_for_each_promise() -> None:
    assert SCRIPTS == [
        "checker.py",
        "cold.py",
        "explain.py",
        "memory.py",
        "peers.py",
        "simulation.py",
    ]


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_answers_a_benchmark_times_are_right(script: str) -> None:
    command = [sys.executable, str(FOLDER / script), "--quick", "--self-check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    found = CLOSING.search(done.stdout)
    assert found, done.stdout + done.stderr
    assert int(found[1]) >= 3
    assert (int(found[2]), done.returncode) == (0, 0), done.stdout


def test_a_seed_gives_one_set_of_rules_of_all_eighteen_kinds(
    generators: tuple[ModuleType, ModuleType],
) -> None:
    _, rulesets = generators
    rules = rulesets.make_rules(200, 7)
    assert rules == rulesets.make_rules(200, 7)
    assert rules != rulesets.make_rules(200, 8)
    assert len(set(rules)) == 200
    assert {len(rule) for rule in rules} == {3, 4}
    kinds = {(test.op, test.field) for rule in rules for test in rule}
    assert len(kinds) == len(rulesets.kinds(spread=False)) == 18


def test_two_or_three_of_a_thousand_rules_match_an_order(
    generators: tuple[ModuleType, ModuleType],
) -> None:
    orders, rulesets = generators
    rules = rulesets.make_rules(1_000, 7)
    seen = list(orders.plain_orders(200, 99))  # other orders than those the rules were chosen by
    matches = sum(
        all(rulesets.holds(test, order) for test in rule) for order in seen for rule in rules
    )
    assert len(seen) == 200
    assert 2 <= matches / len(seen) <= 3


def test_orders_with_gaps_are_the_same_orders_with_values_left_out(
    generators: tuple[ModuleType, ModuleType],
) -> None:
    orders, _ = generators
    whole = list(orders.plain_orders(500, 7))
    gapped = list(orders.plain_orders(500, 7, gaps=orders.GAPS))
    assert {len(order) for order in whole} == {len(orders.FACTS) + 1}  # 21 fields and the lines
    assert orders.share_with_gaps(whole) == 0
    assert 0.4 < orders.share_with_gaps(gapped) < 0.6
    for one, other in zip(whole, gapped, strict=True):
        assert all(one[name] == value for name, value in other.items() if name != "items")
        pairs = zip(one["items"], other["items"], strict=True)
        assert all(line.items() >= rest.items() for line, rest in pairs)


def test_a_plain_order_becomes_the_facts_the_product_builds(
    generators: tuple[ModuleType, ModuleType],
) -> None:
    from datetime import UTC, datetime
    from decimal import Decimal

    from tidegate.engine.values import Money

    orders, _ = generators
    plain = next(orders.plain_orders(1, 7)) | {
        "total": 26_805,
        "ordered_at": "2026-11-11T00:00:12+00:00",
    }
    del plain["flag"]
    facts = orders.facts_of(plain)
    assert facts["order"]["total"] == Money(Decimal("268.05"), "CNY")
    assert facts["order"]["ordered_at"] == datetime(2026, 11, 11, 0, 0, 12, tzinfo=UTC)
    assert "seller_flag" not in facts["order"]
    assert set(facts) == {"order", "payment", "recipient", "items"}
    assert set(facts["items"][0]) == {
        "sku", "title", "category", "quantity", "unit_price", "weight_g", "available", "fragile",
    }  # fmt: skip


STARTS = """
import pathlib, runpy, sys
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.py")):
    sys.path[:] = [p for p in sys.path if not p.startswith(sys.argv[1])]
    runpy.run_path(str(path), run_name="not_main")
    print(path.name)
"""


def test_every_benchmark_starts_as_make_bench_starts_it() -> None:
    """With `-I` the script's own folder is not on the path; nothing else runs them in CI."""
    folder = FOLDER.parent
    done = subprocess.run(
        [sys.executable, "-I", "-c", STARTS, str(folder)],
        capture_output=True, text=True, timeout=120, check=False, cwd=folder.parent,
    )  # fmt: skip
    wanted = sorted(path.name for path in folder.glob("*.py"))
    assert len(wanted) > 10
    assert (done.stdout.split(), done.returncode) == (wanted, 0), done.stderr
