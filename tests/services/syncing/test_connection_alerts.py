"""Accounts that fail ring by rules, are told of, can be switched off by a rule, and fall silent when they work."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from server import Fault

from tidegate.services.connection_alerts import watch_connections
from tidegate.services.remotes import accounts
from tidegate.services.rulebook import Rulebook, shipped_rules
from tidegate.services.view_alerts import alert_desk
from tidegate.store.people_tables import SecurityEvent
from tidegate.store.tables import Alert, Decision

HOUR = 3600


def ringing(merchant: Any) -> list[tuple[str, str]]:
    return [(one.kind, one.severity) for one in merchant.all(Alert) if one.state != "resolved"]


def failing_for(merchant: Any, seconds: float) -> None:
    """The shop has answered nothing but 500 for so long."""
    merchant.mall.fail(Fault.DOWN, times=999, api="orders.list")
    merchant.work()
    merchant.clock.forward(seconds)
    watch_connections(merchant.context)


def test_a_shop_that_fails_warns_then_presses_then_is_well_again(merchant: Any) -> None:
    merchant.account()
    merchant.work()
    assert ringing(merchant) == []
    merchant.clock.forward(HOUR)
    failing_for(merchant, 1800)
    assert ringing(merchant) == []
    merchant.clock.forward(60)
    watch_connections(merchant.context)
    assert ringing(merchant) == [("connection_failing", "warning")]
    merchant.clock.forward(2 * HOUR)
    watch_connections(merchant.context)
    assert ("connection_failing", "critical") in ringing(merchant)
    (alert,) = [one for one in merchant.all(Alert) if one.kind == "connection_failing"]
    assert alert.rule_id == "failing"  # who raised it; a later rule made it more pressing
    decisions = [row for row in merchant.all(Decision) if row.gate == "connection"]
    assert {row.subject_key for row in decisions} == {alert.subject_key}
    assert alert.decision_id == decisions[0].id
    before = len(decisions)
    watch_connections(merchant.context)
    assert len([r for r in merchant.all(Decision) if r.gate == "connection"]) == before
    merchant.mall.healed()
    merchant.clock.forward(HOUR)
    merchant.work()
    watch_connections(merchant.context)
    assert [kind for kind, _ in ringing(merchant) if kind == "connection_failing"] == []


def test_refused_credentials_ring_and_the_desk_names_the_account(merchant: Any) -> None:
    merchant.account(secret="another")
    merchant.work()
    watch_connections(merchant.context)
    assert ringing(merchant) == [("credentials_refused", "critical")]
    (group,) = alert_desk(merchant.context).groups
    (line,) = group.lines
    assert (line.connection, line.connection_kind) == ("mall", "account")
    accounts.remove(merchant.context, "mall", "lin")
    assert ringing(merchant) == []


def test_only_the_rules_decide(merchant: Any, tmp_path: Path) -> None:
    """Without the set nothing rings; with one of the merchant's own an account is stopped."""
    folder = tmp_path / "own"
    shutil.copytree(shipped_rules(), folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    shutil.rmtree(folder / "connections")
    merchant.context = replace(merchant.context, rules=Rulebook(folder))
    merchant.account()
    merchant.work()
    merchant.clock.forward(HOUR)
    failing_for(merchant, 5 * HOUR)
    assert ringing(merchant) == []
    (folder / "stop.yaml").write_text(
        "tidegate: ruleset/1\nid: stop\ngate: connection\ntitle: {zh: 停, en: Stop}\n"
        "policy: collect\non_missing: skip\nrules:\n  - id: stop-it\n    title: {zh: 停, en: Stop}\n"
        "    why: test\n    if: [connection.failures >= 1]\n    then: [{switch_off: failing}]\n",
        encoding="utf-8",
    )
    merchant.context = replace(merchant.context, rules=Rulebook(folder))
    watch_connections(merchant.context)
    found = accounts.account(merchant.context, "mall")
    assert (found.state, found.reason) == ("paused", "failing")
    noted = [row for row in merchant.all(SecurityEvent) if row.kind == "connection_paused"]
    assert [(row.actor, row.about) for row in noted] == [("stop-it", "mall")]


@pytest.mark.parametrize("times", [1, 2])
def test_asking_again_changes_nothing(merchant: Any, times: int) -> None:
    merchant.account(secret="another")
    merchant.work()
    for _ in range(times):
        watch_connections(merchant.context)
    assert len(merchant.all(Alert)) == 1
