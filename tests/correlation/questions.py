"""Questions to a matcher of patterns: a pattern and an episode, ready to be put."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import localcontext
from typing import Any

from random_patterns import VOCABULARY, opened, sequence_of

from tidegate.correlation.sealing import Sealed, seal
from tidegate.engine.evaluation import Context
from tidegate.engine.language import tree
from tidegate.engine.patterns.matcher import Match, Matcher, match
from tidegate.engine.reader import read_ruleset
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.values import EXACT

FIND = [{"one": "flag"}, {"two": 'state = "b" and amount > one.amount'}]


def a_set(find: Sequence[dict[str, str]] = FIND, within: str = "", **more: Any) -> RuleSet:
    """A set of one rule with one pattern over events."""
    pattern = {"over": "events", "find": list(find), **({"within": within} if within else {})}
    document = {
        "tidegate": "ruleset/1", "id": "p", "gate": "gate", "policy": "collect",
        "parameters": {"limit": {"type": "number", "value": 1}},
        "lists": {"words": ["张三"]},
        "rules": [{"id": "found", "pattern": pattern, "then": ["act"]}],
        **more,
    }  # fmt: skip
    return read_ruleset(document, VOCABULARY)


def events(*rows: tuple[int, dict[str, Any]]) -> dict[str, Any]:
    """Events at a minute past noon, with these fields."""
    return {"events": [{"at": f"2026-11-11T12:{m:02d}:00+08:00", **more} for m, more in rows]}


YES = events(
    (1, {"flag": True, "amount": 1, "state": "a"}), (2, {"flag": False, "amount": 2, "state": "b"})
)
NO = events(
    (1, {"flag": True, "amount": 2, "state": "a"}), (2, {"flag": False, "amount": 2, "state": "b"})
)


@dataclass(frozen=True)
class Question:
    """A pattern and an episode, ready to be put to any matcher."""

    sequence: tree.Sequence
    events: tuple[Any, ...]
    context: Context

    def put(self, matcher: Matcher = match) -> Match:
        with localcontext(EXACT):
            return matcher(self.sequence, self.events, self.context)

    def sealed(self) -> Sealed | None:
        with localcontext(EXACT):
            return seal(self.sequence, self.events, self.context)


def question(ruleset: RuleSet, facts: dict[str, Any]) -> Question:
    context = opened(ruleset, facts)
    sequence = sequence_of(ruleset)
    found: Any = context.value(sequence.over)
    return Question(sequence, found, context)
