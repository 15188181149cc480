"""Subjects compared here and in a process apart come out alike."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tidegate.engine.compiled import compile_set
from tidegate.engine.reader import read_ruleset
from tidegate.engine.vocabulary import load_vocabulary
from tidegate.services.rulebook import shipped_rules
from tidegate.simulation.comparing import Asked, Terms, compare_all
from tidegate.simulation.pool import Versions

NOW = datetime(2026, 11, 11, tzinfo=UTC)
TERMS = Terms("routing", "Asia/Shanghai", "CNY")
SET = """\
tidegate: ruleset/1
id: own
gate: routing
title: {{zh: 自定, en: Own}}
policy: first
on_missing: hold
otherwise: [{{hold: {{reason: no_rule_decided, queue: manual_review}}}}]
rules:
  - {{id: heavy, title: {{zh: 重, en: Heavy}}, why: x, if: ['parcel.weight_g > {limit}'], then: [{{use_service: {{service: SF.standard}}}}]}}
  - {{id: light, title: {{zh: 轻, en: Light}}, why: x, if: ['parcel.weight_g > 0'], then: [{{choose: {{by: cheapest}}}}]}}
"""


def versions() -> Versions:
    vocabulary = (shipped_rules() / "vocabulary.yaml").read_text("utf-8")
    known = load_vocabulary(vocabulary + "\n")
    live, draft = SET.format(limit=2000), SET.format(limit=1000)
    programs = [compile_set(read_ruleset(text + "\n", known)) for text in (live, draft)]
    return Versions(programs[0], programs[1], (live, draft), (vocabulary, vocabulary))


def facts(weight_g: int, sf: bool = True) -> dict[str, Any]:
    quotes = [{"service": "ZTO.standard", "carrier": "ZTO", "cost": "6.40 CNY", "transit": "48h",
               "zone": "1", "meets_promise": True}]  # fmt: skip
    if sf:
        quotes.append({**quotes[0], "service": "SF.standard", "carrier": "SF", "cost": "12.00 CNY"})
    return {"parcel": {"weight_g": weight_g}, "quotes": quotes}


def test_the_service_its_price_and_the_rule_are_found() -> None:
    asked = [Asked(one, NOW) for one in (facts(500), facts(1500), facts(1500, sf=False), facts(0))]
    ((_, found),) = compare_all(versions(), [("", asked)], TERMS)
    light, moved, lost, nothing = found
    assert (light.before.outcome, light.changed) == ("service:ZTO.standard", False)
    assert (moved.before.outcome, moved.after.outcome) == (
        "service:ZTO.standard", "service:SF.standard",
    )  # fmt: skip
    assert moved.before.cost == (Decimal("6.40"), "CNY")
    assert moved.after.cost == (Decimal("12.00"), "CNY")
    assert moved.rules == ("heavy", "light")
    assert (lost.after.outcome, lost.after.held) == ("hold", True)  # SF can't take this one
    assert (nothing.before.outcome, nothing.before.undecided) == ("hold", True)
    assert not nothing.changed


def test_a_process_apart_says_the_same_in_the_same_order() -> None:
    chunks = [
        (n, [Asked(facts(weight), NOW) for weight in range(n * 700, n * 700 + 50)])
        for n in range(5)
    ]
    here = list(compare_all(versions(), chunks, TERMS))
    there = list(compare_all(versions(), chunks, TERMS, apart=True))
    assert here == there
    assert [n for n, _ in there] == [0, 1, 2, 3, 4]
    # between 1,000 and 2,000 g the draft differs: all of 1,400 to 1,449 and nothing else
    assert [sum(one.changed for one in found) for _, found in here] == [0, 0, 50, 0, 0]
