"""The checker on a table of 200 rows and on 1,000 rules.

    .venv-bench/bin/python benchmarks/engine/checker.py [--quick]

The table has three rows that a checker must find: one equal to an earlier row, one inside an earlier row, and one that
two earlier rows cover only together. Until it finds them its time is not judged.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterable, Sequence

from measuring import figure, heading, judged, options, self_check, table, timed
from orders import SEED, places
from rulesets import make_rules, our_set, vocabulary

from tidegate.engine.checking import Finding, check
from tidegate.engine.reader import read_ruleset
from tidegate.engine.rulesets import RuleSet

INPUTS = ("parcel.goods_value", "parcel.weight_g", "recipient.province", "parcel.same_city")
SERVICES = ("SF.standard", "ZTO.standard", "YTO.standard", "EMS.parcel", "INTRACITY.instant")
TABLE_BAR_S = 0.3
RULES_BAR_S = 10.0
# each placed below the rows that make it useless
PLANTED = {
    "equal": ["[100 CNY..200 CNY)", "< 1000", '"浙江省"', "true"],
    "inside": ["[120 CNY..150 CNY)", "[200..500)", '"浙江省"', "true"],
    "jointly": ["[500 CNY..900 CNY)", "< 2000", '"江苏省"', "-"],
}
PLANTED_ABOVE = {
    "above": ["[100 CNY..200 CNY)", "< 1000", '"浙江省"', "true"],
    "left": ["[400 CNY..700 CNY)", "< 2000", '"江苏省"', "-"],
    "right": ["[700 CNY..1000 CNY)", "< 2000", '"江苏省"', "-"],
}


def carrier_table(rows: int, seed: int = SEED) -> RuleSet:
    """A table of `rows` rows under `first`, its last row for everything else."""
    pick = random.Random(seed)
    provinces = list(dict.fromkeys(province for province, _ in places()))
    body = [(f"row-{n}", _cells(pick, provinces)) for n in range(rows - 7)]
    written = [*PLANTED_ABOVE.items(), *body, *PLANTED.items(), ("rest", ["-"] * len(INPUTS))]
    return read_ruleset(
        {
            "tidegate": "ruleset/1",
            "id": "carrier-table",
            "gate": "routing",
            "title": {"zh": "选快递", "en": "Carrier"},
            "policy": "first",
            "tables": [
                {
                    "id": "carrier",
                    "title": {"zh": "选快递", "en": "Carrier"},
                    "policy": "first",
                    "inputs": list(INPUTS),
                    "outputs": ["use_service"],
                    "rows": [
                        {"id": name, "when": cells, "then": [SERVICES[n % len(SERVICES)]]}
                        for n, (name, cells) in enumerate(written)
                    ],
                }
            ],
        },
        vocabulary(),
    )


def _cells(pick: random.Random, provinces: Sequence[str]) -> list[str]:
    """One to three provinces; a range of value or weight or both; same city, not, or both."""
    value, weight = pick.randrange(0, 3_000, 50), pick.randrange(0, 20_000, 500)
    dear = f">= {value} CNY" if pick.random() < 0.15 else f"[{value} CNY..{value + 250} CNY)"
    heavy = f"< {weight + 500}" if pick.random() < 0.15 else f"[{weight}..{weight + 2_000})"
    cells = pick.choice(((dear, heavy), (dear, heavy), (dear, "-"), ("-", heavy)))
    some = ", ".join(f'"{name}"' for name in pick.sample(provinces, pick.randint(1, 3)))
    return [*cells, some, pick.choice(("true", "false", "-"))]


def found_planted(findings: Iterable[Finding]) -> set[str]:
    """Planted rows that are found fault with, other than by a complaint about a sound row too."""
    findings = list(findings)
    everyones = {finding.code for finding in findings if finding.where == "carrier.above"}
    faulty = {finding.where for finding in findings if finding.code not in everyones}
    return {row for row in PLANTED if f"carrier.{row}" in faulty}


def main() -> int:
    asked = options(__doc__ or "")
    quick = asked.quick or asked.self_check
    rows_count, rules_count, rounds = (40, 60, 1) if quick else (200, 1_000, 3)
    heading(f"Checker; median of {rounds}", SEED)
    rows, planted = [], set()
    for name, ruleset, bar in (
        (f"table of {rows_count} rows", carrier_table(rows_count), TABLE_BAR_S),
        (f"{rules_count:,} rules", our_set(make_rules(rules_count), "priority"), RULES_BAR_S),
    ):
        runs = [timed(lambda ruleset=ruleset: check(ruleset)) for _ in range(rounds)]  # type: ignore[misc]
        took, findings = figure([seconds for seconds, _ in runs]), runs[0][1]
        planted |= found_planted(findings)
        common = ", ".join(f"{c} {n}" for c, n in Counter(f.code for f in findings).most_common(4))
        wanted = f"< {bar:g} s {judged(took.median, bar, most=True, quick=quick or len(planted) < len(PLANTED))}"
        rows.append([name, f"{1_000 * took.median:,.0f}", took.spread, wanted, common])
    table(["checked", "ms", "spread", "wanted", "findings"], rows)
    print(f"planted rows found: {', '.join(sorted(planted)) or 'none'} of {', '.join(PLANTED)}")
    return self_check(len(PLANTED), len(PLANTED) - len(planted))


if __name__ == "__main__":
    sys.exit(main())
