"""`tidegate rules explain` and `rules next`: what they print, and their exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tidegate.cli.rules import rules

SET = """tidegate: ruleset/1
id: t
gate: review
policy: priority
severity: [hold, approve]
otherwise: [hold: {reason: no_rule_decided}]
parameters: {high: {type: money, value: 2000 CNY}}
lists: {remote: [西藏, 新疆]}
rules:
  - {id: ok, if: [recipient.phone_valid = true], then: [approve]}
  - {id: remote, if: [recipient.province in remote, order.total >= high], then: [hold: {reason: remote}]}
  - {id: late, if: [since(order.paid_at) > 24h], then: [hold: {reason: late}]}
"""
AT = ("--now", "2026-11-11T12:00:00+08:00")
FACTS = {
    "order": {"total": "2500 CNY", "paid_at": "2026-11-11T09:00:00+08:00"},
    "recipient": {"province": "西藏", "phone_valid": True},
}


@pytest.fixture
def ask(tmp_path: Path) -> Any:
    (tmp_path / "t.yaml").write_text(SET, "utf-8")

    def run(command: str, *more: str, facts: Any = None, lang: str = "en") -> Any:
        (tmp_path / "f.json").write_text(json.dumps(FACTS if facts is None else facts), "utf-8")
        arguments = [command, str(tmp_path / "t.yaml"), "--facts", str(tmp_path / "f.json"), *more]
        return CliRunner().invoke(rules, arguments, env={"TIDEGATE_LANGUAGE": lang})

    return run


def test_the_changes_are_minimal_and_nearest_first(ask: Any) -> None:
    result = ask("explain", "--want", "approve", *AT, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    changes = document["changes"]
    assert document["complete"] is True
    assert [[one["fact"] for one in way] for way in changes] == [["recipient.province"]]
    assert changes[0][0]["from"] == "西藏"
    assert changes[0][0]["to"] not in ("西藏", "新疆")


def test_why_not_and_near_misses_carry_the_values_read(ask: Any) -> None:
    document = json.loads(ask("explain", "--want", "approve", *AT, "--json").stdout)
    assert document["fired"] == ["ok", "remote"]
    stopped = {one["rule"]: one for one in document["why_not"]}
    assert (stopped["ok"]["cause"], stopped["ok"]["by"], stopped["ok"]["reason"]) == (
        "overridden", "remote", "severity",
    )  # fmt: skip
    assert "order.paid_at" in stopped["late"]["leaf"]["values"]
    assert stopped["late"]["leaf"]["result"] is False
    assert [one["rule"] for one in document["near_misses"]] == ["late"]


def test_an_outcome_that_holds_needs_no_change(ask: Any) -> None:
    document = json.loads(ask("explain", "--want", "hold:remote", *AT, "--json").stdout)
    assert (document["holds"], document["changes"]) == (True, [])


def test_no_way_is_exit_code_one(ask: Any) -> None:
    result = ask("explain", "--want", "reject", *AT, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["changes"] == []


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_an_unknown_outcome_is_refused_with_what_there_is(ask: Any, lang: str) -> None:
    result = ask("explain", "--want", "aprove", *AT, lang=lang)
    assert result.exit_code == 2
    assert "approve" in result.output


def test_the_sentences_speak_both_languages(ask: Any) -> None:
    assert "把收件人.省份从“西藏”改为" in ask("explain", "--want", "approve", *AT, lang="zh").output
    assert "Change recipient.province" in ask("explain", "--want", "approve", *AT).output


def test_next_is_one_microsecond_after_a_strict_threshold(ask: Any) -> None:
    document = json.loads(ask("next", *AT, "--json").stdout)
    assert document == {"at": "2026-11-12T09:00:00.000001+08:00"}
    later = ("--now", "2026-11-13T12:00:00+08:00")
    assert json.loads(ask("next", *later, "--json").stdout) == {"at": None}


def test_several_objects_are_refused(ask: Any) -> None:
    result = ask("next", *AT, facts=[FACTS, FACTS])
    assert result.exit_code == 2
    assert "2 objects" in result.output


def test_mutants_and_proposals_are_printed(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(SET, "utf-8")
    run = lambda *words: CliRunner().invoke(rules, [*words, str(tmp_path / "t.yaml")])  # noqa: E731
    found = json.loads(run("mutants", "--json").stdout)
    assert found["tried"] == len(found["mutants"]) > 5
    assert {"rule", "what", "from", "to", "message", "witness"} == set(found["mutants"][0])
    proposed = run("propose")
    assert proposed.exit_code == 0
    (tmp_path / "t.yaml").write_text(SET + proposed.stdout, "utf-8")
    tested = run("test", "--json")
    assert tested.exit_code == 0, tested.output
    assert json.loads(tested.stdout)["passed"] >= 5
