"""From blocks to functions: reading the document, the columns, and the rules left to ask."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tidegate.engine.compiled.assembly import Code
from tidegate.engine.compiled.blocks import Block
from tidegate.engine.compiled.closures import Closures
from tidegate.engine.compiled.columns import (
    MEMO,
    ORDERED,
    Column,
    Members,
    OrderedTable,
    Pair,
    TextTable,
    ordered_table,
    true_and_unknown,
)
from tidegate.engine.compiled.layout import NOW, UNSET, Layout, Row
from tidegate.engine.compiled.spans import span_of
from tidegate.engine.language import tree
from tidegate.engine.values import Money

NOTHING: dict[str, Any] = {}


class Checked(dict[str, Any]):
    """A map from windows to values that `Facts.check` has passed."""

    __slots__ = ()


class Odd(Exception):
    """The document has a value that is not yet of its type: type it, then run again."""


BASE = {"NOTHING": NOTHING, "ODD": Odd, "UNSET": UNSET, "Row": Row, "Money": Money}
BASE |= {"Decimal": Decimal, "datetime": datetime, "date": date, "timedelta": timedelta}
BASE |= {"UTC": UTC, "bisect_left": bisect_left, "bisect_right": bisect_right}
_CHECKS = {
    "text": "if v is not None and v.__class__ is not str:\n    raise ODD",
    "boolean": "if v is not None and v is not True and v is not False:\n    raise ODD",
    "number": (
        "c = v.__class__\n"
        "if v is not None and c is not int and (c is not Decimal or not v.is_finite()):\n"
        "    raise ODD"
    ),
    "money": "if v is not None and v.__class__ is not Money:\n    raise ODD",
    "instant": (
        "if v is not None and (v.__class__ is not datetime or v.tzinfo is not UTC):\n    raise ODD"
    ),
    "date": "if v is not None and v.__class__ is not date:\n    raise ODD",
    "duration": "if v is not None and v.__class__ is not timedelta:\n    raise ODD",
    "texts": (
        "if v is not None:\n"
        "    if v.__class__ is not tuple:\n        raise ODD\n"
        "    for c in v:\n        if c.__class__ is not str:\n            raise ODD"
    ),
}
_CHECKS["choice"] = _CHECKS["text"]


def judge_of(block: Block, code: Code, closures: Closures, locals_: dict[str, str]) -> None:
    """Code that takes `n` (open rules), `u` and `x` and returns (fired, unclear, maybe): indexes
    of rules that fired, ascending; bits of rules known to be unknown; bits of rules that are
    unknown unless one of their remaining conditions is false.

    `locals_` are facts (ids) the code before has put into local names.
    """
    for column in block.columns:
        _column(column, code, closures, locals_)
    rest = [[closures_slot(node, closures) for node in nodes] for nodes in block.rest]
    code.add(_RESOLVE, {
        "BITS": code.bind([1 << index for index in range(len(block.rules))]),
        "REST": code.bind([tuple(parts) or None for parts in rest]),
    })  # fmt: skip


def closures_slot(node: tree.Node, closures: Closures) -> tuple[int, Callable[[Any], Any]]:
    """The slot that remembers a condition, and its closure."""
    return closures.layout.lazy_slot(("leaf", node)), closures.of(node)


_RESOLVE = """
fired = []
unclear = 0
if u:
    maybe = n & u
    m = n ^ maybe
else:
    maybe = 0
    m = n
while m:
    i = m.bit_length() - 1
    m ^= BITS[i]
    r = REST[i]
    if r is None:
        fired.append(i)
        continue
    clear = True
    for s, f in r:
        t = x[s]
        if t is UNSET:
            t = x[s] = f(x)
        if t is None:
            clear = False
        elif not t:
            break
    else:
        if clear:
            fired.append(i)
        else:
            unclear |= BITS[i]
