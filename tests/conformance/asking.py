"""A foreign case asked in our own terms: its inputs become a vocabulary and facts, its expression
a rule set, and an evaluator decides it.

The expression stands in an action's argument (so that its value comes back) and, if it is a
condition, also as the conditions of two rules, one of them turned round; the three must agree.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from tidegate.engine.language.rendering import literal_text
from tidegate.engine.problems import RuleProblems
from tidegate.engine.reader import read_ruleset
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.values import Months, fold, plain
from tidegate.engine.vocabulary import Vocabulary, load_vocabulary

NOW = datetime(2026, 11, 11, 4, tzinfo=UTC)
Evaluator = Callable[[RuleSet, Mapping[str, Any]], tuple[Any, ...]]
"""The outcomes (`action`, `main`, `rule`) of a set on facts, at NOW in UTC."""


class Refused(Exception):
    """Our reader does not accept the expression."""

    def __init__(self, problems: RuleProblems) -> None:
        super().__init__("; ".join(problem.text("en") for problem in problems.problems))
        self.codes = [problem.code for problem in problems.problems]


@dataclass
class Given:
    """The inputs of a case under our names. `value` and `lines` give the text that reads them."""

    now: datetime = NOW
    facts: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, dict[str, Any]] = field(default_factory=dict)
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    lists: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)

    def value(self, name: str, value: object, kind: str = "text") -> str:
        """A fact (or, where facts have no such type, a constant) with this value; `kind` is its
        type when it is unknown.
        """
        own = _plain_name(name)
        if isinstance(value, (list, tuple)):
            return self.members(own, list(value))
        if isinstance(value, (time, Months)):
            kind = "time" if isinstance(value, time) else "months"
            self.parameters[own] = {"type": kind, "value": plain(value)}
            return own
        self.fields[own] = {"type": kind_of(value) or kind, "title": f"t_{own}"}
        if value is not None:
            self.facts[own] = plain(value) if not isinstance(value, bool) else value
        return f"given.{own}"

    def members(self, name: str, values: list[Any]) -> str:
        """A list of plain values: a named list where they are alike, else written out."""
        kinds = {kind_of(value) for value in values}
        if len(kinds) == 1 and kinds <= {"text", "number", "date", "instant", "duration"}:
            self.lists[name] = {"type": kinds.pop(), "values": [plain(value) for value in values]}
            return name
        return written(values)

    def lines(self, name: str, rows: list[Mapping[str, Any]]) -> tuple[str, str]:
        """A list of structures: its name and the name of one of them."""
        own = _plain_name(name)
        each = f"{own}_line"
        columns = {_plain_name(key): key for row in rows for key in row}
        kinds = {
            column: next(filter(None, (kind_of(row.get(key)) for row in rows)), "text")
            for column, key in columns.items()
        }
        self.groups[own] = {"title": f"l_{own}", "each": each}
        fields = {column: {"type": kind, "title": f"t_{column}"} for column, kind in kinds.items()}
        self.groups[each] = {"title": f"l_{each}", "fields": fields}
        self.facts[own] = [
            {
                column: plain(row[key]) if not isinstance(row[key], bool) else row[key]
                for column, key in columns.items()
                if row.get(key) is not None
            }
            for row in rows
        ]
        return own, each

    def column(self, each: str, name: str, kind: str = "text") -> None:
        """A field that perhaps no line has."""
        self.groups[each]["fields"].setdefault(name, {"type": kind, "title": f"t_{name}"})

    def vocabulary(self, actions: Mapping[str, Any]) -> Vocabulary:
        groups: dict[str, Any] = {"given": {"title": "given", "fields": self.fields}}
        return _vocabulary(json.dumps({**groups, **self.groups}), json.dumps(actions))

    def document(self) -> dict[str, Any]:
        own = {name: value for name, value in self.facts.items() if name in self.fields}
        return {**{k: v for k, v in self.facts.items() if k in self.groups}, "given": own}


def spelled(value: str, texts: Iterable[str]) -> str:
    """A text of a case whose language tells letters by case: with `exact` when some text of the
    case would be folded, as it is when folding changes none.
    """
    return f"exact({written(value)})" if any(fold(t) != t for t in texts) else written(value)


def written(value: object) -> str:
    """A value as our text says it."""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(written(member) for member in value)}]"
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return literal_text(value)
    text = literal_text(Decimal(str(value)) if isinstance(value, (int, float)) else value)
    return f"({text})" if text.startswith("-") else text


def _plain_name(name: str) -> str:
    """A name we can read, the same for the same name."""
    own = re.sub(r"\W+", "_", name).strip("_") or "x"
    return own if re.match(r"[^\W\d]", own) else f"n{own}"


def kind_of(value: object) -> str:
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "boolean"),
        ((int, float, Decimal), "number"),
        (str, "text"),
        (list, "texts"),
        (datetime, "instant"),
        (date, "date"),
        (timedelta, "duration"),
    )
    return next((kind for types, kind in kinds if isinstance(value, types)), "")


@lru_cache(maxsize=512)
def _vocabulary(groups: str, actions: str) -> Vocabulary:
    own, acts = json.loads(groups), json.loads(actions)
    names = [name for name, group in own.items()]
    gate = {"subject": "case", "title": "case", "asked": "once", "facts": names}
    document = {
        "tidegate": "vocabulary/1",
        "groups": own,
        "actions": acts,
        "gates": {"case": {**gate, "actions": list(acts)}},
    }
    return load_vocabulary(json.dumps(document, ensure_ascii=False, indent=0))


SAY = {
    "say": {
        "title": "say",
        "writes": "answer",
        "main": "value",
        "many": True,
        "args": {"value": {"type": "any", "title": "value", "required": True}},
    }
}


def ask(text: str, given: Given, evaluator: Evaluator) -> Any:
    """The value of an expression of ours; None when unknown. Raises Refused."""
    rules: list[dict[str, Any]] = [{"id": "value", "if": [], "then": [{"say": f"= {text}"}]}]
    outcomes = decide(_set(given, rules), given, SAY, evaluator)
    value = outcomes[0].main if outcomes else None
    if isinstance(value, bool):
        _same_as_condition(text, value, given, evaluator)
    return value


def _same_as_condition(text: str, value: bool, given: Given, evaluator: Evaluator) -> None:
    rules = [
        {"id": "holds", "if": [text], "then": [{"say": "yes"}]},
        {"id": "fails", "if": [{"none": [text]}], "then": [{"say": "no"}]},
    ]
    said = [outcome.main for outcome in decide(_set(given, rules), given, SAY, evaluator)]
    assert said == (["yes"] if value else ["no"]), (text, value, said)


def _set(given: Given, rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {"policy": "collect", "rules": rules}


def decide(
    document: Mapping[str, Any], given: Given, actions: Mapping[str, Any], evaluator: Evaluator
) -> tuple[Any, ...]:
    """The outcomes of a set on the inputs. Raises Refused."""
    head = {"tidegate": "ruleset/1", "id": "case", "gate": "case", "on_missing": "skip"}
    extra = {"parameters": given.parameters, "lists": given.lists}
    whole = {**head, **{key: value for key, value in extra.items() if value}, **document}
    try:
        ruleset = read_ruleset(whole, given.vocabulary(actions))
    except RuleProblems as problems:
        raise Refused(problems) from problems
    return evaluator(ruleset, given.document())
