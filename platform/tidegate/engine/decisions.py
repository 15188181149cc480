"""A decision: pure data that says what to do, which rule said so, and what was seen on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tidegate.engine.language.sentences import sentence
from tidegate.engine.logic import Truth
from tidegate.engine.rulesets import Leaf, Rule, RuleSet
from tidegate.engine.values import plain

FIRED, NOT, UNKNOWN, INACTIVE = "fired", "not", "unknown", "inactive"


@dataclass(frozen=True)
class Outcome:
    """An action to carry out and the rule it came from (`otherwise` when no rule gave one)."""

    action: str
    args: Mapping[str, object]
    rule: str
    main: object = None
    writes: str = ""
    many: bool = False

    def as_document(self) -> dict[str, object]:
        return {"action": self.action, "args": plain(self.args), "rule": self.rule}


@dataclass(frozen=True)
class Overridden:
    """An action that a rule asked for and that did not come about, by which rule and why.

    `reason` is one of first, severity, same, conflict, excluded, missing_facts.
    """

    outcome: Outcome
    by: str
    reason: str

    def as_document(self) -> dict[str, object]:
        return {**self.outcome.as_document(), "by": self.by, "reason": self.reason}


@dataclass(frozen=True)
class LeafTrace:
    """A condition with its result and the values it read. `line` is the list element that
    decided it (0: none).
    """

    leaf: Leaf
    result: Truth
    values: Mapping[str, object]
    unknown: tuple[str, ...]
    line: int = 0


@dataclass(frozen=True)
class RuleTrace:
    rule: Rule
    result: str
    leaves: tuple[LeafTrace, ...]
    unknown: tuple[str, ...] = ()


class Missed(NamedTuple):
    """A rule that one leaf kept from firing: the leaf's place among the rule's, and how it came out.

    `result` is the rule's.
    """

    rule: Rule
    place: int
    truth: Truth
    result: str = NOT

    @property
    def leaf(self) -> Leaf:
        return self.rule.leaves[self.place]

    def as_document(self) -> dict[str, object]:
        """Short: what the leaf read follows from the facts, its words from the set."""
        leaf = {"text": self.leaf.text, "result": "unknown" if self.truth is None else self.truth}
        return {
            "id": self.rule.id, "result": self.result, "near": self.place, "leaves": [leaf]
        }  # fmt: skip


@dataclass(frozen=True)
class Decision:
    """The same for the same facts, set and instant, for ever.

    `rules` are all rules in document order when `full`; else those that fired, lost or are named by
    an action, and those that came close unless these stand, without a trace, in `near`.
    """

    ruleset: RuleSet
    now: datetime
    zone: ZoneInfo
    actions: tuple[Outcome, ...]
    overridden: tuple[Overridden, ...]
    rules: tuple[RuleTrace, ...]
    derived: Mapping[str, object]
    missing: tuple[str, ...]
    full: bool = True
    near: tuple[Missed, ...] = ()

    @property
    def fired(self) -> tuple[str, ...]:
        """Ids of the rules that fired, in rule order."""
        return tuple(trace.rule.id for trace in self.rules if trace.result == FIRED)

    @property
    def hash(self) -> str:
        return self.ruleset.hash

    def trace(self, rule_id: str) -> RuleTrace:
        """The trace of one rule. Raises KeyError for a rule the set does not have."""
        for trace in self.rules:
            if trace.rule.id == rule_id:
                return trace
        raise KeyError(rule_id)

    def as_document(self, lang: str = "zh") -> dict[str, object]:
        """Plain data for storage, `--json` and the web; only titles and sentences depend on the
        language.
        """
        document: dict[str, object] = {
            "ruleset": self.ruleset.id,
            "hash": self.hash,
            "now": self.now.astimezone(self.zone).isoformat(),
            "actions": [outcome.as_document() for outcome in self.actions],
            "overridden": [item.as_document() for item in self.overridden],
            "rules": self._shown(lang),
            "derived": {name: self.shown(value) for name, value in self.derived.items()},
            "missing": list(self.missing),
        }
        if not self.full:
            document["untraced"] = len(self.ruleset.rules) - len(self.rules) - len(self.near)
        return document

    def _shown(self, lang: str) -> list[dict[str, object]]:
        """Traces and near misses, in rule order."""
        shown = {trace.rule.id: self._rule(trace, lang) for trace in self.rules}
        if not self.near:
            return list(shown.values())
        shown |= {one.rule.id: one.as_document() for one in self.near}
        return [shown[rule.id] for rule in self.ruleset.rules if rule.id in shown]

    def _rule(self, trace: RuleTrace, lang: str) -> dict[str, object]:
        title = trace.rule.title["zh" if lang.startswith("zh") else "en"]
        leaves = [self.leaf(leaf, lang) for leaf in trace.leaves]
        return {"id": trace.rule.id, "title": title, "result": trace.result, "leaves": leaves}

    def leaf(self, trace: LeafTrace, lang: str = "zh") -> dict[str, object]:
        """One leaf as plain data, with its sentence."""
        document: dict[str, object] = {
            "text": trace.leaf.text,
            "result": "unknown" if trace.result is None else trace.result,
            "values": {name: self.shown(value) for name, value in trace.values.items()},
            "sentence": self._sentence(trace.leaf, lang),
        }
        if trace.line:
            document["line"] = trace.line
        return document

    def _sentence(self, leaf: Leaf, lang: str) -> str:
        spoken, key = self.ruleset.spoken, (leaf.text, lang)
        if key not in spoken:
            spoken[key] = sentence(leaf.node, self.ruleset, lang)
        return spoken[key]

    def shown(self, value: object) -> object:
        """A value as JSON, instants on the shop's clock."""
        return plain(value.astimezone(self.zone) if isinstance(value, datetime) else value)
