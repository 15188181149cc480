"""Whether a column is read at all: not when every rule that looks at it is closed already."""

from __future__ import annotations

from tidegate.engine.compiled.assembly import Code, either
from tidegate.engine.compiled.columns import Column

ALWAYS = -1  # in place of bits of rules: read it in any case
FEW_RULES = 3
SHARE = 8  # of which one part are few rules too


def is_sparse(rules: int, every: int) -> bool:
    """Whether these are few of the rules: then it is likely to pay to ask first."""
    return rules.bit_count() <= max(FEW_RULES, every.bit_count() // SHARE)


def looking(column: Column) -> int:
    """Bits of the rules that look at the column; `ALWAYS` if they are many."""
    return column.rules if is_sparse(column.rules, column.every) else ALWAYS


def while_open(rules: int, body: Code) -> Code:
    """The code, run if one of the rules is still open."""
    if rules == ALWAYS:
        return body
    return either("n & R", {"R": body.bind(rules)}, body, body.inner())
