"""What would change it: as it is said to people, and questions that have no answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from tidegate.engine.changes import changes
from tidegate.engine.compiled import compile_set
from tidegate.engine.reader import read_ruleset
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.vocabulary import Vocabulary

NOON = datetime.fromisoformat("2026-11-11T12:00:00+08:00")
Read = Callable[[str], RuleSet]
SHIPPED = Path(__file__).parents[2] / "rules" / "tidegate_rules"


def test_values_are_said_by_their_names_and_given_as_codes(read: Read) -> None:
    ruleset = read(
        """
tidegate: ruleset/1
id: flags
gate: review
policy: first
otherwise: [approve]
on_missing: skip
rules:
  - {id: red, if: ['order.seller_flag = "red"'], then: [hold: {reason: seller_flag}]}
"""
    )
    answer = changes(ruleset, {"order": {"seller_flag": "green"}}, NOON, "hold")
    assert answer.as_document("zh")["sentences"] == ["把订单.旗帜从“绿旗”改为“红旗”即可。"]
    assert answer.as_document("en")["sentences"] == [
        "Change order.seller_flag from “green” to “red”."
    ]
    assert answer.as_document()["changes"] == [
        [{"fact": "order.seller_flag", "from": "green", "to": "red"}]
    ]


def test_that_nobody_can_undo_a_hold_is_seen_without_trying_everything(
    vocabulary: Vocabulary,
) -> None:
    """Only facts from elsewhere speak against the order; the search once tried 20,000 states."""
    ruleset = read_ruleset((SHIPPED / "review" / "review.yaml").read_text("utf-8"), vocabulary)
    facts = {
        "order": {"kind": "normal", "total": "100 CNY", "source_status": "to_ship"},
        "payment": {"status": "unpaid", "method": "online"},
        "recipient": {"address_check": "deliverable", "phone_valid": True},
        "items": [{"quantity": 1, "available": 3}],
    }
    decide = compile_set(ruleset).decide
    answer = changes(ruleset, facts, NOON, "!hold", decide=lambda given: decide(given, NOON))
    assert (answer.holds, answer.total, answer.complete) == (False, 0, True)
