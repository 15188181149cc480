"""Code for the columns over the lines of a list: one pass over the lines, whatever their number."""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.engine.compiled.assembly import Code, either
from tidegate.engine.compiled.columns import LineValues, Members
from tidegate.engine.compiled.guards import while_open

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
    """Code that closes rules by what stands on the lines of `group`, if one that looks there is
    still open.
    """
    if not columns:
        return
    each, asked, missing, read = code.inner(), code.inner(), code.inner(), code.inner()
    rules = 0
    for place, column in enumerate(columns):
        rules |= column.some | column.no
        names = {"SOME": f"some{place}", "DOUBT": f"doubt{place}"}
        values = LineValues(column.inner)
        asked.add("SOME = DOUBT = 0", names)
        each.add(
            _VALUE,
            {
                "T": code.bind(values.seen),
                "LOOK": code.bind(values.look),
                "K": code.bind(column.field),
                **names,
            },
        )
    asked.add("for r in rows:\n    BODY", {}, each)
    for place, column in enumerate(columns):
        _conclude(column, {"SOME": f"some{place}", "DOUBT": f"doubt{place}"}, asked)
    missing.add("u |= R", {"R": code.bind(rules)})
    read.add("rows = doc.get(G)", {"G": code.bind(group)})
    read.body += either("rows is not None", {}, asked, missing).body
    code.body += while_open(rules, read).body


def _conclude(column: Members, names: dict[str, str], code: Code) -> None:
    """From what any line had to the rules that stay open; a doubt takes the longer way."""
    others = code.bind(column.inner.every & ~(column.some | column.no))
    sure, doubtful = code.inner(), code.inner()
    if column.no:
        sure.add("n &= SOME ^ NO | OTHERS", {"NO": code.bind(column.no), "OTHERS": others, **names})
    else:
        sure.add("n &= SOME | OTHERS", {"OTHERS": others, **names})
    doubtful.add(
        "a, b = END(SOME, DOUBT)\nn &= a\nu |= b", {"END": code.bind(column.conclude), **names}
    )
    code.body += either("DOUBT", names, doubtful, sure).body
