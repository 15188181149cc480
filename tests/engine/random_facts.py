"""Random fact documents for a set, drawn to where its rules can tip: its constants, and one step
to either side of them; missing values, empty lists, other currencies, odd spellings of text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import random_literals as literals

from tidegate.engine.language import tree
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.values import Money, decimal_text, duration_text
from tidegate.engine.vocabulary import Fact

Pool = dict[type, list[Any]]


def constants(ruleset: RuleSet) -> Pool:
    """All constants of a set by their Python type: literals, parameters, lists."""
    found: Pool = {Decimal: [], Money: [], timedelta: [], datetime: [], date: [], str: [], bool: []}
    for value in _constants(ruleset):
        if type(value) in found:
            found[type(value)].append(value)
    return found


def _constants(ruleset: RuleSet) -> Iterator[object]:
    for parameter in ruleset.parameters.values():
        yield from (parameter.value, parameter.low, parameter.high)
    for named in ruleset.lists.values():
        yield from named.values
    nodes = [derived.node for derived in ruleset.derive.values()]
    nodes += [leaf.node for rule in ruleset.rules for leaf in rule.leaves]
    for node in nodes:
        yield from (part.value for part in tree.walk(node) if isinstance(part, tree.Literal))


class FactDocuments:
    """Makes many documents for one set; `missing` is the share of facts that are absent."""

    def __init__(self, ruleset: RuleSet, missing: float = 0.12) -> None:
        self.ruleset = ruleset
        self.missing = missing
        self.pool = constants(ruleset)
        self.spans = [*self.pool[timedelta], *literals.SPANS[:4]]
        read = ruleset.facts_read
        vocabulary = ruleset.vocabulary
        known = [*vocabulary.facts.values(), *ruleset.fields.values()]
        self.facts = [f for f in known if f.id in read and f.group not in vocabulary.variables]
        self.lists = [
            (group, [f for f in known if f.group == group.each])
            for group in vocabulary.groups.values()
            if group.each
            and any(name == group.id or name.partition(".")[0] == group.each for name in read)
        ]
        self.read = read

    def document(self, rng: Random, now: datetime = literals.NOW) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if rng.random() < 0.1:
            found["order"] = {"currency": rng.choice(literals.CURRENCIES)}
        missing = rng.choice((0.0, self.missing, self.missing, 0.5))
        for fact in self.facts:
            if rng.random() >= missing:
                found.setdefault(fact.group, {})[fact.field_name] = self._fact(rng, fact, now)
        for group, fields in self.lists:
            if rng.random() >= missing:
                found[group.id] = self._lines(rng, fields, missing, now)
        return found

    def _lines(
        self, rng: Random, fields: Iterable[Fact], missing: float, now: datetime
    ) -> list[dict[str, Any]]:
        wanted = [fact for fact in fields if fact.id in self.read or rng.random() < 0.2]
        return [
            {
                fact.field_name: self.value(rng, fact, now)
                for fact in wanted
                if rng.random() >= missing
            }
            for _ in range(rng.choice((0, 1, 1, 2, 3)))
        ]

    def _fact(self, rng: Random, fact: Fact, now: datetime) -> Any:
        if not fact.window or rng.random() < 0.4:
            return self.value(rng, fact, now)
        spans = {
            duration_text(span)
            for span in rng.sample(self.spans, min(3, len(self.spans)))
            if span >= timedelta(0)
        }
        return {span: self.value(rng, fact, now) for span in sorted(spans)}

    def value(self, rng: Random, fact: Fact, now: datetime) -> Any:
        if rng.random() < 0.02:
            return None
        if fact.type == "texts":
            return [self._text(rng) for _ in range(rng.choice((0, 1, 2, 3)))]
        if fact.type == "choice":
            return _spelled(rng, rng.choice(fact.values)) if rng.random() < 0.95 else "other"
        return _MAKE[fact.type](self, rng, now)

    def _near(self, rng: Random, kind: type, step: Any) -> Any:
        """A constant of the set, or one step to either side of it."""
        known = self.pool[kind]
        return (
            rng.choice(known) + rng.choice((-1, 0, 0, 1)) * step
            if known and rng.random() < 0.8
            else None
        )

    def _number(self, rng: Random, now: datetime) -> Any:
        near = self._near(rng, Decimal, rng.choice((Decimal(1), Decimal("0.01"))))
        value = literals.number(rng) if near is None else near
        if value == value.to_integral_value() and abs(value) < 10**15 and rng.random() < 0.5:
            return int(value)
        return value if rng.random() < 0.5 else decimal_text(value)

    def _money(self, rng: Random, now: datetime) -> Any:
        known = self.pool[Money]
        near = rng.choice(known) if known and rng.random() < 0.8 else literals.money(rng)
        amount = near.amount + rng.choice((-1, 0, 0, 1)) * Decimal("0.01")
        currency = near.currency if rng.random() < 0.9 else rng.choice(literals.CURRENCIES)
        if rng.random() < 0.15:
            return decimal_text(amount)
        return f"{amount:f} {currency}"

    def _span(self, rng: Random, now: datetime) -> str:
        near = self._near(rng, timedelta, literals.TICK)
        return duration_text(literals.span(rng) if near is None else near)

    def _instant(self, rng: Random, now: datetime) -> str:
        near = self._near(rng, datetime, literals.TICK) if rng.random() < 0.4 else None
        if near is None and rng.random() < 0.7:
            near = (
                now
                + rng.choice((-1, 1)) * rng.choice(self.spans)
                + rng.choice((-1, 0, 0, 1)) * literals.TICK
            )
        return str((near or literals.instant(rng)).isoformat())

    def _day(self, rng: Random, now: datetime) -> str:
        near = self._near(rng, date, timedelta(days=1))
        return str((near or literals.day(rng)).isoformat())

    def _text(self, rng: Random, now: datetime | None = None) -> str:
        known = self.pool[str]
        return (
            _spelled(rng, rng.choice(known))
            if known and rng.random() < 0.75
            else literals.text(rng)
        )


def _spelled(rng: Random, text: str) -> str:
    """The text as another system might send it."""
    shape = rng.random()
    if shape < 0.6:
        return text
    if shape < 0.7:
        return text.upper() if rng.random() < 0.5 else text.lower()
    if shape < 0.8:
        return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)
    if shape < 0.9:
        return f"{literals.text(rng)}{text}{literals.text(rng)}"
    return f"  {text}\u3000" if rng.random() < 0.5 else text[: len(text) // 2]


_MAKE = {
    "text": FactDocuments._text,
    "number": FactDocuments._number,
    "money": FactDocuments._money,
    "duration": FactDocuments._span,
    "instant": FactDocuments._instant,
    "date": FactDocuments._day,
    "boolean": lambda self, rng, now: rng.random() < 0.5,
}
