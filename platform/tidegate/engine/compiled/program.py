"""A rule set compiled: `compile_set(ruleset).decide(facts, now)`.

It means what `reference.evaluate` means, without a trace; the trace of the rules that matter is
made when it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import localcontext
from typing import Any

from tidegate.engine import clock
from tidegate.engine.compiled.asked import SHANGHAI, ZONES, aware, zone_of
from tidegate.engine.compiled.closures import Closures
from tidegate.engine.compiled.conclusions import in_three, indexes
from tidegate.engine.compiled.deciding import deciding
from tidegate.engine.compiled.documents import FactDocument, typed_document
from tidegate.engine.compiled.layout import (
    CURRENCY,
    DOCUMENT,
    HEAD,
    KEPT,
    NOW,
    TYPED,
    UNSET,
    ZONE,
    Layout,
)
from tidegate.engine.compiled.nearness import Nearness
from tidegate.engine.compiled.parts import Part, parts_of
from tidegate.engine.compiled.ruling import Given, Judged, Ruling
from tidegate.engine.compiled.traits import overlaid_in, rounds
from tidegate.engine.evaluation import Context, context_of
from tidegate.engine.language import tree
from tidegate.engine.logic import Truth
from tidegate.engine.looks import check_looks
from tidegate.engine.patterns.matcher import Matcher
from tidegate.engine.patterns.matcher import match as own_match
from tidegate.engine.reference import active
from tidegate.engine.regions import constants_of
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.values import EXACT


class Program:
    """One compiled set. Safe to use from several threads; keeps nothing of a subject."""

    def __init__(self, ruleset: RuleSet, match: Matcher | None = None) -> None:
        self.ruleset = ruleset
        self.match = match or own_match
        with localcontext(EXACT):
            self.constants = constants_of(ruleset)
            self.layout = Layout(ruleset)
            self.closures = Closures(self.layout, self.constants)
            self.parts = parts_of(ruleset, self.layout, self.closures, self.constants)
        lazy = list(self.layout.lazy.values())
        self.lazy = lazy
        kept: list[Any] = [None] * self.layout.size
        for slot in lazy:
            kept[slot] = UNSET
        self.blank = tuple(kept[len(HEAD) :])
        self.parts[0].code.namespace.update(CONTEXT=self.context, BLANK=self.blank)
        self.rounds = rounds(ruleset)
        self.single = len(self.parts) == 1 and ruleset.policy != "stages"
        first = self.parts[0]
        plain = self.single and not (self.rounds or first.timed or ruleset.nested_lists)
        if plain and first.quick is not None:
            self.decide = deciding(self, first.quick)  # type: ignore[method-assign]
        self._nearness: dict[int, Nearness] = {}
        self.overlay = {
            name: self.layout.raw[name] for name in overlaid_in(ruleset) if name in self.layout.raw
        }

    def decide(
        self,
        facts: Mapping[str, Any],
        now: datetime,
        timezone: str = SHANGHAI,
        *,
        currency: str = "CNY",
    ) -> Ruling:
        """Decide one subject, as `reference.evaluate` does.

        `facts` is any fact document; a `FactDocument` is judged as it is, others are typed first.

        Raises:
            InputError: a fact has a value of the wrong kind, or facts are missing under
            `on_missing: fail`.
        """
        if now.tzinfo is not UTC:
            now = aware(now)
        typed = facts if facts.__class__ is FactDocument else self.typed(facts, currency)
        return self._decide((now, ZONES.get(timezone) or zone_of(timezone), facts, typed, currency))

    def slots(self, given: Given) -> list[Any]:
        """The slots of a decision, nothing read yet."""
        return [*given, self.context, None, *self.blank]

    def typed(self, facts: Mapping[str, Any], currency: str) -> FactDocument:
        """The facts the set reads. Raises InputError."""
        with localcontext(EXACT):
            return typed_document(self.ruleset, facts, currency)

    def _decide(self, given: Given) -> Ruling:
        check_looks(self.ruleset, given[2])
        with localcontext(EXACT):
            if not self.single:
                return Ruling.of_stages(self, given)
            part = self.parts[0]
            return Ruling.of_one(self, given, self._open(part, given))

    def _open(self, part: Part, x: Sequence[Any]) -> int:
        """Bits of the rules that are active at the instant of the decision."""
        if not part.timed:
            return part.every
        return self.open_on(part, x[NOW].astimezone(x[ZONE]).date())

    def open_on(self, part: Part, day: date) -> int:
        """Bits of the rules that are active on a day of the shop."""
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        zone = clock.zone("UTC")
        return sum(
            1 << index for index, rule in enumerate(part.block.rules) if active(rule, noon, zone)
        )

    def context(self, x: list[Any]) -> Context:
        """The reference's view of the same decision, made once when something needs it."""
        found: Context | None = x[KEPT]
        if found is None:
            found = context_of(
                self.ruleset, x[DOCUMENT], x[NOW], str(x[ZONE].key), x[CURRENCY], self.match
            )
            x[KEPT] = found
        return found

    def resolve(self, part: Part, x: list[Any], maybe: int) -> int:
        """Those of the rules that are really unknown: none of their remaining conditions is
        false.
        """
        found = 0
        rest = part.block.rest
        while maybe:
            index = maybe.bit_length() - 1
            bit = 1 << index
            maybe ^= bit
            if all(self.leaf(node, x) is not False for node in rest[index]):
                found |= bit
        return found

    def leaf(self, node: tree.Node, x: list[Any]) -> Any:
        """The truth of a condition that is left with a rule, computed once per decision."""
        slot = self.layout.lazy.get(("leaf", node))
        if slot is None:
            return self.closures.of(node)(x)
        value = x[slot]
        if value is UNSET:
            value = x[slot] = self.closures.of(node)(x)
        return value

    def near(
        self, part: Part, x: list[Any], written: Mapping[str, object], among: int
    ) -> dict[int, tuple[int, Truth]]:
        """The rules of a block, by index, that one leaf kept from holding: its place and result."""
        key = id(part)
        with localcontext(EXACT):
            if key not in self._nearness:
                overlaid = () if self.single else overlaid_in(self.ruleset)
                self._nearness[key] = Nearness(
                    self.ruleset, part.block.rules, self.constants, overlaid
                )
            return self._nearness[key].near(x, written, among)

    def publish(self, x: list[Any], written: Mapping[str, object]) -> None:
        """Make what the evaluation wrote visible to the conditions that follow."""
        context = self.context(x)
        context.facts.written.update(written)
        context.derived.clear()
        for name, slot in self.overlay.items():
            if name in context.facts.written:
                x[slot] = context.facts.written[name]
        for slot in self.lazy:
            x[slot] = UNSET

    def judge(self, part: Part, x: list[Any]) -> Judged:
        """One block of a program of several."""
        fired, unclear, maybe = in_three(part.run(x[TYPED], x, self._open(part, x)))
        return Judged(part, indexes(fired), unclear | self.resolve(part, x, maybe))


def compile_set(ruleset: RuleSet, match: Matcher | None = None) -> Program:
    """The set as a program; `match` searches patterns in place of our own matcher."""
    return Program(ruleset, match)
