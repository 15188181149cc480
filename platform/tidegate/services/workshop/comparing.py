"""Two versions of a set compared in sentences, in both languages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tidegate.engine.language.rendering import literal_text
from tidegate.engine.language.sentences import (
    action_sentence,
    derived_sentence,
    rule_sentence,
    stage_sentences,
)
from tidegate.engine.rulesets import Case, NamedList, Parameter, Rule, RuleSet
from tidegate.services.workshop.model import Words

LANGS = ("zh", "en")
SHOWN = 20  # values of a list that are named one by one


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs. kind: added, removed, changed, moved, switched_on, switched_off; part:
    head, parameter, list, derived, rule, table, tests. Absent sides are None.
    """

    part: str
    kind: str
    id: str
    title: Words
    before: Words | None = None
    after: Words | None = None


@dataclass(frozen=True, slots=True)
class Diff:
    set_id: str
    changes: tuple[Change, ...]

    @property
    def empty(self) -> bool:
        return not self.changes


def compare(before: RuleSet, after: RuleSet) -> Diff:
    """What a reader of `before` has to know about `after`; empty when they mean and test the same."""
    found: list[Change] = []
    for part in (_head, _parameters, _lists, _derived, _rules, _stages, _tests):
        found += part(before, after)
    return Diff(after.id, tuple(found))


def _same_in_both(text: str) -> Words:
    return dict.fromkeys(LANGS, text)


def _head(before: RuleSet, after: RuleSet) -> Iterator[Change]:
    titles = {"title": {"zh": "名称", "en": "Title"}, "policy": {"zh": "命中策略", "en": "Hit policy"},
              "four_eyes": {"zh": "双人复核", "en": "Four eyes"}, "note": {"zh": "备注", "en": "Note"}}  # fmt: skip
    if before.title != after.title:
        yield Change("head", "changed", "title", titles["title"], before.title, after.title)
    for key in ("policy", "note", "four_eyes"):
        one, other = getattr(before, key), getattr(after, key)
        if one != other:
            shown = (_switch(one), _switch(other)) if key == "four_eyes" else (
                _same_in_both(str(one)), _same_in_both(str(other)))  # fmt: skip
            yield Change("head", "changed", key, titles[key], *shown)


def _switch(on: bool) -> Words:
    return {"zh": "开" if on else "关", "en": "on" if on else "off"}


def _entries(
    part: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    title: Callable[[Any], Words],
    said: Callable[[Any], Words],
) -> Iterator[Change]:
    for name in dict.fromkeys((*before, *after)):
        one, other = before.get(name), after.get(name)
        if one is None and other is not None:
            yield Change(part, "added", name, title(other), None, said(other))
        elif other is None and one is not None:
            yield Change(part, "removed", name, title(one), said(one), None)
        elif one != other:
            yield Change(part, "changed", name, title(other), said(one), said(other))


def _parameters(before: RuleSet, after: RuleSet) -> Iterator[Change]:
    def said(p: Parameter) -> Words:
        unit = f" {p.unit}" if p.unit else ""
        bounds = [literal_text(v) if v is not None else "…" for v in (p.low, p.high)]
        limits = f" ({bounds[0]} – {bounds[1]})" if (p.low, p.high) != (None, None) else ""
        return _same_in_both(f"{literal_text(p.value)}{unit}{limits}")

    return _entries("parameter", before.parameters, after.parameters, lambda p: p.title, said)


def _lists(before: RuleSet, after: RuleSet) -> Iterator[Change]:
    for name in dict.fromkeys((*before.lists, *after.lists)):
        one, other = before.lists.get(name), after.lists.get(name)
        if one == other:
            continue
        title = (other or one).title  # type: ignore[union-attr]  # one of them is there
        gone, new = _without(one, other), _without(other, one)
        kind = "added" if one is None else "removed" if other is None else "changed"
        yield Change(
            "list", kind, name, title, _listed(gone) if gone else None,
            _listed(new) if new else None,
        )  # fmt: skip


def _without(some: NamedList | None, others: NamedList | None) -> list[str]:
    known = set(others.values) if others else set()
    return [literal_text(v) for v in (some.values if some else ()) if v not in known]


def _listed(values: Sequence[str]) -> Words:
    more = len(values) - SHOWN
    text = "、".join(values[:SHOWN])
    english = ", ".join(values[:SHOWN])
    return {
        "zh": f"{text} 等 {len(values)} 个" if more > 0 else text,
        "en": f"{english} and {more} more" if more > 0 else english,
    }


def _derived(before: RuleSet, after: RuleSet) -> Iterator[Change]:
    names = dict.fromkeys((*before.derive, *after.derive))
    for name in names:
        one, other = before.derive.get(name), after.derive.get(name)
        if one and other and (one.text, one.title) == (other.text, other.title):
            continue
        said = [
            {lang: derived_sentence(name, ruleset, lang) for lang in LANGS} if there else None
            for ruleset, there in ((before, one), (after, other))
        ]
        kind = "added" if one is None else "removed" if other is None else "changed"
        yield Change("derived", kind, name, (other or one).title, *said)  # type: ignore[union-attr]


# rules


