"""A table whose value others read, as derived facts: one true-or-false per row, and from these
the value of each output.

A row whose facts are missing does not match, as in the table it comes from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from tidegate.engine.language import tree
from tidegate.engine.language.parser import over
from tidegate.engine.language.rendering import render
from tidegate.interchange.model import Arguments, Output, Row, Said, Table
from tidegate.interchange.naming import unused
from tidegate.interchange.ordering import by_priority, by_value
from tidegate.interchange.remarks import NotOurs, Place

ROWS_PER_STEP = 12  # longer chains would pass the limits on nesting and on length
CHARACTERS_PER_STEP = 1_500
Pair = tuple[tree.Node, tree.Node]
NULL, TRUE, FALSE = tree.Literal(None), tree.Literal(True), tree.Literal(False)


@dataclass(frozen=True)
class Step:
    """One derived fact, and where in the file it comes from."""

    name: str
    title: str
    node: tree.Node
    place: Place


def matched(row: Row, table: Table) -> tree.Node:
    """Whether the row matches, never unknown."""
    parts = [
        over(column.subject, cell) for column, cell in zip(table.columns, row.cells, strict=True)
    ]
    known = tuple(part for part in parts if part is not None)
    if not known:
        return TRUE
    whole = known[0] if len(known) == 1 else tree.And(known)
    if isinstance(whole, tree.Presence):
        return whole
    return tree.Call("coalesce", (whole, FALSE))


def steps_of(table: Table, base: str, names: dict[str, str], taken: set[str]) -> list[Step]:
    """The derived facts of a table; `names` already says what its outputs are called here.

    Raises:
        NotOurs: the hit policy has no exact counterpart.
    """
    if table.aggregation in ("MIN", "MAX"):
        table = by_value(table)
    table = by_priority(table)
    found: list[Step] = []
    hits: dict[int, tree.Node] = {}
    for row in table.rows:
        node = matched(row, table)
        if node != TRUE:
            name = unused(f"{base}_{row.number}", taken)
            found.append(Step(name, f"{table.name} · {row.number}", node, table.place(row)))
            node = tree.Name(name)
        hits[row.number] = node
    if table.policy in ("UNIQUE", "ANY"):
        found += _contradiction(table, base, hits, taken)
    for index, output in enumerate(table.outputs):
        last = [step.name for step in found if step.name.startswith(f"{base}_contradicts")]
        clash = tree.Name(last[0]) if last else None
        found += _value(table, index, hits, names[output.key], clash, taken)
    return found


def _contradiction(
    table: Table, base: str, hits: dict[int, tree.Node], taken: set[str]
) -> list[Step]:
    """UNIQUE and ANY have no value when rows match that say different things."""
    groups: dict[object, list[tree.Node]] = {}
    for row in table.rows:
        said = tuple(map(_said, row.outputs))
        groups.setdefault(row.number if table.policy == "UNIQUE" else said, []).append(
            hits[row.number]
        )
    if len(groups) < 2:
        return []
    counts = [_one_if(parts) for parts in groups.values()]
    found: list[Step] = []
    sums: list[tree.Node] = []
    for start in range(0, len(counts), ROWS_PER_STEP):
        name = unused(f"{base}_matches", taken)
        title = f"{table.name} · 命中数"
        found.append(Step(name, title, _sum(counts[start : start + ROWS_PER_STEP]), table.place()))
        sums.append(tree.Name(name))
    node = tree.Compare(">", _sum(sums), tree.Literal(Decimal(1)))
    name = unused(f"{base}_contradicts", taken)
    return [*found, Step(name, f"{table.name} · 命中互相矛盾", node, table.place())]


def _said(value: Said) -> object:
    return repr(dict(value.values)) if isinstance(value, Arguments) else repr(value)


def _one_if(hits: Sequence[tree.Node]) -> tree.Node:
    one, zero = tree.Literal(Decimal(1)), tree.Literal(Decimal(0))
    return tree.If(hits[0] if len(hits) == 1 else tree.Or(tuple(hits)), one, zero)


def _sum(nodes: Sequence[tree.Node]) -> tree.Node:
    """All of them added, with few levels: a list and `sum`."""
    return nodes[0] if len(nodes) == 1 else tree.Call("sum", (tree.ListOf(tuple(nodes)),))


def _value(
    table: Table,
    index: int,
    hits: dict[int, tree.Node],
    name: str,
    clash: tree.Node | None,
    taken: set[str],
) -> list[Step]:
    output = table.outputs[index]
    last = output.default or output.before or NULL
    if table.aggregation in ("SUM", "COUNT"):
        return _total(table, index, hits, name, last, taken)
    if table.policy in ("RULE ORDER", "COLLECT", "OUTPUT ORDER"):
        raise NotOurs(
            "interchange.list_for_others",
            f"{output.name} 是所有命中行的列表，别的决策要读它；这里只能读单个值，请改用 FIRST 或聚合",
            f"{output.name} is the list of all matching rows, and another decision reads it; only "
            f"single values can be read here, so use FIRST or an aggregation",
        )
    pairs: list[Pair] = []
    for row in table.rows:
        value = _node(row.outputs[index], output)
        if hits[row.number] == TRUE:  # rows below it never decide
            last = value
            break
        pairs.append((hits[row.number], value))
    return _steps(pairs, last, name, output, table, clash, taken)


def _steps(
    pairs: list[Pair],
    last: tree.Node,
    name: str,
    output: Output,
    table: Table,
    clash: tree.Node | None,
    taken: set[str],
) -> list[Step]:
    """`if row 1 then … else if row 2 …`. Of many rows, parts become facts of their own: whether
    any of their rows matches, and what it says.
    """
    title, place = output.name or table.name, table.place(None, output.name)
    found: list[Step] = []
    chunks = _chunks(pairs)
    while len(chunks) > 1:
        joined: list[Pair] = []
        for chunk in chunks:
            hit, value = unused(f"{name}_any", taken), unused(f"{name}_part", taken)
            hits = tuple(one for one, _ in chunk)
            any_of = hits[0] if len(hits) == 1 else tree.Or(hits)
            found.append(Step(hit, f"{title} · {hit}", any_of, place))
            found.append(Step(value, f"{title} · {value}", _choice(chunk, NULL), place))
            joined.append((tree.Name(hit), tree.Name(value)))
        chunks = _chunks(joined)
    node = _choice(chunks[0], last)
    if clash is not None:
        node = tree.If(clash, NULL, node)
    return [*found, Step(name, title, node, place)]


def _choice(pairs: Sequence[Pair], last: tree.Node) -> tree.Node:
    for hit, value in reversed(pairs):
        last = tree.If(hit, value, last)
    return last


def _chunks(pairs: Sequence[Pair]) -> list[list[Pair]]:
    """Parts of a chain that fit into one expression each."""
    found: list[list[Pair]] = [[]]
    length = 0
    for hit, value in pairs:
        own = len(render(hit)) + len(render(value)) + len("if  then  else ")
        if len(found[-1]) == ROWS_PER_STEP or (found[-1] and length + own > CHARACTERS_PER_STEP):
            found.append([])
            length = 0
        found[-1].append((hit, value))
        length += own
    return found


def _total(
    table: Table,
    index: int,
    hits: dict[int, tree.Node],
    name: str,
    last: tree.Node,
    taken: set[str],
) -> list[Step]:
    """SUM and COUNT; nothing when no row matches."""
    output = table.outputs[index]
    zero = tree.Literal(Decimal(0))
    parts: list[tree.Node] = []
    for row in table.rows:
        one = tree.Literal(Decimal(1))
        value = one if table.aggregation == "COUNT" else _node(row.outputs[index], output)
        hit = hits[row.number]
        parts.append(value if hit == TRUE else tree.If(hit, value, zero))
    found: list[Step] = []
    sums: list[tree.Node] = []
    for start in range(0, len(parts), ROWS_PER_STEP):
        own = unused(f"{name}_sum", taken)
        node = _sum(parts[start : start + ROWS_PER_STEP])
        found.append(Step(own, f"{output.name} · Σ", node, table.place(None, output.name)))
        sums.append(tree.Name(own))
    anything = tuple(hits.values())
    some: tree.Node = TRUE if TRUE in anything else tree.Or(anything)
    some = anything[0] if len(anything) == 1 else some
    node = _sum(sums) if some == TRUE else tree.If(some, _sum(sums), last)
    return [*found, Step(name, output.name or table.name, node, table.place(None, output.name))]


def _node(said: Said, output: Output) -> tree.Node:
    if isinstance(said, Arguments):
        raise NotOurs(
            "interchange.structure",
            f"{output.name} 的结果是一个结构 {{…}}，别的决策要读它；请拆成几个输出列",
            f"{output.name} gives a structure {{…}} that another decision reads; make it several "
            f"outputs",
        )
    return said if said is not None else output.before or NULL
