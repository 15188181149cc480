"""A rule set compiled: `compile_set(ruleset).decide(facts, now)`.

It means what `reference.evaluate` means, without a trace; the trace of the rules that matter is
made when it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import localcontext
from typing import Any
from zoneinfo import ZoneInfo

from tidegate.engine import clock
from tidegate.engine.compiled.asking import SLOTS, add_rest
from tidegate.engine.compiled.assembly import Code
from tidegate.engine.compiled.blocks import Block, block_of
from tidegate.engine.compiled.closures import Closures
from tidegate.engine.compiled.columns import Column
from tidegate.engine.compiled.concluding import Conclude, no_way, quick
from tidegate.engine.compiled.conclusions import Conclusions, in_three, indexes
from tidegate.engine.compiled.documents import FactDocument, typed_document
from tidegate.engine.compiled.emit import BASE, add_column, add_reading
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
from tidegate.engine.compiled.ruling import Given, Judged, Ruling
from tidegate.engine.evaluation import Context, context_of
from tidegate.engine.language import tree
from tidegate.engine.patterns.matcher import Matcher
from tidegate.engine.patterns.matcher import match as own_match
from tidegate.engine.reference import active
from tidegate.engine.regions import constants_of
from tidegate.engine.rulesets import RuleSet, Stage
from tidegate.engine.settling import list_facts_written
from tidegate.engine.values import EXACT
from tidegate.errors import InputError

# functions whose decimals are rounded by the context of the thread
_ROUNDING_FREE = frozenset(
    (
        "contains", "list_contains", "starts_with", "ends_with", "matches", "exact", "lower_case",
        "upper_case", "string_length", "string", "count", "sum", "min", "max", "distinct",
        "coalesce", "since", "until", "weekday", "date", "hour",
    )
)  # fmt: skip
_SHANGHAI = "Asia/Shanghai"
ZONES: dict[str, ZoneInfo] = {}


@dataclass(frozen=True)
class Part:
    """One block as code: the place of its stage, its rules, and what runs."""

    stage: Stage
    level: int
    last: bool  # the last stratum of its stage: the stage is concluded after it
    block: Block
    run: Any
    quick: Conclude | None
    timed: bool  # some rule has active days
    every: int


class Program:
    """One compiled set. Safe to use from several threads; keeps nothing of a subject."""

    def __init__(self, ruleset: RuleSet, match: Matcher | None = None) -> None:
        self.ruleset = ruleset
        self.match = match or own_match
        with localcontext(EXACT):
            self.constants = constants_of(ruleset)
            self.layout = Layout(ruleset)
            self.closures = Closures(self.layout, self.constants)
            self.parts = _parts(ruleset, self.layout, self.closures, self.constants)
        lazy = list(self.layout.lazy.values())
        self.lazy = lazy
        kept: list[Any] = [None] * self.layout.size
        for slot in lazy:
            kept[slot] = UNSET
        self.blank = tuple(kept[len(HEAD) :])
        self.parts[0].run.__globals__.update(CONTEXT=self.context, BLANK=self.blank)
        self.rounds = _rounds(ruleset)
        self.single = len(self.parts) == 1 and ruleset.policy != "stages"
        first = self.parts[0]
        # one block, no rounding, no active days, a short way to conclude
        self.plain = self.single and not (self.rounds or first.timed) and first.quick is not None
        self._run, self._every = first.run, first.every
        self._conclusions = Conclusions(first.block, first.quick or no_way)
        self._known = self._conclusions.known
        self._nearness: dict[int, Nearness] = {}
        self.overlay = {
            name: self.layout.raw[name] for name in _overlaid(ruleset) if name in self.layout.raw
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
                overlaid = () if self.single else _overlaid(self.ruleset)
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


def _overlaid(ruleset: RuleSet) -> frozenset[str]:
    """Facts that the evaluation itself writes: tags, and what was decided before."""
    written = list_facts_written(ruleset, (name for rule in ruleset.rules for name in rule.writes))
    return frozenset((*written, *(f"decided.{name}" for name in ruleset.gate_spec.actions)))


def _parts(
    ruleset: RuleSet, layout: Layout, closures: Closures, constants: Context
) -> tuple[Part, ...]:
    places = [
        (stage, level, [rule for rule in stage.rules if rule.stratum == level])
        for stage in ruleset.stages
        for level in sorted({rule.stratum for rule in stage.rules}) or [0]
    ]
    staged = len(places) > 1 or ruleset.policy == "stages"
    overlaid = _overlaid(ruleset) if staged else frozenset()
    for name in overlaid:
        layout.slot(layout.raw, name)
    blocks = [
        block_of(ruleset, rules, constants, overlaid, lines=number == 0)
        for number, (_, _, rules) in enumerate(places)
    ]
    layout.identity = _compares_lines(ruleset)
    codes = [_judging(block, closures, number == 0) for number, block in enumerate(blocks)]
    head = Code()
    head.namespace = codes[0].namespace
    if not staged:
        head.add("x = None")
        if _reads_slots(layout, blocks[0]):
            head.add(SLOTS)
    add_reading(layout, head, blocks[0], closures)
    codes[0].body[:0] = head.body
    found: list[Part] = []
    for (stage, level, rules), block, code in zip(places, blocks, codes, strict=True):
        start = code.inner()
        start.add("u = 0")
        code.body[:0] = start.body
        last = level == max((rule.stratum for rule in stage.rules), default=0)
        run = code.function("judge", "doc, x, n" if staged else "doc, given, n, ruling")
        way = None if staged else quick(ruleset, stage, rules)
        timed = any(rule.active_from or rule.active_to for rule in rules)
        found.append(Part(stage, level, last, block, run, way, timed, block.every))
    return tuple(found)


def _reads_slots(layout: Layout, block: Block) -> bool:
    """Whether the slots are needed before any condition left with a rule is asked."""
    return bool(layout.raw or layout.windows or not all(_read(column) for column in block.columns))


def _read(column: Column) -> bool:
    """Whether the column is applied while the document is read."""
    return isinstance(column.subject, tree.Fact) and column.subject.id != "now"


def _judging(block: Block, closures: Closures, first: bool) -> Code:
    """The columns that are not applied while the document is read, and what is left."""
    code = Code()
    code.namespace.update(BASE)
    for column in block.columns:
        if not (first and _read(column)):
            add_column(column, code, closures)
    add_rest(block, code, closures)
    return code


def _compares_lines(ruleset: RuleSet) -> bool:
    """Whether a function takes whole lines, and might ask whether two are the same."""
    lists = {group.id for group in ruleset.vocabulary.groups.values() if group.each}
    nodes: list[tree.Node] = [leaf.node for rule in ruleset.rules for leaf in rule.leaves]
    nodes += [derived.node for derived in ruleset.derive.values()]
    return any(
        isinstance(part, tree.Call)
        and part.function != "count"
        and any(
            isinstance(inner, tree.Fact) and inner.id in lists
            for arg in part.args
            for inner in tree.walk(arg)
        )
        for node in nodes
        for part in tree.walk(node)
    )


def _rounds(ruleset: RuleSet) -> bool:
    """Whether an expression rounds by the thread's decimal context."""
    nodes: list[tree.Node] = [leaf.node for rule in ruleset.rules for leaf in rule.leaves]
    nodes += [derived.node for derived in ruleset.derive.values()]
    return any(
        isinstance(part, tree.Negate)
        or (isinstance(part, tree.Call) and part.function not in _ROUNDING_FREE)
        for node in nodes
        for part in tree.walk(node)
    )
