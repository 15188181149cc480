"""What most engine tests need: the shipped vocabulary and short ways to read and decide."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tidegate.engine.decisions import Decision
from tidegate.engine.evaluation import Context
from tidegate.engine.facts import Facts
from tidegate.engine.language.binding import Scope, bind
from tidegate.engine.language.parser import parse
from tidegate.engine.language.types import list_of, of_fact
from tidegate.engine.reader import read_ruleset
from tidegate.engine.reference import evaluate
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.vocabulary import Vocabulary, load_vocabulary

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(Path(__file__).parent))  # so that tests here can import strategies
NOON = datetime.fromisoformat("2026-11-11T12:00:00+08:00")
Ask = Callable[..., object]
Decide = Callable[..., Decision]
Read = Callable[[str], RuleSet]


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    return load_vocabulary(ROOT / "rules" / "tidegate_rules" / "vocabulary.yaml")


@pytest.fixture(scope="session")
def read(vocabulary: Vocabulary) -> Read:
    return lambda text: read_ruleset(text, vocabulary)


@pytest.fixture(scope="session")
def decide(read: Read) -> Decide:
    def run(text: str, facts: Mapping[str, Any], now: datetime = NOON, **options: Any) -> Decision:
        return evaluate(read(text), facts, now, **options)

    return run


@pytest.fixture(scope="session")
def ask(vocabulary: Vocabulary) -> Ask:
    """The value of one expression on facts; a type problem fails the test."""

    def run(text: str, facts: Mapping[str, Any] | None = None, now: datetime = NOON) -> object:
        scope = Scope(
            vocabulary,
            parameters={"high": of_fact("money"), "window": of_fact("duration")},
            lists={"remote": list_of(of_fact("text"))},
        )
        node, _, problems = bind(parse(text), scope)
        assert not problems, [problem.en for problem in problems]
        from tidegate.engine import clock
        from tidegate.engine.values import parse_duration, parse_money

        context = Context(
            Facts(facts or {}, vocabulary, {}),
            now,
            clock.zone("Asia/Shanghai"),
            {"high": parse_money("2000 CNY"), "window": parse_duration("24h")},
            {"remote": ("新疆", "西藏")},
            {},
            vocabulary.calendars,
        )
        value = context.value(node)
        return int(value) if isinstance(value, Decimal) and value == value.to_integral() else value

    return run
