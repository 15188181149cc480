"""Code for the columns over the lines of a list: one pass over the lines for all columns that many
rules look at, one of its own for each of the others, while such a rule is open.
"""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.engine.compiled.assembly import Code, either
from tidegate.engine.compiled.columns import LineValues, Members
from tidegate.engine.compiled.guards import is_sparse, while_open

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
    found, each, asked, missing = (code.inner() for _ in range(4))
    for place, column in enumerate(columns):
        names = {"SOME": f"some{place}", "DOUBT": f"doubt{place}"}
        values = LineValues(column.inner)
        asked.add("SOME = DOUBT = 0", names)
        names |= {"T": code.bind(values.seen), "LOOK": code.bind(values.look)}
        each.add(_VALUE, {"K": code.bind(column.field), **names})
    asked.add("for r in rows:\n    BODY", {}, each)
    for place, column in enumerate(columns):
        _conclude(column, {"SOME": f"some{place}", "DOUBT": f"doubt{place}"}, asked)
    missing.add("u |= R", {"R": code.bind(rules)})
    found.add("rows = doc.get(G)", {"G": code.bind(group)})
    found.body += either("rows is not None", {}, asked, missing).body
    return found


def _conclude(column: Members, names: dict[str, str], code: Code) -> None:
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
