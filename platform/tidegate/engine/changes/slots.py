"""What a person could change on one subject: the places, their present values, and a copy of the
facts in which other values can be tried.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tidegate.engine.evaluation import Context
from tidegate.engine.facts import Facts, Line
from tidegate.engine.language import tree
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.values import duration_text, parse_duration, plain
from tidegate.engine.vocabulary import Fact, Vocabulary


@dataclass(frozen=True, eq=False)
class Slot:
    """One place in the facts. `line` counts from 1 within `list` (0: no line); `span` is the
    window of a windowed fact that the document tells window by window.
    """

    name: str
    fact: Fact
    present: object
    list: str = ""
    line: int = 0
    span: timedelta | None = None

    @property
    def kind(self) -> str:
        return self.fact.type


Values = Mapping[Slot, object]


class Bench(Facts):
    """The facts of the subject with some values replaced by `put`."""

    def __init__(self, document: Mapping[str, Any], ruleset: RuleSet, currency: str) -> None:
        super().__init__(document, ruleset.vocabulary, ruleset.fields, currency)
        self.values: Values = {}
        self._plain: dict[str, object] = {}
        self._windows: dict[tuple[str, timedelta | None], object] = {}
        self._lists: dict[str, tuple[BenchLine, ...] | None] = {}
        self.fields: dict[tuple[str, int, str], object] = {}

    def put(self, values: Values) -> None:
        self.values = values
        self._plain = {}
        self._windows = {}
        self.fields = {}
        for slot, value in values.items():
            if slot.line:
                self.fields[slot.fact.group, slot.line, slot.fact.field_name] = value
            elif slot.fact.window:
                self._windows[slot.fact.id, slot.span] = value
            else:
                self._plain[slot.fact.id] = value

    def get(self, name: str) -> object:
        if name not in self.written:
            if name in self._plain:
                return self._plain[name]
            group = self.vocabulary.groups.get(name)
            if group and group.each and name not in self.custom:
                return self._lines(name, group.each)
        return super().get(name)

    def _lines(self, name: str, each: str) -> tuple[BenchLine, ...] | None:
        if name not in self._lists:
            found = super().get(name)
            rows = self.rows(name)
            self._lists[name] = (
                None
                if found is None
                else tuple(BenchLine(self, each, number, row) for number, row in enumerate(rows, 1))
            )
        return self._lists[name]

    def window(self, name: str, span: timedelta) -> object:
        for key in ((name, span), (name, None)):
            if key in self._windows:
                return self._windows[key]
        return super().window(name, span)


class BenchLine(Line):
    """A line whose fields may be replaced."""

    __slots__ = ("_bench",)

    def __init__(self, bench: Bench, each: str, number: int, document: Mapping[str, Any]) -> None:
        super().__init__(bench, each, number, document)
        self._bench = bench

    def get(self, field: str) -> object:
        key = (self.each, self.number, field)
        return self._bench.fields[key] if key in self._bench.fields else super().get(field)


def find_slots(ruleset: RuleSet, context: Context) -> tuple[Slot, ...]:
    """Every editable place the set reads, in the order of the dictionary, line by line."""
    facts = context.facts
    lists = ruleset.vocabulary.variables
    found: list[Slot] = []
    for fact in (*ruleset.vocabulary.facts.values(), *ruleset.fields.values()):
        if not fact.editable or fact.id not in ruleset.facts_read:
            continue
        if fact.group in lists and fact.id not in ruleset.fields:
            name = lists[fact.group]
            for line in facts.get(name) or ():  # type: ignore[attr-defined]  # a list of Line
                place = f"{name}[{line.number}].{fact.field_name}"
                found.append(Slot(place, fact, line.get(fact.field_name), name, line.number))
        elif fact.window:
            found += _windows(ruleset, context, fact)
        else:
            found.append(Slot(fact.id, fact, facts.get(fact.id)))
    return tuple(found)


def _windows(ruleset: RuleSet, context: Context, fact: Fact) -> Iterator[Slot]:
    raw = _within(context.facts.document, fact.id)
    if not isinstance(raw, Mapping):
        yield Slot(fact.id, fact, context.facts.read(fact, raw))
        return
    nodes = [derived.node for derived in ruleset.derive.values()]
    nodes += [leaf.node for rule in ruleset.rules for leaf in rule.leaves]
    spans = {
        context.value(part.span)
        for node in nodes
        for part in tree.walk(node)
        if isinstance(part, tree.Window) and part.fact == fact.id
    }
    for span in sorted(span for span in spans if span is not None):
        name = f"{fact.id}({duration_text(span)})"
        yield Slot(name, fact, context.facts.window(fact.id, span), span=span)


def _within(document: Any, name: str) -> Any:
    for part in name.split("."):
        document = document.get(part) if isinstance(document, Mapping) else None
    return document


def changed_document(
    document: Mapping[str, Any], values: Values, vocabulary: Vocabulary
) -> dict[str, Any]:
    """The document with these values in their places, as a person would have entered them."""
    changed: dict[str, Any] = copy.deepcopy(dict(document))
    for slot, value in values.items():
        raw = plain(value)
        if slot.line:
            _rows(changed, slot.list, vocabulary)[slot.line - 1][slot.fact.field_name] = raw
            continue
        group, _, field = slot.fact.id.partition(".")
        owner = changed.get(group)
        owner = changed[group] = {} if owner is None else owner
        if slot.span is not None:
            owner[field] = _other_windows(owner[field], slot.span) | {duration_text(slot.span): raw}
        else:
            owner[field] = raw
    return changed


def _rows(document: dict[str, Any], name: str, vocabulary: Vocabulary) -> Any:
    """The lines, under their own name or inside the group they are `of`; as a list."""
    owner: Any = document
    of = vocabulary.groups[name].of
    if document.get(name) is None and of:
        owner = document[of]
    owner[name] = list(owner[name])
    return owner[name]


def _other_windows(windows: Mapping[str, Any], span: timedelta) -> dict[str, Any]:
    return {key: value for key, value in windows.items() if parse_duration(key) != span}
