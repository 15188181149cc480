"""A rule set compiled: `compile_set(ruleset).decide(facts, now)`.

It means what `reference.evaluate` means, without a trace; the trace of the rules that matter is
made when it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import localcontext
from typing import Any
from zoneinfo import ZoneInfo

from tidegate.engine import clock
from tidegate.engine.compiled.closures import Closures
from tidegate.engine.compiled.concluding import Outcomes, apart, no_way
from tidegate.engine.compiled.conclusions import Conclusions, in_three, indexes
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
from tidegate.engine.looks import check_looks
from tidegate.engine.patterns.matcher import Matcher
from tidegate.engine.patterns.matcher import match as own_match
from tidegate.engine.reference import active
from tidegate.engine.regions import constants_of
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.values import EXACT
from tidegate.errors import InputError

_SHANGHAI = "Asia/Shanghai"
ZONES: dict[str, ZoneInfo] = {}


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
        self.parts[0].run.__globals__.update(CONTEXT=self.context, BLANK=self.blank)
        self.rounds = rounds(ruleset)
        self.single = len(self.parts) == 1 and ruleset.policy != "stages"
        first = self.parts[0]
        # one block, no rounding, no active days, a short way to conclude
        self.plain = self.single and not (self.rounds or first.timed) and first.quick is not None
        self.plain = self.plain and not ruleset.nested_lists
        self._run, self._every = first.run, first.every
        self._conclusions = Conclusions(first.block, first.quick or no_way)
        self._known = self._conclusions.known
        alone = apart(ruleset, first.stage, first.block.rules) if self.plain else None
        self._apart: list[Outcomes] | None = None if alone is None else [(), *alone]
        self._marks = [0, *(1 << index for index in range(len(first.block.rules)))]
        self._nearness: dict[int, Nearness] = {}
        self.overlay = {
            name: self.layout.raw[name] for name in overlaid_in(ruleset) if name in self.layout.raw
        }

    def decide(
        self,
        facts: Mapping[str, Any],
        now: datetime,
        timezone: str = _SHANGHAI,
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
            now = _aware(now)
        typed = facts if facts.__class__ is FactDocument else self._typed(facts, currency)
        zone = ZONES.get(timezone) or _zone(timezone)
        given = (now, zone, facts, typed, currency)
        if not self.plain:
            return self._decide(given)
        ruling = Ruling()  # straight on: this is the product's hottest path
        ruling.program, ruling._given = self, given
        ruling._judged = judged = self._run(typed, given, self._every, ruling)
        if self._apart is not None:
            outcomes, marks = self._apart, self._marks
            said: Outcomes = ()
            open_rules = judged if judged.__class__ is int else judged[0]
            while open_rules:  # from the last to the first; the lists begin at one
                place = open_rules.bit_length()
                said = outcomes[place] + said
                open_rules ^= marks[place]
            ruling.actions = said
            return ruling
        found = self._known.get(judged)
        if found is None:
            found = self._conclusions.of(judged, ruling)
        ruling.actions = tuple(ruling.settled().actions) if found is None else found
        return ruling

    def slots(self, given: Given) -> list[Any]:
        """The slots of a decision, nothing read yet."""
        return [*given, self.context, None, *self.blank]

    def _typed(self, facts: Mapping[str, Any], currency: str) -> FactDocument:
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

    def near(self, part: Part, x: list[Any], written: Mapping[str, object], among: int) -> int:
        """Bits of the rules of a block that one leaf kept from holding."""
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


def _aware(now: datetime) -> datetime:
    if now.tzinfo is None:
        raise InputError(
            "time.naive",
            zh="now 需要时区偏移，如 2026-11-11T09:00:00+08:00",
            en="now needs its offset, as in 2026-11-11T09:00:00+08:00",
        )
    return now.astimezone(UTC)


def _zone(name: str) -> ZoneInfo:
    """The zone, remembered. Raises InputError."""
    found = clock.zone(name)
    if len(ZONES) < 1_000:
        ZONES[name] = found
    return found
