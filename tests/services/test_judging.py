"""Live decisions come from the compiled set; the reference watches, takes over, and tells the rest on request."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from tidegate.engine.compiled import Ruling, compile_set
from tidegate.engine.decisions import Decision
from tidegate.engine.reader import read_ruleset
from tidegate.engine.vocabulary import load_vocabulary
from tidegate.errors import InputError
from tidegate.services.chain import advance_many
from tidegate.services.full_traces import with_near
from tidegate.services.judging import Judges
from tidegate.services.view_decisions import decision_view
from tidegate.services.view_order import order_view
from tidegate.store.tables import Decision as Stored
from tidegate.store.tables import RulesetContent

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 11, 4, tzinfo=UTC)
SET = """tidegate: ruleset/1
id: t
gate: review
policy: collect
rules:
  - {id: many, if: [order.quantity > 5], then: [tag: many]}
  - {id: other, if: ['order.channel = "jd"', order.quantity > 50], then: [tag: other]}
"""
FACTS = {"order": {"quantity": 6, "channel": "tmall"}}


@pytest.fixture(scope="module")
def ruleset() -> Any:
    return read_ruleset(SET, load_vocabulary(ROOT / "rules/tidegate_rules/vocabulary.yaml"))


def decide(judges: Judges, ruleset: Any, facts: Any = FACTS) -> Any:
    return judges.decide(ruleset, facts, NOW, "Asia/Shanghai", "CNY")


def test_the_compiled_set_decides_and_a_sample_is_compared(ruleset: Any) -> None:
    drawn = iter([0.5, 0.009, 0.01])
    judges = Judges(share=0.01, chance=lambda: next(drawn))
    for _ in range(3):
        assert isinstance(decide(judges, ruleset), Ruling)
    assert judges.fallen == set()


def test_a_version_that_differs_falls_to_the_reference_with_an_alarm(
    ruleset: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The compiled set is broken on purpose: every rule looks closed."""
    judges = Judges(share=1.0)
    decide(judges, ruleset)
    program = judges._programs[ruleset.hash]
    closed = read_ruleset(SET.replace("> 5", "> 5000"), ruleset.vocabulary)
    monkeypatch.setattr(program, "decide", compile_set(closed).decide)
    with capture_logs() as logs:
        found = decide(judges, ruleset)
    assert isinstance(found, Decision)
    assert [one.main for one in found.actions] == ["many"]
    assert [(log["event"], log["part"]) for log in logs] == [
        ("engine.evaluators_differ", "actions")
    ]
    assert "tmall" not in str(logs)
    assert isinstance(decide(judges, ruleset), Decision)
    assert judges.fallen == {ruleset.hash}


def test_a_compiled_set_that_breaks_stops_no_order(
    ruleset: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **more: object) -> Any:
        raise ZeroDivisionError

    judges = Judges(share=0.0)
    decide(judges, ruleset)
    monkeypatch.setattr(judges._programs[ruleset.hash], "decide", broken)
    with capture_logs() as logs:
        found = decide(judges, ruleset)
    assert [one.main for one in found.actions] == ["many"]
    assert [log["part"] for log in logs] == ["ZeroDivisionError"]


def test_a_wrong_fact_is_refused_and_is_no_defect(ruleset: Any) -> None:
    judges = Judges(share=1.0)
    with pytest.raises(InputError):
        judges.decide(ruleset, {"order": {"quantity": {}}}, NOW, "Nowhere/Else", "CNY")
    assert judges.fallen == set()


def test_a_stored_decision_tells_the_rules_that_matter_and_all_on_request(world: Any) -> None:
    world.stock("KETTLE", 5)
    order_id = world.order(("KETTLE", 1))
    advance_many(world.context, [order_id], "received")
    with world.context.store.begin(world.context.tenant_id) as work:
        stored = work.session.scalars(
            select(Stored).where(Stored.order_id == order_id, Stored.gate == "review")
        ).one()
        kept, total = len(stored.document["rules"]), stored.document["untraced"]
        decision_id = stored.id
    rules = len(world.context.rules.for_gate("review")[0].rules)
    assert kept + total == rules
    assert 0 < kept < rules
    brief = next(d for d in order_view(world.context, order_id).decisions if d.id == decision_id)
    full = next(
        d for d in order_view(world.context, order_id, decision_id).decisions if d.id == decision_id
    )
    assert (len(brief.rules), brief.untraced) == (kept, total)
    assert (len(full.rules), full.untraced) == (rules, 0)
    assert full.headline == brief.headline


def test_a_near_miss_is_kept_short_and_shown_whole(world: Any) -> None:
    world.stock("KETTLE", 5)
    order_id = world.order(("KETTLE", 1))
    advance_many(world.context, [order_id], "received")
    with world.context.store.begin(world.context.tenant_id) as work:
        stored = work.session.scalars(
            select(Stored).where(Stored.order_id == order_id, Stored.gate == "review")
        ).one()
        rows = stored.document["rules"]
        short = {row["id"]: row for row in rows if "near" in row}
        decision_id = stored.id
        whole = with_near(world.context, work.session, stored)
        content = work.session.get_one(RulesetContent, stored.ruleset_hash)
        assert 0 < len(short) < len(rows)
        assert {tuple(row) for row in short.values()} == {("id", "result", "near", "leaves")}
        assert [row["id"] for row in whole["rules"]] == [row["id"] for row in rows]
        for row in whole["rules"]:
            if row["id"] in short:
                kept = short[row["id"]]
                leaf = row["leaves"][kept["near"]]
                assert kept["leaves"] == [{key: leaf[key] for key in ("text", "result")}]
                assert row["title"]
        # its set can't be had any more: what was kept is shown
        stored.ruleset_hash, content.content = "0" * 64, "none"
        with work.session.no_autoflush:
            assert with_near(world.context, work.session, stored) == stored.document
            bare = decision_view(stored)
    lines = {line.id: line for line in bare.rules}
    assert set(short) <= set(lines)
    assert all(len(lines[name].leaves) == 1 for name in short)
    shown = next(d for d in order_view(world.context, order_id).decisions if d.id == decision_id)
    for line in (line for line in shown.rules if line.id in short):
        failed = short[line.id]["leaves"][0]["text"]
        assert [leaf.text for leaf in line.leaves if leaf.first] == [failed]
