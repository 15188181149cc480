"""A rule set as frozen data: checked, names resolved, strata assigned, hashed. `reader.py`
builds it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from tidegate.engine.language import tree
from tidegate.engine.language.rendering import literal_text, render
from tidegate.engine.language.types import Type
from tidegate.engine.values import plain
from tidegate.engine.vocabulary import Action, Fact, Gate, Texts, Vocabulary

POLICIES = ("first", "unique", "any", "priority", "collect", "stages")
ON_MISSING = ("hold", "skip", "fail")
OTHERWISE = "otherwise"


@dataclass(frozen=True)
class Leaf:
    """One condition a person reads and that is true, false or unknown."""

    node: tree.Node
    text: str
    path: str = ""


@dataclass(frozen=True)
class Condition:
    """`kind` is all, any or none, over leaves and further groups."""

    kind: str
    parts: tuple[Condition | Leaf, ...]

    def leaves(self) -> Iterator[Leaf]:
        for part in self.parts:
            if isinstance(part, Leaf):
                yield part
            else:
                yield from part.leaves()

    def text(self) -> str:
        """A text equal for equal conditions."""
        inner = [part.text if isinstance(part, Leaf) else part.text() for part in self.parts]
        return f"{self.kind}({'; '.join(inner)})"


@dataclass(frozen=True)
class ActionCall:
    """An action with its arguments: constants, or expressions evaluated when the rule fires."""

    action: Action
    args: Mapping[str, object | tree.Node]

    def text(self) -> str:
        args = {
            key: render(v) if isinstance(v, tree.Node) else plain(v) for key, v in self.args.items()
        }
        return f"{self.action.id} {json.dumps(args, ensure_ascii=False, sort_keys=True)}"


@dataclass(frozen=True)
class Row:
    """A row as its table shows it: the tests under the inputs, what stands under the outputs, and
    the title and why of its own, if it has them.
    """

    when: tuple[str, ...]
    then: tuple[object, ...]
    title: Texts = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True)
class Table:
    """The head of a table; its rows are the rules whose `table` is its id."""

    id: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    policy: str = ""
    title: Texts = field(default_factory=dict)
    why: str = ""
    note: str = ""


@dataclass(frozen=True)
class Rule:
    """A rule, or one row of a table (`table` names it, `table_policy` is the table's own policy
    if it has one).

    `active_from` and `active_to` are inclusive days in the shop's zone. Rules of a higher
    `stratum` run later.
    """

    id: str
    title: Texts
    why: str
    condition: Condition
    actions: tuple[ActionCall, ...]
    active_from: date | None = None
    active_to: date | None = None
    table: str = ""
    table_policy: str = ""
    stratum: int = 0
    reads: frozenset[str] = frozenset()
    path: str = ""
    line: int = 0
    note: str = ""
    row: Row | None = None
    enabled: bool = True

    @cached_property
    def leaves(self) -> tuple[Leaf, ...]:
        return tuple(self.condition.leaves())

    @property
    def writes(self) -> frozenset[str]:
        return frozenset(call.action.writes for call in self.actions)


@dataclass(frozen=True)
class Stage:
    """Rules under one policy; a set without `stages` is one stage with an empty id.

    `rules` decide. `off` are rules that are written but switched off, each with its place among
    all that is written.
    """

    id: str
    policy: str
    rules: tuple[Rule, ...]
    severity: tuple[str, ...] = ()
    otherwise: tuple[ActionCall, ...] = ()
    on_missing: str = "hold"
    title: Texts = field(default_factory=dict)
    note: str = ""
    otherwise_given: bool = field(default=False, compare=False)  # `otherwise: []` is an answer
    off: tuple[tuple[int, Rule], ...] = ()

    @cached_property
    def written(self) -> tuple[Rule, ...]:
        """All rules as written, those that are switched off too."""
        found = list(self.rules)
        for place, rule in self.off:
            found.insert(place, rule)
        return tuple(found)


@dataclass(frozen=True)
class Parameter:
    id: str
    type: str
    value: object
    title: Texts
    low: object = None
    high: object = None
    unit: str = ""
    values: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class NamedList:
    id: str
    type: str
    values: tuple[object, ...]
    title: Texts
    note: str = ""


@dataclass(frozen=True)
class DerivedFact:
    id: str
    node: tree.Node
    type: Type
    title: Texts
    text: str


@dataclass(frozen=True)
class Case:
    """A test of the set: `given` facts, `at` (None: the default instant), what to `expect`."""

    name: str
    given: Mapping[str, Any]
    expect: Mapping[str, Any]
    at: object = None
    line: int = 0


@dataclass(frozen=True)
class RuleSet:
    id: str
    gate: str
    title: Texts
    policy: str
    stages: tuple[Stage, ...]
    parameters: Mapping[str, Parameter]
    lists: Mapping[str, NamedList]
    derive: Mapping[str, DerivedFact]
    fields: Mapping[str, Fact]
    cases: tuple[Case, ...]
    vocabulary: Vocabulary = field(repr=False)
    source: str = ""
    tables: Mapping[str, Table] = field(default_factory=dict)
    note: str = ""
    four_eyes: bool = False  # who changed it may not approve it

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """All rules and table rows in the order of the document."""
        return tuple(rule for stage in self.stages for rule in stage.rules)

    @cached_property
    def written(self) -> tuple[Rule, ...]:
        """All rules and rows, those that are switched off too."""
        return tuple(rule for stage in self.stages for rule in stage.written)

    @property
    def gate_spec(self) -> Gate:
        return self.vocabulary.gates[self.gate]

    @cached_property
    def derive_nodes(self) -> Mapping[str, tree.Node]:
        return {name: derived.node for name, derived in self.derive.items()}

    @cached_property
    def parameter_values(self) -> Mapping[str, object]:
        return {name: parameter.value for name, parameter in self.parameters.items()}

    @cached_property
    def list_values(self) -> Mapping[str, tuple[object, ...]]:
        return {name: named.values for name, named in self.lists.items()}

    @cached_property
    def facts_read(self) -> frozenset[str]:
        """Ids of all vocabulary and custom facts any rule, derived fact or argument reads."""
        nodes = [derived.node for derived in self.derive.values()]
        nodes += [leaf.node for rule in self.rules for leaf in rule.leaves]
        calls = [call for rule in self.rules for call in rule.actions]
        calls += [call for stage in self.stages for call in stage.otherwise]
        nodes += [
            value for call in calls for value in call.args.values() if isinstance(value, tree.Node)
        ]
        return frozenset(name for node in nodes for name in reads(node) if name not in self.derive)

    @cached_property
    def spoken(self) -> dict[tuple[str, str], str]:
        """Sentences of conditions by text and language, kept once they have been made."""
        return {}

    @cached_property
    def facts_checked(self) -> tuple[str, ...]:
        """Those of the facts read that a document holds, in one fixed order."""
        return tuple(
            sorted(n for n in self.facts_read if n != "now" and not n.startswith("decided."))
        )

    @cached_property
    def hash(self) -> str:
        """SHA-256 over the meaning: comments, layout, spelling of names and tests do not change
        it.
        """
        text = json.dumps(
            self.canonical(), ensure_ascii=False, sort_keys=True, separators=(",", ":")
        )
        return hashlib.sha256(text.encode()).hexdigest()

    def canonical(self) -> dict[str, object]:
        """The set as plain data in one fixed form (not a loadable document)."""
        return {
            "language": 1,
            "id": self.id,
            "gate": self.gate,
            "title": dict(self.title),
            "policy": self.policy,
            "stages": [_canonical_stage(stage) for stage in self.stages],
            "parameters": {name: _canonical_parameter(p) for name, p in self.parameters.items()},
            "lists": {
                name: [x.type, dict(x.title), [literal_text(v) for v in x.values]]
                for name, x in self.lists.items()
            },
            "derive": [
                [name, derived.text, dict(derived.title)] for name, derived in self.derive.items()
            ],
            "fields": {
                name: [f.type, f.unit, list(f.values), f.window, dict(f.title)]
                for name, f in self.fields.items()
            },
        }


def reads(node: tree.Node) -> Iterator[str]:
    """Ids of facts, lists and derived facts an expression refers to."""
    for part in tree.walk(node):
        if isinstance(part, tree.Fact | tree.Derived):
            yield part.id
        elif isinstance(part, tree.Member | tree.Window):
            yield part.fact


def _canonical_parameter(p: Parameter) -> list[object]:
    bounds = [literal_text(value) for value in (p.value, p.low, p.high)]
    return [p.type, *bounds, p.unit, list(p.values), dict(p.title)]


def _canonical_stage(stage: Stage) -> dict[str, object]:
    return {
        "id": stage.id,
        "policy": stage.policy,
        "severity": list(stage.severity),
        "otherwise": [call.text() for call in stage.otherwise],
        "on_missing": stage.on_missing,
        "rules": [
            {
                "id": rule.id,
                "title": dict(rule.title),
                "why": rule.why,
                "if": rule.condition.text(),
                "then": [call.text() for call in rule.actions],
                "active": [str(rule.active_from), str(rule.active_to)],
                "table": [rule.table, rule.table_policy],
            }
            for rule in stage.rules
        ],
    }