fired.reverse()
return fired, unclear, maybe
"""


def _column(column: Column, code: Code, closures: Closures, locals_: dict[str, str]) -> None:
    subject = column.subject
    missing = _missing(column, code)
    if isinstance(subject, tree.Fact) and subject.id in locals_:
        name, checked = locals_[subject.id], True
    else:
        name, checked = "v", False
        if isinstance(subject, tree.Fact) and subject.id != "now":
            slot = closures.layout.slot(closures.layout.raw, subject.id)
            code.add("v = x[S]", {"S": slot})
            checked = True
        elif isinstance(subject, tree.Fact):
            code.add("v = x[S]", {"S": NOW})
        else:
            node = subject
            memo, closure = closures_slot(node, closures)
            code.add("v = x[S] = F(x)", {"S": memo, "F": code.bind(closure)})
    known = code.inner()
    _KNOWN[column.kind if column.kind in _KNOWN else "ordered"](column, known, name, checked)
    code.add(
        "if V is None:\n    MISS\nelse:\n    BODY".replace("MISS", missing), {"V": name}, known
    )


def _missing(column: Column, code: Code) -> str:
    """Statements (a fixed form) for an unknown value, their values bound in the namespace."""
    opened, unknown = column.at(None)
    text = []
    if opened != column.every:
        text.append(f"n &= {code.bind(opened)}")
    if unknown:
        text.append(f"u |= {code.bind(unknown)}")
    return "; ".join(text) or "pass"


def _boolean(column: Column, code: Code, name: str, checked: bool) -> None:
    pairs = [column.at(True), column.at(False)]
    for value, (opened, unknown) in zip((True, False), pairs, strict=True):
        inner = code.inner()
        inner.add("n &= A", {"A": code.bind(opened)})
        if unknown:
            inner.add("u |= A", {"A": code.bind(unknown)})
        code.add("if V is True:\n    BODY" if value else "if V is False:\n    BODY",
                 {"V": name}, inner)  # fmt: skip
    if not checked:
        code.add("if V is not True and V is not False:\n    a, b = AT(V)\n    n &= a\n    u |= b",
                 {"V": name, "AT": code.bind(column.at)})  # fmt: skip


def _text(column: Column, code: Code, name: str, checked: bool) -> None:
    table = TextTable(column)
    names = {"V": name, "GET": code.bind(table.memo.get), "LOOK": code.bind(table.look),
             "AT": code.bind(column.at)}  # fmt: skip
    if checked:
        code.add("t = GET(V)\nif t is None:\n    t = LOOK(V)", names)
    else:
        code.add(
            "t = GET(V) if V.__class__ is str else AT(V)\nif t is None:\n    t = LOOK(V)", names
        )
    code.add("n &= t[0]\nif t[1]:\n    u |= t[1]")


def _money(column: Column, code: Code, name: str, checked: bool) -> None:
    """One table for each currency, made when it is first seen; the set's own stands ready."""
    currencies = Counter(
        point.currency
        for points in column.points.values()
        for point in points
        if isinstance(point, Money)
    )
    main = currencies.most_common(1)[0][0] if currencies else "CNY"
    tables: dict[str, OrderedTable] = {}

    def at(value: Any) -> Pair:
        if value.__class__ is not Money:
            return column.at(value)
        table = tables.get(value.currency)
        if table is None:
            table = ordered_table(column, value.currency)
            if len(tables) < MEMO:
                tables[value.currency] = table
        region = table.region(value.amount)
        return table.open[region], table.unknown[region] if table.unknown else 0

    inner = code.inner()
    _lookup(ordered_table(column, main), inner, "w")
    test = "V.currency == CUR" if checked else "V.__class__ is Money and V.currency == CUR"
    code.add(
        f"if {test}:\n    w = V.amount\n    BODY\nelse:\n    a, b = AT(V)\n    n &= a\n    u |= b",
        {"V": name, "CUR": code.bind(main), "AT": code.bind(at)},
        inner,
    )


def _ordered(column: Column, code: Code, name: str, checked: bool) -> None:
    table = ordered_table(column)
    if checked:
        _lookup(table, code, name)
        return
    inner = code.inner()
    _lookup(table, inner, name)
    wanted = code.bind(ORDERED[column.kind])
    code.add("if V.__class__ is WANTED:\n    BODY\nelse:\n    a, b = AT(V)\n    n &= a\n    u |= b",
             {"V": name, "WANTED": wanted, "AT": code.bind(column.at)}, inner)  # fmt: skip


def _lookup(table: OrderedTable, code: Code, name: str) -> None:
    """The cheapest search that tells the table's regions apart."""
    opened, unknown, points = table.open, table.unknown, list(table.points)
    count = len(points)
    pairs = list(zip(opened, unknown or [0] * len(opened), strict=True))
    if all(pairs[2 * i + 1] == pairs[2 * i + 2] for i in range(count)):  # every test is >= or <
        find, step = "i = bisect_right(P, V)", pairs[::2]
    elif all(pairs[2 * i + 1] == pairs[2 * i] for i in range(count)):
        find, step = "i = bisect_left(P, V)", pairs[::2]
    else:
        find = "i = bisect_left(P, V)\ni = 2 * i + 1 if i < L and P[i] == V else 2 * i"
        step = pairs
    code.add(find, {"P": code.bind(points), "V": name, "L": count})
    code.add("n &= O[i]", {"O": code.bind([pair[0] for pair in step])})
    if unknown:
        code.add("u |= U[i]", {"U": code.bind([pair[1] for pair in step])})


_KNOWN: dict[str, Callable[[Column, Code, str, bool], None]] = {
    "boolean": _boolean,
    "text": _text,
    "money": _money,
    "ordered": _ordered,
}


