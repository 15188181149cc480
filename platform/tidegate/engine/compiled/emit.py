"""From blocks to functions: reading the document, the columns, and the rules left to ask.

The code keeps `n`, the rules still open, and `u`, the rules something of which is unknown.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tidegate.engine.compiled.assembly import Code, either
from tidegate.engine.compiled.blocks import Block
from tidegate.engine.compiled.closures import Closures
from tidegate.engine.compiled.columns import (
    MEMO,
    ORDERED,
    Column,
    OpenPairs,
    OpenTexts,
    OpenWords,
    OrderedTable,
    Pair,
    ordered_table,
)
from tidegate.engine.compiled.guards import ALWAYS, looking, while_open
from tidegate.engine.compiled.layout import NOW, UNSET, Layout
from tidegate.engine.compiled.line_columns import add_lines
from tidegate.engine.language import tree
from tidegate.engine.values import Money

NOTHING: dict[str, Any] = {}
SMALL = 100  # combinations of two texts that are looked up as one
FEW = 3  # points that are compared one by one
BASE: dict[str, Any] = {"NOTHING": NOTHING, "UNSET": UNSET, "Money": Money}
BASE |= {"bisect_left": bisect_left, "bisect_right": bisect_right}


def remembered(node: tree.Node, closures: Closures) -> tuple[int, Callable[[Any], Any]]:
    """The slot that remembers a condition, and its closure."""
    return closures.layout.lazy_slot(("leaf", node)), closures.of(node)


def add_column(column: Column, code: Code, closures: Closures, value: str = "") -> None:
    """Code that applies one column to `value`, or to what its subject is worth."""
    subject = column.subject
    trusted = isinstance(subject, tree.Fact)
    if not value:
        value = "v"
        if not isinstance(subject, tree.Fact):
            slot, closure = remembered(subject, closures)
            code.add("v = x[S] = F(x)", {"S": slot, "F": code.bind(closure)})
        elif subject.id == "now":
            code.add("v = x[S]", {"S": NOW})
        else:
            code.add("v = x[S]", {"S": closures.layout.slot(closures.layout.raw, subject.id)})
    makers = {"boolean": _boolean, "text": _text, "money": _money, "words": _words}
    add = makers.get(column.kind, _ordered)
    add(column, code, value, trusted)


def _missing(column: Column, code: Code) -> Code:
    """What an unknown value does."""
    return _pair(column.at(None), column, code)


def _pair(pair: Pair, column: Column, code: Code) -> Code:
    found = code.inner()
    if pair[0] != column.every:
        found.add("n &= A", {"A": code.bind(pair[0])})
    if pair[1]:
        found.add("u |= A", {"A": code.bind(pair[1])})
    return found


def _odd(column: Column, code: Code, value: str) -> Code:
    """What a value of no expected type does: every cell is evaluated on it."""
    found = code.inner()
    found.add("a, b = AT(V)\nn &= a\nu |= b", {"V": value, "AT": code.bind(column.at)})
    return found


def _boolean(column: Column, code: Code, value: str, trusted: bool) -> None:
    last = _missing(column, code)
    if not trusted:
        last = either("V is None", {"V": value}, last, _odd(column, code, value))
    no = either("V is False", {"V": value}, _pair(column.at(False), column, code), last)
    code.body += either("V is True", {"V": value}, _pair(column.at(True), column, code), no).body


def _text(column: Column, code: Code, value: str, trusted: bool) -> None:
    table = column.table
    names: dict[str, str | int] = {"V": value}
    found = code.inner()
    if table.never_unknown():
        open_texts = OpenTexts(table)
        names |= {"T": code.bind(open_texts.seen), "LOOK": code.bind(open_texts.look)}
        found.add("try:\n    n &= T[V]\nexcept KeyError:\n    n &= LOOK(V)", names)
        if unknown := column.at(None)[1]:
            found.add("if V is None:\n    u |= U", {"U": code.bind(unknown), **names})
    else:
        known = code.inner()
        names |= {"T": code.bind(table.memo), "LOOK": code.bind(table.look)}
        known.add("try:\n    t = T[V]\nexcept KeyError:\n    t = LOOK(V)", names)
        known.add("n &= t[0]\nu |= t[1]")
        found.body += either("V is None", names, _missing(column, code), known).body
    if trusted:
        code.body += found.body
        return
    test = "V is None or V.__class__ is str"
    code.body += either(test, names, found, _odd(column, code, value)).body


def _money(column: Column, code: Code, value: str, trusted: bool) -> None:
    """One table for each currency, made when it is first seen; the set's own stands ready."""
    del trusted  # the class is asked for anyway
    currencies = Counter(
        point.currency
        for points in column.points.values()
        for point in points
        if isinstance(point, Money)
    )
    main = currencies.most_common(1)[0][0] if currencies else "CNY"
    inner = code.inner()
    _lookup(ordered_table(column, main), inner, "w")
    body = code.inner()
    body.add("w = V.amount", {"V": value})
    body.body += inner.body
    other = code.inner()
    other.add("a, b = AT(V)\nn &= a\nu |= b",
              {"V": value, "AT": code.bind(_by_currency(column))})  # fmt: skip
    test = "V.__class__ is Money and V.currency == CUR"
    names: dict[str, str | int] = {"V": value, "CUR": code.bind(main)}
    known = either(test, names, body, either("V is None", names, _missing(column, code), other))
    code.body += known.body


