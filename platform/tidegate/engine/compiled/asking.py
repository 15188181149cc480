"""Code that asks what no column holds: the conditions left with the rules, of candidates only.

`n` are the rules still open, `u` those something of which is unknown; `given` is what the decision
was asked with. The slots `x` are made only when a closure needs them, and kept with the ruling.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from tidegate.engine.compiled.assembly import Code, either
from tidegate.engine.compiled.blocks import Block
from tidegate.engine.compiled.closures import Closures
from tidegate.engine.compiled.emit import remembered
from tidegate.engine.language import tree

TOGETHER = 8  # conditions asked once for all their rules; the others rule by rule

_UNCLEAR = """
unclear = maybe = 0
if u:
    maybe = n & u
    n ^= maybe
"""
_ASK = """
t = x[S]
if t is UNSET:
    t = x[S] = F(x)
"""
_EVERY = """
t = None if rows is None else len(rows) > 0
for r in rows or ():
    a = r.get(LEFT)
    b = r.get(RIGHT)
    if a is None or b is None:
        t = None
    elif not a {op} b:
        t = False
        break
"""
_CLOSE = """
if t is None:
    unclear |= m
    n &= OTHERS
elif not t:
    n &= OTHERS
    unclear &= OTHERS
"""
_RULE_BY_RULE = """
while m:
    i = m.bit_length() - 1
    b = BITS[i]
    m ^= b
    for s, f in REST[i]:
        t = x[s]
        if t is UNSET:
            t = x[s] = f(x)
        if t is None:
            unclear |= b
            n &= ~b
        elif not t:
            n &= ~b
            unclear &= ~b
            break
"""
SLOTS = "if x is None:\n    x = ruling._x = [*given, CONTEXT, None, *BLANK]"
RETURN = "return (n, unclear, maybe) if unclear or maybe else n"


def add_rest(block: Block, code: Code, closures: Closures) -> None:
    """Code that leaves in `n`, `unclear` and `maybe` what `Found` says."""
    code.add(_UNCLEAR)
    together = _asked_together(block)
    for place, node in enumerate(together):
        _add_shared(node, block, code, closures, "(n | unclear)" if place else "n")
    left = [[node for node in nodes if node not in together] for nodes in block.rest]
    if any(left):
        _add_left(left, code, closures)


def _asked_together(block: Block) -> list[tree.Node]:
    counted = Counter(node for nodes in block.rest for node in nodes)
    return [node for node, _ in counted.most_common(TOGETHER)]


def _add_shared(
    node: tree.Node, block: Block, code: Code, closures: Closures, candidates: str
) -> None:
    bits = sum(1 << index for index, nodes in enumerate(block.rest) if node in nodes)
    body = code.inner()
    fields = closures.compared_fields(node)
    if fields:
        group, left, right, op = fields
        names = {"G": code.bind(group), "LEFT": code.bind(left), "RIGHT": code.bind(right)}
        body.add("rows = doc.get(G)" + _EVERY.format(op=op), names)
    else:
        slot, closure = remembered(node, closures)
        body.add(SLOTS)
        body.add(_ASK, {"S": slot, "F": code.bind(closure)})
    body.add(_CLOSE, {"OTHERS": code.bind(block.every & ~bits)})
    code.add(f"m = {candidates} & R", {"R": code.bind(bits)})
    code.body += either("m", {}, body, code.inner()).body


def _add_left(left: list[list[tree.Node]], code: Code, closures: Closures) -> None:
    rest: list[Any] = [tuple(remembered(node, closures) for node in nodes) for nodes in left]
    body = code.inner()
    body.add(SLOTS)
    body.add(
        _RULE_BY_RULE,
        {"BITS": code.bind([1 << index for index in range(len(left))]), "REST": code.bind(rest)},
    )
    rules = sum(1 << index for index, nodes in enumerate(left) if nodes)
    code.add("m = (n | unclear) & R", {"R": code.bind(rules)})
    code.body += either("m", {}, body, code.inner()).body
