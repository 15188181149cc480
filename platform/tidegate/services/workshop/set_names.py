"""What a name means inside one rule set: facts of its gate, derived facts, thresholds, lists and
calendars, each with its type and its title in both languages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from tidegate.engine.language.types import INSTANT, Type, list_of, of_fact
from tidegate.engine.rulesets import RuleSet
from tidegate.services.view_names import Words

NOW = {"zh": "现在", "en": "Now"}


@dataclass(frozen=True, slots=True)
class Name:
    """`over` is the list whose lines have this field (`items` for `item.sku`)."""

    id: str
    kind: str  # fact, derived, parameter, list, calendar, lines
    type: Type
    title: Words
    group: str = ""
    group_title: Words | None = None
    over: str = ""
    window: bool = False
    personal: bool = False
    help: Words | None = None
    said: str = ""  # a threshold's value as it is written

    @property
    def variable(self) -> str:
        return self.group if self.over else ""


class SetNames:
    """All names of one set; made once per set and kept by whoever asks often."""

    def __init__(self, ruleset: RuleSet, said: Mapping[str, str]) -> None:
        self.ruleset = ruleset
        self.all: Mapping[str, Name] = {name.id: name for name in _names(ruleset, said)}

    def get(self, name: str) -> Name | None:
        return self.all.get(name)

    @cached_property
    def subjects(self) -> tuple[Name, ...]:
        """What a condition may be about."""
        return tuple(one for one in self.all.values() if one.kind in ("fact", "derived", "lines"))

    def of_kind(self, *kinds: str) -> tuple[Name, ...]:
        return tuple(one for one in self.all.values() if one.kind in kinds)

    def variable(self, over: str) -> str:
        """What one line of a list is called: `item` for `items`; empty when it is no such list."""
        group = self.ruleset.vocabulary.groups.get(over)
        return group.each if group else ""


def _names(ruleset: RuleSet, said: Mapping[str, str]) -> Iterator[Name]:
    yield from _facts(ruleset)
    for name, derived in ruleset.derive.items():
        yield Name(name, "derived", derived.type, derived.title, "derive")
    for name, parameter in ruleset.parameters.items():
        kind = of_fact(parameter.type, parameter.unit, parameter.values)
        yield Name(name, "parameter", kind, parameter.title, said=said.get(name, ""))
    for name, listed in ruleset.lists.items():
        yield Name(name, "list", list_of(of_fact(listed.type)), listed.title)
    for name, calendar in ruleset.vocabulary.calendars.items():
        yield Name(name, "calendar", Type("calendar"), calendar.title)


def _facts(ruleset: RuleSet) -> Iterator[Name]:
    vocabulary = ruleset.vocabulary
    wanted = ruleset.gate_spec.facts
    lists = {group.each: group for group in vocabulary.groups.values() if group.each}
    for group in vocabulary.groups.values():
        if group.id in wanted and group.each:
            kind = list_of(Type("line", line=group.id))
            yield Name(group.id, "lines", kind, group.title, group.each, group.title)
    for fact in (*vocabulary.facts.values(), *ruleset.fields.values()):
        here = vocabulary.groups.get(fact.group)
        if here is not None and here.id not in wanted:
            continue
        owner = lists.get(fact.group)
        yield Name(
            fact.id, "fact", of_fact(fact.type, fact.unit, fact.values), fact.title,
            fact.group, here.title if here else {"zh": "自定义", "en": "Custom"},
            owner.id if owner else "", fact.window, fact.personal, fact.help or None,
        )  # fmt: skip
    yield Name("now", "fact", INSTANT, NOW, "now", {"zh": "时间", "en": "Time"})