class Reader:
    """Code that reads the facts a program uses out of a document, checks their types and puts
    them where columns (`names`: fact to local name), closures and later blocks find them.
    """

    def __init__(
        self, layout: Layout, code: Code, names: dict[str, str], members: list[Members]
    ) -> None:
        self.layout = layout
        self.code = code
        self.names = names
        self.members = members

    def emit(self) -> None:
        layout = self.layout
        lists = layout.ruleset.vocabulary.variables
        groups: dict[str, list[str]] = {"order": []}  # the currency is read in any case
        lines: dict[str, list[str]] = {}
        for name in layout.ruleset.facts_checked:
            fact = layout.fact(name)
            group = name.partition(".")[0]
            if fact is None:
                lines.setdefault(name, [])
            elif group in lists:
                lines.setdefault(lists[group], []).append(fact.field_name)
            else:
                groups.setdefault(group, []).append(name)
        for group, names in groups.items():
            self._group(group, names)
        for group, fields in lines.items():
            self._lines(group, fields)

    def _group(self, group: str, names: list[str]) -> None:
        code = self.code
        code.add(_GROUP, {"G": code.bind(group)})
        for name in names:
            fact = self.layout.fact(name)
            assert fact is not None  # noqa: S101  sorted so by emit
            code.add("v = g.get(K)", {"K": code.bind(fact.field_name)})
            if fact.window:
                check = _check_count if fact.type == "number" else _check_typed(fact.type)
                code.add("if v is not None:\n    CHECK(v)", {"CHECK": code.bind(check)})
                if name in self.layout.windows:
                    code.add("x[S] = v", {"S": self.layout.windows[name]})
                continue
            code.add(_CHECKS[fact.type])
            if name in self.layout.raw:
                code.add("x[S] = v", {"S": self.layout.raw[name]})
            if name in self.names:
                code.add("V = v", {"V": self.names[name]})

    def _lines(self, group: str, fields: list[str]) -> None:
        """One pass over the lines: checks, rows for closures, columns over lines."""
        code, layout = self.code, self.layout
        each = layout.ruleset.vocabulary.groups[group].each
        wanted = layout.lines.get(group)
        members = [members for members in self.members if members.group == group]
        loop = code.inner()
        names: dict[str, str] = {}
        for name in fields:
            fact = layout.ruleset.vocabulary.facts[f"{each}.{name}"]
            loop.add("v = r.get(K)", {"K": code.bind(name)})
            loop.add(_CHECKS[fact.type])
            for number, one in enumerate(members):
                if one.field == name:
                    loop.add(_MEMBER, _member_names(one, number, code))
            if wanted and name in wanted:
                names[name] = code.bind(None, "r")
                loop.add("V = v", {"V": names[name]})
        if wanted is not None:
            ordered = [names[name] for name in sorted(wanted, key=lambda name: wanted[name])]
            listed = "".join(f"{name}, " for name in ordered)
            loop.add(f"out.append(Row(({listed})))")
        for number in range(len(members)):
            code.add("T = W = 0", {"T": f"t{number}", "W": f"w{number}"})
        code.add(_LINES, {"G": code.bind(group)}, loop)
        if group in layout.lists:
            code.add("x[S] = None if rows is None else tuple(out)", {"S": layout.lists[group]})
        for number, one in enumerate(members):
            code.add(_CONCLUDE, {
                "T": f"t{number}", "W": f"w{number}", "END": code.bind(one.conclude),
                "R": code.bind(one.some | one.no),
            })  # fmt: skip


_GROUP = """
g = doc.get(G, NOTHING)
if g.__class__ is not dict:
    if g is not None:
        raise ODD
    g = NOTHING
"""
_LINES = """
rows = doc.get(G)
out = []
if rows is not None:
    if rows.__class__ is not list and rows.__class__ is not tuple:
        raise ODD
    for r in rows:
        if r.__class__ is not dict:
            raise ODD
        BODY
"""
_MEMBER = """
p = GET(v)
if p is None:
    p = LOOK(v)
T |= p[0]
W |= p[1]
"""
_CONCLUDE = """
if rows is None:
    u |= R
else:
    a, b = END(T, W)
    n &= a
    u |= b
"""


def _check_count(value: Any) -> None:
    """A number, or a map from spans to whole numbers; anything else is typed first."""
    kind = value.__class__
    if kind is int or kind is Checked or (kind is Decimal and value.is_finite()):
        return
    if value.__class__ is not dict:
        raise Odd
    for key, count in value.items():
        if span_of(key) is None or (count is not None and count.__class__ is not int):
            raise Odd


def _member_names(members: Members, number: int, code: Code) -> dict[str, str | int]:
    """The table of a column over lines: its look-up and the names it adds to."""
    inner, memo = members.inner, {}
    for value in (None, True, False) if inner.kind == "boolean" else (None,):
        memo[value] = true_and_unknown(inner, value)
    table = TextTable(inner) if inner.kind == "text" else None

    def look(value: Any) -> Pair:
        if table is None:
            return true_and_unknown(inner, value)
        opened, unknown = table.look(value)
        found = (opened & inner.rules & ~unknown, unknown)
        if len(memo) < MEMO:
            memo[value] = found
        return found

    return {"GET": code.bind(memo.get), "LOOK": code.bind(look),
            "T": f"t{number}", "W": f"w{number}"}  # fmt: skip


_TYPES: dict[str, type] = {"text": str, "choice": str, "boolean": bool, "texts": tuple}
_TYPES |= {"money": Money, **{kind: ORDERED[kind] for kind in ("instant", "date", "duration")}}


def _check_typed(kind: str) -> Callable[[Any], None]:
    def check(value: Any) -> None:
        if value.__class__ is not _TYPES[kind] and value.__class__ is not Checked:
            raise Odd

    return check
