"""Whether a column is read at all: not when every rule that looks at it is closed already."""

from __future__ import annotations

from tidegate.engine.compiled.assembly import Code, either
from tidegate.engine.compiled.columns import Column

ALWAYS = -1  # in place of bits of rules: read it in any case
FEW_RULES = 3
SHARE = 8  # of which one part are few rules too


def looking(column: Column) -> int:
    """Bits of the rules that look at the column, if asking first is likely to pay."""
    few = max(FEW_RULES, column.every.bit_count() // SHARE)
    return column.rules if column.rules.bit_count() <= few else ALWAYS


def while_open(rules: int, body: Code) -> Code:
    """The code, run if one of the rules is still open."""
    if rules == ALWAYS:
        return body
    return either("n & R", {"R": body.bind(rules)}, body, body.inner())
