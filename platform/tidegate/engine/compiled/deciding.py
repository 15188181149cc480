"""The whole decision of a plain program as one function: it is the product's hottest path, and every call and every
look at an object costs.

A program is plain that has one block, nothing to round, no active days and a short way to conclude.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from typing import TYPE_CHECKING

from tidegate.engine.compiled.asked import SHANGHAI, ZONES, aware, zone_of
from tidegate.engine.compiled.assembly import Code
from tidegate.engine.compiled.concluding import Conclude, apart
from tidegate.engine.compiled.conclusions import Conclusions
from tidegate.engine.compiled.documents import FactDocument
from tidegate.engine.compiled.ruling import Ruling

if TYPE_CHECKING:
    from tidegate.engine.compiled.program import Program

_ASKED = """
if now.tzinfo is not UTC:
    now = aware(now)
doc = facts if facts.__class__ is FactDocument else typed(facts, currency)
given = now, ZONES.get(timezone) or zone_of(timezone), facts, doc, currency
ruling = Ruling()
ruling.program = program
ruling._given = given
n = EVERY
"""
_JUDGED = "ruling._judged = judged = (n, unclear, maybe) if unclear or maybe else n"
_APART = """
said = ()
while n:
    place = n.bit_length()
    said = SAID[place] + said
    n ^= MARKS[place]
ruling.actions = said
return ruling
"""
_WHERE_APART = "if n & DECIDING and not n & MEETING:\n    n &= STANDING\n    BODY"
_TOGETHER = """
found = KNOWN.get(judged)
if found is None:
    found = CONCLUDE(judged, ruling)
ruling.actions = tuple(ruling.settled().actions) if found is None else found
return ruling
"""


def deciding(program: Program, quick: Conclude) -> Callable[..., Ruling]:
    """`Program.decide` of a plain program; `quick` is its short way to conclude."""
    part = program.parts[0]
    code = part.code.inner()
    code.namespace.update(
        UTC=UTC, aware=aware, zone_of=zone_of, FactDocument=FactDocument, Ruling=Ruling
    )
    code.namespace.update(program=program, typed=program.typed)
    code.add(_ASKED, {"EVERY": code.bind(part.every), "ZONES": code.bind(ZONES)})
    code.body += part.code.body
    _conclude(program, quick, code)
    found = code.function("decide", "facts, now, timezone, *, currency")
    found.__defaults__, found.__kwdefaults__ = (SHANGHAI,), {"currency": "CNY"}
    return found


def _conclude(program: Program, quick: Conclude, code: Code) -> None:
    part = program.parts[0]
    code.add(_JUDGED)
    alone = apart(program.ruleset, part.stage, part.block.rules)
    if alone:
        own = code.inner()
        marks = [0, *(1 << index for index in range(len(part.block.rules)))]
        own.add(_APART, {"SAID": code.bind(alone.said), "MARKS": code.bind(marks)})
        if alone.always:
            code.body += own.body
            return
        bits = {"DECIDING": alone.deciding, "MEETING": alone.meeting, "STANDING": alone.standing}
        code.add(_WHERE_APART, {name: code.bind(value) for name, value in bits.items()}, own)
    conclusions = Conclusions(part.block, quick)
    known, conclude = code.bind(conclusions.known), code.bind(conclusions.of)
    code.add(_TOGETHER, {"KNOWN": known, "CONCLUDE": conclude})
