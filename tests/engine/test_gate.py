"""The publish gate finds a compiled set that says something else, and says where."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tidegate.engine.compiled import columns
from tidegate.engine.gate import agree, changed, pushes
from tidegate.engine.values import Money

NOW = datetime(2026, 11, 11, 4, tzinfo=UTC)
SET = """tidegate: ruleset/1
id: t
gate: review
policy: collect
parameters: {high: {type: money, value: 2000 CNY}}
rules:
  - {id: high, if: [order.total >= high], then: [tag: high]}
  - {id: jd, if: ['order.channel = "jd"'], then: [tag: jd]}
  - {id: fragile, if: [some item in items satisfies item.fragile], then: [tag: fragile]}
  - {id: late, if: [since(order.paid_at) > 24h], then: [tag: late]}
"""
SUBJECTS = [
    ({"order": {"total": "10 CNY", "channel": "tmall", "paid_at": "2026-11-11T00:00:00Z"},
      "items": [{"fragile": False}]}, NOW),
]  # fmt: skip


def test_every_threshold_is_pushed_both_ways_and_to_absence(read: Any) -> None:
    found: dict[str, list[object]] = {}
    for name, value in pushes(read(SET)):
        found.setdefault(name, []).append(value)
    money = [Money(Decimal(n), "CNY") for n in (1999, 2000, 2001)]
    assert found["order.total"] == [*money, None]
    assert found["order.channel"][0] == "jd"
    assert len(found["order.channel"]) == 3
    assert found["item.fragile"] == [False, True, None]
    ages = [value.span for value in found["order.paid_at"] if value is not None]
    assert ages == [timedelta(0), timedelta(hours=24), timedelta(days=2)]
    assert set(found) == {"order.total", "order.channel", "order.paid_at", "item.fragile", "items"}


def test_a_copy_changes_one_fact_and_leaves_the_document_alone(read: Any) -> None:
    ruleset = read(SET)
    facts = SUBJECTS[0][0]
    copy = changed(ruleset, facts, "order.total", Money(Decimal(5), "CNY"))
    assert copy["order"] == {**facts["order"], "total": "5 CNY"}
    assert changed(ruleset, facts, "item.fragile", True)["items"] == [{"fragile": True}]
    assert facts["order"]["total"] == "10 CNY"


def test_a_sound_draft_passes(read: Any) -> None:
    report = agree(read(SET), SUBJECTS)
    assert report.passed
    assert (report.real, report.mutated) == (1, 15)


def test_without_subjects_nothing_is_shown(read: Any) -> None:
    report = agree(read(SET), [])
    assert (report.real, report.mutated, report.passed) == (0, 0, False)


def test_a_wrong_index_is_found_by_the_changed_copies(
    read: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A defect put in on purpose: the table of amounts takes every amount for the lowest."""
    monkeypatch.setattr(columns.OrderedTable, "region", lambda self, value: 0)
    real = columns.ordered_table

    def wrong(column: Any, currency: str = "") -> Any:
        table = real(column, currency)
        table.open[:] = [table.open[0]] * len(table.open)
        return table

    monkeypatch.setattr("tidegate.engine.compiled.emit.ordered_table", wrong)
    report = agree(read(SET), SUBJECTS)
    assert not report.passed
    assert {failure.fact for failure in report.failures} == {"order.total"}


def test_the_shipped_packs_pass_the_gate(vocabulary: Any) -> None:
    from tidegate.engine.cases import discover, load_pack
    from tidegate.engine.values import parse_instant

    root = Path(__file__).parents[2] / "rules" / "tidegate_rules"
    judged = 0
    for pack in discover(root):
        ruleset, cases = load_pack(pack, vocabulary)
        subjects = [(case.given, parse_instant(case.at) if case.at else NOW) for case in cases]
        report = agree(ruleset, subjects)
        assert report.passed, (ruleset.id, report.failures[:2])
        judged += report.real + report.mutated
    assert judged > 300
