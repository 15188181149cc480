"""Lists of events that a pattern may find: one line for each event it names, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice, product
from typing import Any

from tidegate.engine.language import tree
from tidegate.engine.values import HOUR
from tidegate.engine.vocabulary import Fact

Line = Mapping[str, Any]
MAX_EPISODES, MAX_OPTIONS = 60, 3


def episodes(
    pattern: tree.Sequence, fields: Sequence[Fact], now: datetime,
    values: Callable[[Fact, Sequence[object]], Sequence[Any]],
) -> Iterator[tuple[Line, ...]]:  # fmt: skip
    """Events two hours apart, other instants half an hour after their event; every other field with
    values that the step's own condition names, else one that no other event has.
    """
    steps = [step for step in pattern.steps if not step.absent]
    time = pattern.by.field if isinstance(pattern.by, tree.Member) else ""
    options: list[list[Line]] = []
    for number, step in enumerate(steps):
        at = now - (len(steps) - number) * 2 * HOUR
        pools = [_values(step, field, number, at, time, values) for field in fields]
        options.append(
            [
                {field.field_name: value for field, value in zip(fields, chosen, strict=True)}
                for chosen in islice(product(*pools), MAX_OPTIONS)
            ]
        )
    yield from islice(product(*options), MAX_EPISODES)


def _values(
    step: tree.Step, field: Fact, number: int, at: datetime, time: str,
    values: Callable[[Fact, Sequence[object]], Sequence[Any]],
) -> list[Any]:  # fmt: skip
    if field.type == "instant":
        return [at if field.field_name == time else at + timedelta(minutes=30)]
    named = list(_compared_with(step.condition, field.id))
    found = list(values(field, named))
    if field.type in ("text", "choice") and named:
        return [value for value in named if isinstance(value, str)][:MAX_OPTIONS] or found
    return found[number % len(found) :] + found[: number % len(found)]


def _compared_with(condition: tree.Node, field: str) -> Iterator[object]:
    """The constants that stand beside the field."""
    for part in tree.walk(condition):
        if isinstance(part, (tree.Compare, tree.In, tree.Between)):
            inside = list(tree.walk(part))
            if any(isinstance(one, tree.Member) and one.fact == field for one in inside):
                yield from (one.value for one in inside if isinstance(one, tree.Literal))
