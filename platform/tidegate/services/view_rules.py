"""The rule sets in force, as a manager reads them: sentences, named thresholds, lists and the number of tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from sqlalchemy import func, select

from tidegate.engine.cases import discover
from tidegate.engine.language.rendering import literal_text
from tidegate.engine.language.sentences import rule_sentence
from tidegate.engine.reader import read_cases
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.sourced import read_yaml
from tidegate.errors import RuleError
from tidegate.services.context import Context
from tidegate.services.rulebook import Rulebook
from tidegate.services.view_names import Words, action_title, gate_title
from tidegate.store.tables import Decision


@dataclass(frozen=True, slots=True)
class RuleEntry:
    id: str
    title: Words
    why: Words
    sentence: Words
    table: str


@dataclass(frozen=True, slots=True)
class Threshold:
    id: str
    title: Words
    value: str
    low: str
    high: str


@dataclass(frozen=True, slots=True)
class ListEntry:
    id: str
    title: Words
    values: Sequence[str]


@dataclass(frozen=True, slots=True)
class RuleSetEntry:
    """`decisions` counts what the set decided in the last 24 hours, `undecided` those no rule decided."""

    id: str
    title: Words
    gate: str
    gate_title: Words
    policy: str
    short_hash: str
    tests: int
    rules: Sequence[RuleEntry]
    otherwise: Sequence[Words]
    parameters: Sequence[Threshold]
    lists: Sequence[ListEntry]
    decisions: int
    undecided: int


def rule_sets(context: Context) -> list[RuleSetEntry]:
    """Every set in force, in the order of the gates."""
    recent = context.clock() - timedelta(hours=24)
    with context.store.begin(context.tenant_id, readonly=True) as work:
        rows = work.session.execute(
            select(Decision.ruleset_id, Decision.verdict, func.count())
            .where(Decision.decided_at >= recent)
            .group_by(Decision.ruleset_id, Decision.verdict)
        )
        made: dict[str, dict[str, int]] = {}
        for ruleset_id, verdict, count in rows:
            made.setdefault(ruleset_id, {})[verdict] = count
    cases = _cases(context.rules)
    return [
        _entry(ruleset, made.get(ruleset.id, {}), cases.get(ruleset.id, 0))
        for ruleset in context.rules.all()
    ]


def _cases(rules: Rulebook) -> dict[str, int]:
    """Test cases per rule set, those beside the pack included."""
    found = {ruleset.id: len(ruleset.cases) for ruleset in rules.all()}
    for pack in discover(rules.directory):
        if pack.tests is not None:
            written = (pack.ruleset.stat().st_mtime_ns, pack.tests.stat().st_mtime_ns)
            name, count = _beside(pack.ruleset, pack.tests, written)
            found[name] = found.get(name, 0) + count
    return found


@lru_cache(maxsize=500)
def _beside(ruleset: Path, tests: Path, _written: tuple[int, int]) -> tuple[str, int]:
    """Id of a pack and how many cases lie beside it; a file with an error counts none (the page says so above)."""
    try:
        document = read_yaml(ruleset.read_text("utf-8-sig"), ruleset.name).data
        return str(document["id"]), len(read_cases(tests))
    except RuleError:
        return "", 0


def _entry(ruleset: RuleSet, verdicts: dict[str, int], tests: int) -> RuleSetEntry:
    return RuleSetEntry(
        id=ruleset.id,
        title=ruleset.title,
        gate=ruleset.gate,
        gate_title=gate_title(ruleset.gate),
        policy=ruleset.policy,
        short_hash=ruleset.hash[:8],
        tests=tests,
        rules=[
            RuleEntry(
                id=rule.id,
                title=rule.title,
                why=rule.why,
                sentence={lang: rule_sentence(rule, ruleset, lang) for lang in ("zh", "en")},
                table=rule.table,
            )
            for rule in ruleset.rules
        ],
        otherwise=[
            action_title(call.action.id) for stage in ruleset.stages for call in stage.otherwise
        ],
        parameters=[
            Threshold(name, found.title, _said(found.value), _said(found.low), _said(found.high))
            for name, found in ruleset.parameters.items()
        ],
        lists=[
            ListEntry(name, found.title, [_said(value) for value in found.values])
            for name, found in ruleset.lists.items()
        ],
        decisions=sum(verdicts.values()),
        undecided=verdicts.get("none", 0),
    )


def _said(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else literal_text(value)
