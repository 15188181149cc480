"""The buttons of the editor: add, remove, move, choose a field. Each gives the rule as it is after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tidegate.engine.problems import ExpressionError
from tidegate.services.workshop.rule_posting import fitted
from tidegate.services.workshop.rule_rows import (
    ActionRow,
    Group,
    Lines,
    Part,
    Row,
    RuleRows,
    Text,
)
from tidegate.services.workshop.rule_values import Unfinished
from tidegate.services.workshop.rule_writing import expression_of
from tidegate.services.workshop.set_names import SetNames

Parts = tuple[Part, ...]
Change = Callable[[Parts, int], Parts]


def edited(rows: RuleRows, command: str, names: SetNames) -> tuple[RuleRows, str]:
    """The rule after a button, and the place that should have the focus; unknown buttons change
    nothing.
    """
    verb, _, rest = command.partition(":")
    place, _, extra = rest.partition(":")
    if verb.startswith("act-"):
        return _action_edit(rows, verb, place)
    path = _path(place)
    if path is None:
        return rows, ""
    if verb in ("add", "group"):
        return _added(rows, path, place, Row(picking=True) if verb == "add" else None)
    change = _changes(verb, extra, names)
    if change is None or not path:
        return rows, ""
    condition = _at(rows.condition, path, change)
    focus = place if verb in ("pick", "change", "find", "text") else ""
    if verb in ("up", "down"):
        step = -1 if verb == "up" else 1
        focus = "-".join([*place.split("-")[:-1], str(max(0, path[-1] + step))])
    if verb == "lines":
        focus = f"{place}-1"
    return replace(rows, condition=condition), focus


def with_row(condition: Group, place: str, row: Row) -> Group:
    """The condition with another row at a place."""
    path = _path(place)
    return _at(condition, path, lambda parts, n: _put(parts, n, row)) if path else condition


def _path(place: str) -> tuple[int, ...] | None:
    head, *rest = place.split("-")
    if head != "c" or not all(part.isdigit() and len(part) < 5 for part in rest):
        return None
    return tuple(map(int, rest))


def _changes(verb: str, extra: str, names: SetNames) -> Change | None:
    return {
        "remove": lambda parts, n: (*parts[:n], *parts[n + 1 :]),
        "up": lambda parts, n: _swapped(parts, n - 1),
        "down": lambda parts, n: _swapped(parts, n),
        "pick": lambda parts, n: _put(parts, n, _picked(parts[n], extra, names)),
        "change": lambda parts, n: _put(parts, n, _picking(parts[n], True)),
        "find": lambda parts, n: _put(parts, n, _picking(parts[n], True)),
        "keep": lambda parts, n: _put(parts, n, _picking(parts[n], False)),
        "lines": lambda parts, n: _put(parts, n, _same_line(parts[n], names)),
        "text": lambda parts, n: _put(parts, n, _as_text(parts[n], names)),
        "chip": lambda parts, n: _put(parts, n, _without(parts[n], extra)),
    }.get(verb)


def _at(group: Group, path: tuple[int, ...], change: Change) -> Group:
    index, rest = path[0], path[1:]
    if index >= len(group.parts):
        return group
    if not rest:
        return replace(group, parts=change(group.parts, index))
    inner = group.parts[index]
    if isinstance(inner, Group):
        return replace(group, parts=_put(group.parts, index, _at(inner, rest, change)))
    if isinstance(inner, Lines) and len(rest) == 1 and rest[0] < len(inner.parts):
        parts = tuple(p for p in change(inner.parts, rest[0]) if isinstance(p, (Row, Text)))
        return replace(group, parts=_put(group.parts, index, replace(inner, parts=parts)))
    return group


def _added(
    rows: RuleRows, path: tuple[int, ...], place: str, row: Row | None
) -> tuple[RuleRows, str]:
    """A row, or a group with one empty row, at the end of the group at `place`; before a pattern."""
    new: Part = row if row is not None else Group("any", (Row(picking=True),))
    if not path:
        parts = rows.condition.parts
        last = bool(parts) and isinstance(parts[-1], Text) and parts[-1].pattern
        at = len(parts) - 1 if last else len(parts)
        condition = replace(rows.condition, parts=(*parts[:at], new, *parts[at:]))
        return replace(rows, condition=condition), f"c-{at}{'' if row else '-0'}"
    count = 0

    def grown(parts: Parts, index: int) -> Parts:
        nonlocal count
        inner = parts[index]
        if isinstance(inner, Group):
            count = len(inner.parts)
            return _put(parts, index, replace(inner, parts=(*inner.parts, new)))
        if isinstance(inner, Lines) and row is not None:
            count = len(inner.parts)
            return _put(parts, index, replace(inner, parts=(*inner.parts, row)))
        return parts

    condition = _at(rows.condition, path, grown)
    return replace(rows, condition=condition), f"{place}-{count}{'' if row else '-0'}"


def _put(parts: Parts, index: int, part: Part) -> Parts:
    return (*parts[:index], part, *parts[index + 1 :])


def _swapped(parts: Parts, low: int) -> Parts:
    if low < 0 or low + 1 >= len(parts):
        return parts
    return (*parts[:low], parts[low + 1], parts[low], *parts[low + 2 :])


def _picked(part: Part, name: str, names: SetNames) -> Part:
    if not isinstance(part, Row) or names.get(name) is None:
        return part
    row = replace(part, subject=name, picking=False, query="")
    return fitted(row, part.subject, part.op, names)


def _picking(part: Part, picking: bool) -> Part:
    return (
        replace(part, picking=picking, query=part.query if picking else "")
        if isinstance(part, Row)
        else part
    )


def _same_line(part: Part, names: SetNames) -> Part:
    """A question about lines that can ask more than one thing of the same line."""
    name = names.get(part.subject) if isinstance(part, Row) else None
    if not isinstance(part, Row) or name is None or not name.over:
        return part
    parts = (replace(part, quant=""), Row(picking=True))
    return Lines(name.over, part.quant or "some", "and", parts, part.count)


def _as_text(part: Part, names: SetNames) -> Part:
    if not isinstance(part, (Row, Lines)):
        return part
    try:
        return Text(expression_of(part, names))
    except (Unfinished, ExpressionError):
        return part


def _without(part: Part, index: str) -> Part:
    if not isinstance(part, Row) or not index.isdigit():
        return part
    kept = tuple(text for n, text in enumerate(part.chosen) if n != int(index))
    return replace(part, chosen=kept)


def _action_edit(rows: RuleRows, verb: str, place: str) -> tuple[RuleRows, str]:
    actions = rows.actions
    if verb == "act-add":
        return replace(rows, actions=(*actions, ActionRow())), f"a-{len(actions)}"
    index = int(place) if place.isdigit() else len(actions)
    if verb == "act-remove" and index < len(actions):
        return replace(rows, actions=(*actions[:index], *actions[index + 1 :])), ""
    if verb == "act-up" and 0 < index < len(actions):
        moved = list(actions)
        moved[index - 1], moved[index] = moved[index], moved[index - 1]
        return replace(rows, actions=tuple(moved)), f"a-{index - 1}"
    return rows, ""