def _by_currency(column: Column) -> Callable[[Any], Pair]:
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

    return at


def _ordered(column: Column, code: Code, value: str, trusted: bool) -> None:
    names: dict[str, str | int] = {"V": value, "WANTED": code.bind(ORDERED[column.kind])}
    table = ordered_table(column)
    found = code.inner()
    whole = trusted and column.kind == "number" and _integral(table.points)
    _lookup(table, found, value, whole)
    if not trusted:
        found = either("V.__class__ is WANTED", names, found, _odd(column, code, value))
    missing = _missing(column, code)
    if missing.body:
        code.body += either("V is None", names, missing, found).body
    else:
        code.add("if V is not None:\n    BODY", names, found)


def _integral(points: Sequence[Any]) -> bool:
    return all(point == point.to_integral_value() for point in points)


def _lookup(table: OrderedTable, code: Code, value: str, whole: bool = False) -> None:
    """The cheapest search that tells the table's regions apart. `whole` when the points are whole
    numbers: numbers of a document mostly are, and are compared with their like.
    """
    opened, unknown, points = table.open, table.unknown, list(table.points)
    count = len(points)
    pairs = list(zip(opened, unknown or [0] * len(opened), strict=True))
    names: dict[str, str | int] = {"P": code.bind(points), "V": value, "L": count}
    where = "P"
    if whole:
        names["Q"] = code.bind([int(point) for point in points])
        where = "Q if V.__class__ is int else P"
    if all(pairs[2 * i + 1] == pairs[2 * i + 2] for i in range(count)):  # every test is >= or <
        find, pairs = f"bisect_right({where}, V)", pairs[::2]
    elif all(pairs[2 * i + 1] == pairs[2 * i] for i in range(count)):
        find, pairs = f"bisect_left({where}, V)", pairs[::2]
    else:
        code.add(
            f"i = bisect_left({where}, V)\ni = 2 * i + 1 if i < L and P[i] == V else 2 * i", names
        )
        find = "i"
    names["O"] = code.bind([pair[0] for pair in pairs])
    if not unknown and find != "i" and count <= FEW:
        _compared(find, [pair[0] for pair in pairs], points, code, value, whole)
        return
    if not unknown:
        code.add(f"n &= O[{find}]", names)
        return
    names["U"] = code.bind([pair[1] for pair in pairs])
    code.add(f"i = {find}\nn &= O[i]\nu |= U[i]", names)


def _compared(
    find: str, opened: Sequence[int], points: Sequence[Any], code: Code, value: str, whole: bool
) -> None:
    """A search among very few points: one comparison after the other is quicker."""
    test = "V < P" if find.startswith("bisect_right") else "V <= P"
    below = code.inner()
    below.add("n &= A", {"A": code.bind(opened[-1])})
    for point, bits in reversed(list(zip(points, opened, strict=False))):
        known = code.bind(int(point) if whole else point)
        here = code.inner()
        here.add("n &= A", {"A": code.bind(bits)})
        below = either(test, {"V": value, "P": known}, here, below)
    code.body += below.body


def _words(column: Column, code: Code, value: str, trusted: bool) -> None:
    del trusted  # only facts have such a column
    names: dict[str, str | int] = {"V": value, "T": code.bind(OpenWords(column))}
    code.add("n &= T[V]", names)
    code.add("if V is None:\n    u |= U", {"U": code.bind(column.rules), **names})


