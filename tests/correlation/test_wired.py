"""The platform asks durable-rules for the patterns of its packs, and says the same with and without it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tidegate.bootstrap import open_context, pattern_search
from tidegate.correlation.correlator import Correlator
from tidegate.errors import ConfigError
from tidegate.services.judging import Judges
from tidegate.settings import Settings

NOW = datetime(2026, 11, 14, 4, tzinfo=UTC)


def scans(*states: str) -> dict[str, Any]:
    first = NOW - timedelta(hours=len(states))
    events = [{"at": first + timedelta(hours=n), "state": s} for n, s in enumerate(states)]
    return {"parcel": {"state": "in_transit"}, "scans": events}


def kinds(judges: Judges, ruleset: Any, facts: dict[str, Any]) -> list[str]:
    found = judges.decide(ruleset, facts, NOW, "Asia/Shanghai", "CNY")
    return [str(one.args["kind"]) for one in found.actions if one.action == "raise"]


@pytest.fixture
def settings(tmp_path: Path, chosen_url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("TIDEGATE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("TIDEGATE_DATABASE_URL", chosen_url)
    return Settings.from_environment(None)


def test_an_opened_platform_searches_patterns_with_durable_rules(settings: Settings) -> None:
    context = open_context(replace(settings, patterns="durable"), carriers={})
    correlator = context.judges._match
    assert isinstance(correlator, Correlator)
    ruleset = next(
        r for r in context.rules.for_gate("alert") if "false-signature" in {x.id for x in r.rules}
    )
    ours = Judges(share=0.0)
    with correlator:
        assert correlator.start(), correlator.counts
        for states in (("in_transit", "delivered", "in_transit"), ("in_transit", "delivered")):
            facts = scans(*states)
            assert kinds(context.judges, ruleset, facts) == kinds(ours, ruleset, facts)
        assert kinds(context.judges, ruleset, scans("delivered", "in_transit")) == [
            "false_signature"
        ]
        assert correlator.counts["answered"] > 0
    context.store.engine.dispose()


def test_our_matcher_alone_is_a_setting(settings: Settings) -> None:
    assert pattern_search(replace(settings, patterns="own")) is None
    with pytest.raises(ConfigError) as caught:
        pattern_search(replace(settings, patterns="rete"))
    assert "rete" in caught.value.text("zh")