def _rules(before: RuleSet, after: RuleSet) -> Iterator[Change]:
    old = {rule.id: rule for rule in before.written}
    new = {rule.id: rule for rule in after.written}
    for name in dict.fromkeys((*old, *new)):
        one, other = old.get(name), new.get(name)
        if one is None and other is not None:
            yield Change("rule", "added", name, _title(other), None, _said(other, after))
        elif other is None and one is not None:
            yield Change("rule", "removed", name, _title(one), _said(one, before), None)
        elif one is not None and other is not None:
            yield from _rule(one, other, before, after)
    yield from _moves(before, after)


def _rule(one: Rule, other: Rule, before: RuleSet, after: RuleSet) -> Iterator[Change]:
    if one.enabled != other.enabled:
        kind = "switched_on" if other.enabled else "switched_off"
        yield Change("rule", kind, other.id, _title(other), None, _said(other, after))
    if _meaning(one) != _meaning(other):
        yield Change(
            "rule", "changed", other.id, _title(other), _said(one, before), _said(other, after)
        )
    elif (one.title, one.why) != (other.title, other.why):
        yield Change("rule", "renamed", other.id, _title(other), _named(one), _named(other))


def _meaning(rule: Rule) -> object:
    calls = tuple(call.text() for call in rule.actions)
    return rule.condition.text(), calls, rule.active_from, rule.active_to


def _title(rule: Rule) -> Words:
    return rule.title if rule.title.get("zh") else _same_in_both(rule.id)


def _named(rule: Rule) -> Words:
    title = _title(rule)
    return {
        lang: " · ".join(filter(None, (title.get(lang, ""), rule.why.get(lang)))) for lang in LANGS
    }


def _said(rule: Rule, ruleset: RuleSet) -> Words:
    return {lang: rule_sentence(rule, ruleset, lang) for lang in LANGS}


def _moves(before: RuleSet, after: RuleSet) -> Iterator[Change]:
    """Rules whose place among those of both versions changed, where order decides."""
    for one, other in zip(before.stages, after.stages, strict=False):
        if other.policy != "first":
            continue
        common = {rule.id for rule in one.written} & {rule.id for rule in other.written}
        was = [rule.id for rule in one.written if rule.id in common]
        now = [rule.id for rule in other.written if rule.id in common]
        kept = _longest_kept(was, now)
        for rule in other.written:
            if rule.id in common and rule.id not in kept:
                places = [order.index(rule.id) + 1 for order in (was, now)]
                yield Change(
                    "rule", "moved", rule.id, _title(rule),
                    {"zh": f"第 {places[0]} 条", "en": f"place {places[0]}"},
                    {"zh": f"第 {places[1]} 条", "en": f"place {places[1]}"},
                )  # fmt: skip


def _longest_kept(was: Sequence[str], now: Sequence[str]) -> set[str]:
    """The most rules that can be said not to have moved: a longest increasing run."""
    place = {name: index for index, name in enumerate(was)}
    best: list[list[str]] = []
    for name in now:
        runs = [run for run in best if place[run[-1]] < place[name]]
        best.append([*_longest(runs), name])
    return set(_longest(best))


def _longest(runs: Sequence[list[str]]) -> list[str]:
    return max(runs, key=lambda run: len(run)) if runs else []


def _stages(before: RuleSet, after: RuleSet) -> Iterator[Change]:
    """How a stage decides: policy, severity, otherwise, what is missing."""
    for one, other in zip(before.stages, after.stages, strict=False):
        if _heads(one) == _heads(other):
            continue
        title = {"zh": "否则与缺失", "en": "Otherwise and missing facts"}
        said = [
            {lang: " ".join((*stage_sentences(stage, ruleset, lang), _otherwise(stage, ruleset, lang)))
             for lang in LANGS}
            for stage, ruleset in ((one, before), (other, after))
        ]  # fmt: skip
        yield Change("head", "changed", other.id or "otherwise", title, *said)


def _heads(stage: Any) -> object:
    calls = tuple(call.text() for call in stage.otherwise)
    return stage.policy, stage.severity, stage.on_missing, calls


def _otherwise(stage: Any, ruleset: RuleSet, lang: str) -> str:
    said = [action_sentence(call, ruleset, lang) for call in stage.otherwise]
    if lang == "zh":
        return "否则" + ("、".join(said) or "什么都不做")
    return "otherwise " + (", ".join(said) or "nothing happens")


def _tests(before: RuleSet, after: RuleSet) -> Iterator[Change]:
    old, new = _cases(before.cases), _cases(after.cases)
    title = {"zh": "测试", "en": "Tests"}
    for kind, names in (
        ("added", [n for n in new if n not in old]),
        ("removed", [n for n in old if n not in new]),
        ("changed", [n for n in new if n in old and new[n] != old[n]]),
    ):
        if names:
            listed = _listed(names)
            gone = kind == "removed"
            yield Change(
                "tests", kind, "tests", title, listed if gone else None, None if gone else listed
            )


def _cases(cases: Sequence[Case]) -> dict[str, object]:
    return {case.name: (repr(case.given), repr(case.expect), repr(case.at)) for case in cases}
