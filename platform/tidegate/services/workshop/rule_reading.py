"""One rule read beside its set: the engine's rule with its sentences, and every problem with the row it
belongs to. The rest of the set is not read again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from tidegate.engine.conditions import Enough, Reading
from tidegate.engine.entries import EntryReader
from tidegate.engine.language.binding import Scope
from tidegate.engine.language.sentences import action_sentence, rule_sentence, sentence
from tidegate.engine.language.types import list_of, of_fact
from tidegate.engine.plain_documents import plain_data
from tidegate.engine.problems import Problem
from tidegate.engine.rulesets import NamedList, Parameter, Rule, RuleSet
from tidegate.engine.sourced import Sourced
from tidegate.engine.strata import DerivedReads
from tidegate.services.workshop.rule_writing import Wrong

LANGUAGES = ("zh", "en")
_DRAFT_ID = "rule-being-written"


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence in pieces; the conditions and actions in it stand out."""

    pieces: tuple[tuple[str, bool], ...]

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.pieces)


@dataclass(frozen=True, slots=True)
class RuleRead:
    """`rule` is None when nothing could be read."""

    rule: Rule | None
    wrong: tuple[Wrong, ...]


def read_rule(ruleset: RuleSet, document: Mapping[str, Any], places: Mapping[str, str]) -> RuleRead:
    """The rule of a document, and what is wrong with it; `places` tells the row of each entry."""
    given = dict(plain_data({"rules": [dict(document)]}, "rule"))
    if not given["rules"][0].get("id"):
        given["rules"][0]["id"] = _DRAFT_ID
    reading = Reading(Sourced(given), ruleset.vocabulary)
    entries = EntryReader(reading, scope_of(ruleset), ruleset.gate_spec.actions, _derived(ruleset))
    rule: Rule | None = None
    with suppress(Enough):
        rule = entries.rule(("rules", 0), given["rules"][0])
    return RuleRead(rule, tuple(_wrong(problem, places) for problem in reading.problems))


def scope_of(ruleset: RuleSet) -> Scope:
    """What names mean inside the rules of a set."""
    named: list[Parameter | NamedList] = [*ruleset.parameters.values(), *ruleset.lists.values()]
    aliases = {thing.title["zh"]: thing.id for thing in named}
    aliases |= {f"自定义.{fact.title['zh']}": fact.id for fact in ruleset.fields.values()}
    for name, derived in ruleset.derive.items():
        aliases.setdefault(derived.title["zh"], name)
    custom = {f"自定义.{fact.title['zh']}": fact for fact in ruleset.fields.values()}
    decided = {}
    if ruleset.policy == "stages":
        actions = [ruleset.vocabulary.actions[name] for name in ruleset.gate_spec.actions]
        decided = {
            one.id: list_of(of_fact(one.args[one.main].type if one.main else "boolean"))
            for one in actions
        }
    return Scope(
        ruleset.vocabulary,
        {p.id: of_fact(p.type, p.unit, p.values) for p in ruleset.parameters.values()},
        {x.id: list_of(of_fact(x.type)) for x in ruleset.lists.values()},
        {name: derived.type for name, derived in ruleset.derive.items()},
        aliases,
        {**ruleset.fields, **custom},
        ruleset.gate,
        frozenset(ruleset.gate_spec.facts),
        decided,
    )


def _derived(ruleset: RuleSet) -> DerivedReads:
    found = DerivedReads()
    for name, derived in ruleset.derive.items():
        found.add(name, derived.node)
    return found


# problems


def _wrong(problem: Problem, places: Mapping[str, str]) -> Wrong:
    path, part = row_of(problem.where, places)
    return Wrong(path, part, problem.zh, problem.en)


def row_of(where: str, places: Mapping[str, str]) -> tuple[str, str]:
    """The row and field a problem's place belongs to: `x rules[0].if[2]` is row `c-2`."""
    _, found, rest = where.partition("rules[")
    rest = rest.partition("]")[2] if found else where
    if rest.startswith(".then"):
        index = re.match(r"\.then\[(\d+)\](?:\.\w+)?(?:\.(\w+))?", rest)
        return (f"a-{index.group(1)}", index.group(2) or "action") if index else ("a", "action")
    if rest.startswith(".active"):
        return "rule", "to" if rest.endswith("to") else "from"
    if rest.startswith((".if", ".pattern")):
        inner = rest.removeprefix(".")
        while inner and inner not in places:
            inner = inner[: max(inner.rfind("["), inner.rfind("."), 0)]
        return places.get(inner, "c"), "t"
    key = rest.removeprefix(".").partition(".")[0]
    return "rule", {"title": "zh", "id": "id", "why": "why"}.get(key, "zh")


# sentences


def sentences(rule: Rule, ruleset: RuleSet) -> dict[str, Said]:
    return {lang: _said(rule, ruleset, lang) for lang in LANGUAGES}


def _said(rule: Rule, ruleset: RuleSet, lang: str) -> Said:
    """The whole sentence, with the conditions and actions found in it marked."""
    whole = rule_sentence(replace(rule, title={"zh": "", "en": ""}), ruleset, lang)
    parts = [sentence(leaf.node, ruleset, lang) for leaf in rule.leaves]
    parts += [action_sentence(call, ruleset, lang) for call in rule.actions]
    pieces: list[tuple[str, bool]] = []
    at = 0
    for part in parts:
        found = whole.find(part, at)
        if found < 0 or not part:
            continue
        pieces += [(whole[at:found], False), (part, True)]
        at = found + len(part)
    pieces.append((whole[at:], False))
    return Said(tuple(piece for piece in pieces if piece[0]))
