"""The publish gate: a draft is judged by both evaluators on recent subjects and on changed copies of
them that push every condition both ways. One difference keeps the draft from being published.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from tidegate.engine.agreement import Disagreement, compare
from tidegate.engine.compiled import compile_set
from tidegate.engine.language import tree
from tidegate.engine.regions import constants_of, of_kind, representatives, unary
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.values import plain
from tidegate.engine.vocabulary import Fact

MUTATIONS = 5_000
ABSENT: tuple[object, ...] = (None,)


@dataclass(frozen=True)
class Age:
    """How long ago an instant is to be; what `since` compares."""

    span: Any


@dataclass(frozen=True)
class Failure:
    """The subject (its place among those given) and, for a changed copy, the fact that was changed."""

    subject: int
    fact: str
    difference: Disagreement


@dataclass(frozen=True)
class Report:
    """`real` and `mutated` subjects were judged twice; `failures` are empty when all agree."""

    real: int
    mutated: int
    failures: tuple[Failure, ...]

    @property
    def passed(self) -> bool:
        return self.real + self.mutated > 0 and not self.failures


def agree(
    ruleset: RuleSet,
    subjects: Sequence[tuple[Mapping[str, Any], datetime]],
    *,
    seed: int = 0,
    timezone: str = "Asia/Shanghai",
    currency: str = "CNY",
    mutations: int = MUTATIONS,
) -> Report:
    """Judge documents, each at its instant, and at most so many changed copies of them.

    Copies are dealt evenly: every value that matters to some condition is tried, on a subject drawn
    with `seed`. Without subjects nothing is shown, and the report does not pass.
    """
    program = compile_set(ruleset)
    failures: list[Failure] = []
    for place, (facts, now) in enumerate(subjects):
        difference = compare(program, facts, now, timezone, currency=currency)
        if difference:
            failures.append(Failure(place, "", difference))
    mutated = 0
    rng = Random(seed)  # noqa: S311  only deals copies to subjects
    for name, value in _within(list(pushes(ruleset, currency)), mutations, rng) if subjects else ():
        place = rng.randrange(len(subjects))
        facts, now = subjects[place]
        difference = compare(
            program,
            changed(ruleset, facts, name, _at(value, now)),
            now,
            timezone,
            currency=currency,
        )
        mutated += 1
        if difference:
            failures.append(Failure(place, name, difference))
    return Report(len(subjects), mutated, tuple(failures))


def pushes(ruleset: RuleSet, currency: str = "CNY") -> Iterator[tuple[str, object]]:
    """(fact, value) pairs that between them give every comparison with a constant each result it
    can have, the fact's absence included; an `Age` for instants whose age is compared.
    """
    constants = constants_of(ruleset)
    points: dict[str, dict[object, None]] = {name: {} for name in ruleset.facts_checked}
    for node in _conditions(ruleset):
        test = unary(node, constants)
        if test and (name := _aged(test.subject)) in points:
            spans: list[Any] = representatives(of_kind(test.points, "duration", currency))
            ahead = isinstance(test.subject, tree.Call) and test.subject.function == "until"
            points[name].update(dict.fromkeys(Age(-span if ahead else span) for span in spans))
            continue
        name = _fact_of(test.subject) if test else ""
        if test and name in points:
            fact = _declared(ruleset, name)
            kind = fact.type if fact else ""
            points[name].update(dict.fromkeys(of_kind(test.points, kind, currency)))
    for name, found in points.items():
        declared = _declared(ruleset, name)
        kind = declared.type if declared else ""
        ages = [point for point in found if isinstance(point, Age)]
        others = representatives(point for point in found if not isinstance(point, Age))
        values = [False, True] if kind == "boolean" else [*others, *ages]
        for value in (*values, *ABSENT):
            yield name, value


def changed(ruleset: RuleSet, facts: Mapping[str, Any], name: str, value: object) -> dict[str, Any]:
    """A copy of the document with one fact set (on every line, for a line's fact)."""
    group, _, field = name.partition(".")
    lists = ruleset.vocabulary.variables
    said = plain(value)
    if not field:
        return {**facts, group: said}
    if group in lists:
        rows = facts.get(lists[group])
        if not isinstance(rows, Sequence):
            return dict(facts)
        return {**facts, lists[group]: [{**row, field: said} for row in rows]}
    held = facts.get(group)
    return {**facts, group: {**(held if isinstance(held, Mapping) else {}), field: said}}


def _conditions(ruleset: RuleSet) -> Iterator[tree.Node]:
    """Every condition and everything inside one."""
    nodes = [leaf.node for rule in ruleset.rules for leaf in rule.leaves]
    nodes += [derived.node for derived in ruleset.derive.values()]
    for node in dict.fromkeys(nodes):
        yield from tree.walk(node)


def _fact_of(subject: tree.Node) -> str:
    if isinstance(subject, tree.Fact):
        return subject.id
    return subject.fact if isinstance(subject, tree.Member | tree.Window) else ""


def _aged(subject: tree.Node) -> str:
    """The fact whose age `since` (or `until`) measures; empty for anything else."""
    if isinstance(subject, tree.Call) and subject.function in ("since", "until"):
        return _fact_of(subject.args[0])
    return ""


def _at(value: object, now: datetime) -> object:
    """An age as the instant it counts from."""
    return now - value.span if isinstance(value, Age) else value


def _declared(ruleset: RuleSet, name: str) -> Fact | None:
    return ruleset.fields.get(name) or ruleset.vocabulary.facts.get(name)


def _within(pairs: list[tuple[str, object]], most: int, rng: Random) -> list[tuple[str, object]]:
    return pairs if len(pairs) <= most else rng.sample(pairs, most)
