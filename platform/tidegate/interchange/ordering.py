"""Which decisions of a model stay tables, which become derived facts that others read, and in
which order they stand.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from tidegate.engine.language import tree
from tidegate.engine.values import fold
from tidegate.interchange.model import BY_OUTPUT, Formula, Row, Table, uses
from tidegate.interchange.remarks import NotOurs


def keys_of(decision: Table | Formula) -> list[str]:
    """What others may call its values."""
    if isinstance(decision, Formula):
        return [decision.key]
    return [output.key for output in decision.outputs]


def in_order(decisions: Sequence[Table | Formula]) -> tuple[list[Table | Formula], list[str]]:
    """Each after those it uses; the names of decisions that wait for one another."""
    owner = {key: index for index, one in enumerate(decisions) for key in keys_of(one)}
    waiting = {
        index: {owner[key] for key in uses(one) if key in owner} - {index}
        for index, one in enumerate(decisions)
    }
    ordered: list[Table | Formula] = []
    while waiting:
        ready = [index for index, needs in waiting.items() if not needs & waiting.keys()]
        if not ready:
            return ordered, [decisions[index].name for index in waiting]
        for index in ready:
            ordered.append(decisions[index])
            del waiting[index]
    return ordered, []


def read_by_others(decisions: Iterable[Table | Formula]) -> set[str]:
    """Keys that other decisions use."""
    found: set[str] = set()
    for one in decisions:
        found |= uses(one) - set(keys_of(one))
    return found


def stays_a_table(table: Table, read: set[str]) -> bool:
    """Our tables settle rows by themselves; everything else is worked out as derived facts."""
    if any(output.key in read or output.before is not None for output in table.outputs):
        return False
    if table.aggregation or not all(output.result for output in table.outputs):
        return False
    return table.policy == "FIRST" or all(output.default is None for output in table.outputs)


def by_priority(table: Table) -> Table:
    """PRIORITY and OUTPUT ORDER pick by the order of the output values: the rows in that order.

    Raises:
        NotOurs: an output has no order, or a row's value isn't in it.
    """
    if table.policy not in BY_OUTPUT:
        return table
    if not table.outputs[0].order:
        raise NotOurs(
            "interchange.no_output_values",
            f"命中策略 {table.policy} 需要输出列的取值顺序（outputValues）；请在原文件中补上",
            f"the hit policy {table.policy} needs the output's values in their order "
            f"(outputValues); add them in the file",
        )
    return replace(table, rows=tuple(sorted(table.rows, key=lambda row: _rank(table, row))))


def _rank(table: Table, row: Row) -> tuple[int, ...]:
    found = []
    for output, said in zip(table.outputs, row.outputs, strict=True):
        if output.order:
            value = said.value if isinstance(said, tree.Literal) else None
            known = [_folded(one) for one in output.order]
            found.append(known.index(_folded(value)) if _folded(value) in known else len(known))
    return tuple(found)


def _folded(value: object) -> object:
    return fold(value) if isinstance(value, str) else value


def by_value(table: Table) -> Table:
    """MIN and MAX as the first match, rows sorted by what they give. Raises NotOurs."""
    values: list[tuple[Decimal, Row]] = []
    for row in table.rows:
        said = row.outputs[0]
        value = said.value if isinstance(said, tree.Literal) else None
        if isinstance(said, tree.Negate) and isinstance(said.value, tree.Literal):
            value = said.value.value
            value = -value if isinstance(value, Decimal) else None
        if not isinstance(value, Decimal):
            raise NotOurs(
                "interchange.computed_extreme",
                f"第 {row.number} 行的结果不是数字常量，{table.aggregation} 无法换算；请先算成输入",
                f"row {row.number} gives no constant number, so {table.aggregation} can't be "
                f"carried over; make it an input",
            )
        values.append((value, row))
    values.sort(key=lambda pair: pair[0], reverse=table.aggregation == "MAX")
    return replace(table, rows=tuple(row for _, row in values), policy="FIRST", aggregation="")


# what is left, and what of it is asked for


def left_of(
    decisions: Sequence[Table | Formula], rejected: Collection[tuple[int, int]]
) -> list[tuple[int, Table | Formula]]:
    """What was not rejected; a table without rows is gone."""
    found: list[tuple[int, Table | Formula]] = []
    for index, one in enumerate(decisions):
        if (index, 0) in rejected:
            continue
        if isinstance(one, Table):
            rows = tuple(row for row in one.rows if (index, row.number) not in rejected)
            one = replace(one, rows=rows)
            if not rows:
                continue
        found.append((index, one))
    return found


def with_results(
    decisions: list[tuple[int, Table | Formula]], read: set[str]
) -> list[tuple[int, Table | Formula]]:
    """Where nothing is left of what the file was asked for, what no decision reads is the result;
    failing that, every value.
    """
    own = [result for _, one in decisions for result in _results(one)]
    if any(own):
        return decisions
    last = [
        (index, _asked(one, {key for key in keys_of(one) if key not in read}))
        for index, one in decisions
    ]
    if any(result for _, one in last for result in _results(one)):
        return last
    return [(index, _asked(one, set(keys_of(one)))) for index, one in decisions]


def _results(decision: Table | Formula) -> list[bool]:
    if isinstance(decision, Formula):
        return [decision.result]
    return [output.result for output in decision.outputs]


def _asked(decision: Table | Formula, keys: set[str]) -> Table | Formula:
    if isinstance(decision, Formula):
        return replace(decision, result=decision.key in keys)
    outputs = [replace(output, result=output.key in keys) for output in decision.outputs]
    return replace(decision, outputs=tuple(outputs))
