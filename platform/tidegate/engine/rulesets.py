"""A rule set as frozen data: checked, names resolved, strata assigned, hashed. `reader.py`
builds it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from types import MappingProxyType
from typing import Any

from tidegate.engine.language import tree
from tidegate.engine.language.rendering import literal_text, render
from tidegate.engine.language.types import Type
from tidegate.engine.looks import Chain, chains
from tidegate.engine.values import plain
from tidegate.engine.vocabulary import Action, Fact, Gate, Texts, Vocabulary

POLICIES = ("first", "unique", "any", "priority", "collect", "stages")
ON_MISSING = ("hold", "skip", "fail")
OTHERWISE = "otherwise"
NO_TEXTS: Texts = MappingProxyType({})  # nothing is said, in no language


@dataclass(frozen=True)
class Leaf:
    """One condition a person reads and that is true, false or unknown."""

    node: tree.Node
    text: str


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
    why: Texts = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """The head of a table; its rows are the rules whose `table` is its id."""

    id: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    policy: str = ""
    title: Texts = field(default_factory=dict)
    why: Texts = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Rule:
    """A rule, or one row of a table (`table` names it, `table_policy` is the table's own policy
    if it has one). `why` is empty when nothing is said.

    `active_from` and `active_to` are inclusive days in the shop's zone. Rules of a higher
    `stratum` run later.
    """

    id: str
    title: Texts
    why: Texts
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

    @cached_property
    def writes(self) -> frozenset[str]:
        return frozenset(call.action.writes for call in self.actions)

    @cached_property
    def names(self) -> frozenset[str]:
        """Ids of facts, lists and derived facts that conditions and arguments name."""
        nodes = [leaf.node for leaf in self.leaves]
        nodes += _nodes(self.actions)
        return frozenset(name for node in nodes for name in reads(node))

    @cached_property
    def kept(self) -> dict[str, Any]:
        """What has been made of the rule once, such as its document, by what it is. It goes along when only the
        place of the rule is another.
        """
        return {}

    def placed(self, path: str, line: int = 0, stratum: int | None = None) -> Rule:
        """The same rule at another place: itself where nothing is different."""
        stratum = self.stratum if stratum is None else stratum
        if (self.path, self.line, self.stratum) == (path, line, stratum):
            return self
        found = object.__new__(
            Rule
        )  # without asking fifteen fields anew: a drag moves a thousand rules
        vars(found).update(vars(self), path=path, line=line, stratum=stratum)
        return found

    @cached_property
    def canonical(self) -> str:
        """Its meaning as JSON text in one fixed form."""
        return _json(
            {
                "id": self.id,
                "title": dict(self.title),
                "why": one_or_two(self.why),
                "if": self.condition.text(),
                "then": [call.text() for call in self.actions],
                "active": [str(self.active_from), str(self.active_to)],
                "table": [self.table, self.table_policy],
            }
        )


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

    @cached_property
    def kept(self) -> dict[str, Any]:
        """What has been made of the test once."""
        return {}

    def placed(self, line: int) -> Case:
        """The same test on another line."""
        if self.line == line:
            return self
        found = object.__new__(Case)
        vars(found).update(vars(self), line=line)
        return found


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
    def nested_lists(self) -> tuple[Chain, ...]:
        """Lists that are looked through inside one another (engine/looks.py)."""
        nodes = [derived.node for derived in self.derive.values()]
        nodes += [node for stage in self.stages for node in _nodes(stage.otherwise)]
        for rule in self.rules:
            nodes += [leaf.node for leaf in rule.leaves] + _nodes(rule.actions)
        return chains(nodes)

    @cached_property
    def facts_read(self) -> frozenset[str]:
        """Ids of all vocabulary and custom facts any rule, derived fact or argument reads."""
        nodes = [derived.node for derived in self.derive.values()]
        nodes += [node for stage in self.stages for node in _nodes(stage.otherwise)]
        found = {name for node in nodes for name in reads(node)}
        found.update(*(rule.names for rule in self.rules))
        return frozenset(found - self.derive.keys())

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
        return hashlib.sha256(self.canonical.encode()).hexdigest()

    @property
    def canonical(self) -> str:
        """The set as JSON text in one fixed form (not a loadable document), keys in order."""
        found: dict[str, object] = {
            "language": 1,
            "id": self.id,
            "gate": self.gate,
            "title": dict(self.title),
            "policy": self.policy,
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
        return _joined(found, "stages", [_canonical_stage(stage) for stage in self.stages])


def one_or_two(texts: Texts) -> str | dict[str, str]:
    """A text in two languages as it is written: one text where both say the same."""
    zh, en = texts.get("zh", ""), texts.get("en", "")
    return zh if zh == en else {"zh": zh, "en": en}


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


def _canonical_stage(stage: Stage) -> str:
    found: dict[str, object] = {
        "id": stage.id,
        "policy": stage.policy,
        "severity": list(stage.severity),
        "otherwise": [call.text() for call in stage.otherwise],
        "on_missing": stage.on_missing,
    }
    return _joined(found, "rules", [rule.canonical for rule in stage.rules])


def _joined(fields: Mapping[str, object], key: str, members: Sequence[str]) -> str:
    """A JSON object of the fields and, at its place among the keys, a list of what is JSON text already."""
    texts = {name: _json(value) for name, value in fields.items()} | {key: f"[{','.join(members)}]"}
    return "{" + ",".join(f'"{name}":{texts[name]}' for name in sorted(texts)) + "}"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _nodes(calls: Iterable[ActionCall]) -> list[tree.Node]:
    """The expressions among the arguments."""
    return [v for call in calls for v in call.args.values() if isinstance(v, tree.Node)]