def add_reading(layout: Layout, code: Code, block: Block | None, closures: Closures) -> None:
    """Code that reads the facts out of `doc`: into slots for closures and later blocks, and
    through the block's columns.
    """
    columns: dict[str, list[Column]] = {}
    for column in block.columns if block else ():
        if isinstance(column.subject, tree.Fact):
            columns.setdefault(column.subject.id, []).append(column)
    lists = layout.ruleset.vocabulary.variables
    groups: dict[str, list[str]] = {}
    lines: dict[str, list[str]] = {}
    for name in layout.ruleset.facts_checked:
        fact = layout.fact(name)
        group = name.partition(".")[0]
        if fact is None:
            lines.setdefault(name, [])
        elif group in lists:
            lines.setdefault(lists[group], []).append(fact.field_name)
        elif name in columns or name in layout.raw or name in layout.windows:
            groups.setdefault(group, []).append(name)
    late = {name: _of_few(own) for name, own in columns.items()}
    for group, names in groups.items():
        early = {name: [c for c in columns.get(name, ()) if c not in late[name]] for name in names}
        _add_group(group, names, layout, code, early, closures)
    for group in lines:
        members = [one for one in (block.members if block else ()) if one.group == group]
        add_lines(group, code, members)
    for name, own in late.items():
        _add_late(name, own, code, closures)


def _of_few(columns: Sequence[Column]) -> list[Column]:
    """Columns that search in a text for few rules: hardly any of these is open at the end."""
    return [column for column in columns if column.kind == "words" and looking(column) != ALWAYS]


def _add_late(name: str, columns: Sequence[Column], code: Code, closures: Closures) -> None:
    group, _, field_name = name.partition(".")
    for column in columns:
        own = code.inner()
        keys = {"G": own.bind(group), "K": own.bind(field_name)}
        own.add("v = (doc.get(G) or NOTHING).get(K)", keys)
        add_column(column, own, closures, "v")
        code.body += while_open(looking(column), own).body


def _add_group(
    group: str,
    names: Sequence[str],
    layout: Layout,
    code: Code,
    columns: Mapping[str, list[Column]],
    closures: Closures,
) -> None:
    """The facts of one group. Columns that close most stand first; one that few rules look at is
    read only while one of them is open.
    """
    inner, rules = code.inner(), 0
    inner.add("g = doc.get(G) or NOTHING", {"G": code.bind(group)})
    paired = _paired(names, layout, columns)
    for one, other in paired:
        rules |= ALWAYS
        _add_pair(columns[one][0], columns[other][0], inner)
    names = [name for name in names if not any(name in pair for pair in paired)]
    for name in sorted(names, key=lambda name: min(map(_late, columns.get(name, ())), default=())):
        if not (columns.get(name) or name in layout.raw or name in layout.windows):
            continue
        own, open_rules = inner.inner(), 0
        own.add("v = g.get(K)", {"K": code.bind(name.partition(".")[2])})
        for slots in (layout.raw, layout.windows):
            if name in slots:
                own.add("x[S] = v", {"S": slots[name]})
                open_rules = ALWAYS
        for column in columns.get(name, ()):
            add_column(column, own, closures, "v")
            open_rules |= looking(column)
        rules |= open_rules
        inner.body += (while_open(open_rules, own) if len(names) > 1 or paired else own).body
    if rules:
        code.body += while_open(rules, inner).body


def _paired(
    names: Sequence[str], layout: Layout, columns: Mapping[str, list[Column]]
) -> list[tuple[str, str]]:
    """Facts two and two whose texts are looked up together: nothing else looks at them, many rules do, a known text
    leaves none in doubt, and there are few combinations.
    """
    sizes: dict[str, int] = {}
    for name in names:
        own = columns.get(name, ())
        if len(own) != 1 or own[0].kind != "text" or looking(own[0]) != ALWAYS:
            continue
        if name not in layout.raw and name not in layout.windows and own[0].table.never_unknown():
            sizes[name] = len(own[0].table.by_text) + 1
    found = []
    waiting = sorted(sizes, key=lambda name: sizes[name])
    while len(waiting) > 1 and sizes[waiting[0]] * sizes[waiting[1]] <= SMALL:
        found.append((waiting.pop(0), waiting.pop(0)))
    return found


def _add_pair(one: Column, other: Column, code: Code) -> None:
    pairs = OpenPairs(one, other)
    names: dict[str, str | int] = {"T": code.bind(pairs.seen), "LOOK": code.bind(pairs.look)}
    for key, column in (("K", one), ("L", other)):
        assert isinstance(column.subject, tree.Fact)  # noqa: S101  columns of a group are facts'
        names[key] = code.bind(column.subject.id.partition(".")[2])
    code.add("v = g.get(K)\nw = g.get(L)", names)
    code.add("try:\n    n &= T[v][w]\nexcept KeyError:\n    n &= LOOK(v, w)", names)
    for value, column in (("v", one), ("w", other)):
        if unknown := column.table.missing[1]:
            code.add(f"if {value} is None:\n    u |= U", {"U": code.bind(unknown)})


def _late(column: Column) -> tuple[int, int]:
    """Equality closes more than order, order more than words."""
    kinds = {"text": 0, "boolean": 1, "words": 3}
    return kinds.get(column.kind, 2), -column.rules.bit_count()
