"""Code for the columns over the lines of a list: one pass over the lines for all columns that many
rules look at, one of its own for each of the others, while such a rule is open.
"""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.engine.compiled.assembly import Code, either
from tidegate.engine.compiled.columns import LineValues, ListClasses, Members
from tidegate.engine.compiled.guards import is_sparse, while_open

FEW_CLASSES = 16  # points of a column up to which its values are gathered as classes
_CLASS = """
try:
    got |= T[r.get(K)]
except KeyError:
    got |= LOOK(r.get(K))
"""
_CLASSES = """
try:
    a, b = KNOWN[got]
except KeyError:
    a, b = END(got)
n &= a
if b:
    u |= b
"""
_VALUE = """
try:
    a, b = T[r.get(K)]
except KeyError:
    a, b = LOOK(r.get(K))
SOME |= a
if b:
    DOUBT |= b
"""


def add_lines(group: str, code: Code, columns: Sequence[Members]) -> None:
    """Code that closes rules by what stands on the lines of `group`."""
    sparse = [column for column in columns if is_sparse(column.rules, column.inner.every)]
    dense = [column for column in columns if column not in sparse]
    for together in ([dense] if dense else []) + [[column] for column in sparse]:
        rules = 0
        for column in together:
            rules |= column.rules
        code.body += while_open(rules, _one_pass(group, code, together, rules)).body


def _one_pass(group: str, code: Code, columns: Sequence[Members], rules: int) -> Code:
    found, first, each, last, missing = (code.inner() for _ in range(5))
    few = [column for column in columns if _has_few_classes(column)]
    if few:
        _by_class(few, first, each, last)
    for place, column in enumerate(column for column in columns if column not in few):
        _by_rules(column, place, first, each, last)
    first.add("for r in rows:\n    BODY", {}, each)
    first.body += last.body
    missing.add("u |= R", {"R": code.bind(rules)})
    found.add("rows = doc.get(G)", {"G": code.bind(group)})
    found.body += either("rows is not None", {}, first, missing).body
    return found


def _has_few_classes(column: Members) -> bool:
    """Whether the values of its lines can do few different things."""
    points = {point for own in column.inner.points.values() for point in own}
    return column.inner.kind in ("text", "boolean") and len(points) <= FEW_CLASSES


def _by_class(columns: Sequence[Members], first: Code, each: Code, last: Code) -> None:
    """One small number for all lines and columns; what it means is remembered."""
    together = ListClasses(columns)
    first.add("got = 0")
    for classes in together.columns:
        names = {"K": first.bind(classes.members.field), "T": first.bind(classes.seen)}
        each.add(_CLASS, {"LOOK": first.bind(classes.look), **names})
    last.add(_CLASSES, {"KNOWN": first.bind(together.known), "END": first.bind(together.conclude)})


def _by_rules(column: Members, place: int, first: Code, each: Code, last: Code) -> None:
    """The rules that hold for some line, and those in doubt on one."""
    names: dict[str, str | int] = {"SOME": f"some{place}", "DOUBT": f"doubt{place}"}
    values = LineValues(column.inner)
    first.add("SOME = DOUBT = 0", names)
    table = {"T": first.bind(values.seen), "LOOK": first.bind(values.look)}
    each.add(_VALUE, {"K": first.bind(column.field), **table, **names})
    _conclude(column, names, last)


def _conclude(column: Members, names: dict[str, str | int], code: Code) -> None:
    """From what any line had to the rules that stay open; a doubt takes the longer way."""
    sure, doubtful = code.inner(), code.inner()
    others = code.bind(column.inner.every & ~column.rules)
    if column.no:
        sure.add("n &= SOME ^ NO | OTHERS", {"NO": code.bind(column.no), "OTHERS": others, **names})
    else:
        sure.add("n &= SOME | OTHERS", {"OTHERS": others, **names})
    end = code.bind(column.conclude)
    doubtful.add("a, b = END(SOME, DOUBT)\nn &= a\nu |= b", {"END": end, **names})
    code.body += either("DOUBT", names, doubtful, sure).body
