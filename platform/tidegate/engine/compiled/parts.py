"""A set's blocks as code: one part for each stratum of each stage."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tidegate.engine.compiled.asking import RETURN, SLOTS, add_rest
from tidegate.engine.compiled.assembly import Code
from tidegate.engine.compiled.blocks import Block, block_of
from tidegate.engine.compiled.closures import Closures
from tidegate.engine.compiled.columns import Column
from tidegate.engine.compiled.concluding import Conclude, quick
from tidegate.engine.compiled.emit import BASE, add_column, add_reading
from tidegate.engine.compiled.layout import Layout
from tidegate.engine.compiled.traits import compares_lines, overlaid_in
from tidegate.engine.evaluation import Context
from tidegate.engine.language import tree
from tidegate.engine.rulesets import RuleSet, Stage


@dataclass(frozen=True)
class Part:
    """One block as code: the place of its stage, its rules, and what judges them."""

    stage: Stage
    level: int
    last: bool  # the last stratum of its stage: the stage is concluded after it
    block: Block
    code: Code
    parameters: str
    quick: Conclude | None
    timed: bool  # some rule has active days
    every: int

    @cached_property
    def run(self) -> Any:
        """The function that returns what `Found` says."""
        whole = self.code.inner()
        whole.body += self.code.body
        whole.add(RETURN)
        return whole.function("judge", self.parameters)


def parts_of(
    ruleset: RuleSet, layout: Layout, closures: Closures, constants: Context
) -> tuple[Part, ...]:
    """In the order in which they run; only the first part reads the document."""
    places = [
        (stage, level, [rule for rule in stage.rules if rule.stratum == level])
        for stage in ruleset.stages
        for level in sorted({rule.stratum for rule in stage.rules}) or [0]
    ]
    staged = len(places) > 1 or ruleset.policy == "stages"
    overlaid = overlaid_in(ruleset) if staged else frozenset()
    for name in overlaid:
        layout.slot(layout.raw, name)
    blocks = [
        block_of(ruleset, rules, constants, overlaid, lines=number == 0)
        for number, (_, _, rules) in enumerate(places)
    ]
    layout.identity = compares_lines(ruleset)
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
        parameters = "doc, x, n" if staged else "doc, given, n, ruling"
        way = None if staged else quick(ruleset, stage, rules)
        timed = any(rule.active_from or rule.active_to for rule in rules)
        found.append(Part(stage, level, last, block, code, parameters, way, timed, block.every))
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
