"""Rule documents damaged at random: values of the wrong kind, lost and doubled keys, swapped parts,
texts with a sign too much.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from decimal import Decimal
from random import Random
from typing import Any

NASTY: list[Any] = [
    None, True, False, 0, -1, 5, 10**30, Decimal("1E+600"), Decimal("-2.50"), 1.5, "", " ", "x", "=", "= ", "= =", "-",
    "not(", "((((", "?", "? > 1", "a.b", "now", "true", "null", 'duration("P9")', '@"x"', '"', "“", "1 CNY", "24h",
    "9" * 50, "x" * 3_000, "((" * 300, "not(" * 400 + "1" + ")" * 400, "\x00", "\ud800", "订单", "{}", "[]", [], {}, [[]],
    [{}], {"a": 1}, {"zh": "x"}, {"zh": None}, {"zh": 1, "en": []}, [None], ["x", ["y"]], {"": ""}, {"all": []},
    {"all": [{}]}, {"any": "x"}, {"none": [1]}, {"value": 1}, {"type": "money"}, {"<<": 1}, {1: 2}, ("a",), "1e999",
    "0x10", "2026-02-30", "2026-01-01T00:00:00", "order.currency", "custom.f0", "decided.use", "decided", "items", "item",
    "item.x", "some x in items satisfies x", "[1..2]", "-5", "- 5", "5 -", "1/0", "order.tags", "order", "history",
    "history.number_0", "history.number_0(24h)", "contains", "contains()", "abs(1,2,3)", "if", 'if true then 1 else "a"',
    "1 in 2", '"a" < 1', "every x in 1 satisfies true", "order.currency[1]", "(1).x", '"a".b', "for x in [1] return x",
    "p0", "l0", "d0", "d0 + d0", [[[[[[[[[[1]]]]]]]]]], {"over": "items", "find": [{"a": "true"}]}, "99999999999d",
]  # fmt: skip
KEYS = [
    "id", "title", "why", "if", "then", "rules", "tables", "stages", "policy", "severity", "otherwise", "on_missing",
    "parameters", "lists", "fields", "derive", "when", "rows", "inputs", "outputs", "active", "note", "tests", "gate",
    "type", "value", "values", "min", "max", "unit", "window", "help", "sample", "pattern", "from", "to", "x", "",
]  # fmt: skip
SIGNS = [*list('()".=[,中\n-*?1“'), "not(", " and ", " ", "for ", "date("]


def damaged(rng: Random, document: dict[str, Any]) -> dict[str, Any]:
    """The document with one to three things wrong; it may still be right by chance."""
    for _ in range(rng.randint(1, 3)):
        path = rng.choice(list(_paths(document)))
        if path:
            _damage(rng, document, path)
        else:
            document[rng.choice(KEYS)] = deepcopy(rng.choice(NASTY))
    return document


def _paths(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    entries = (
        data.items()
        if isinstance(data, dict)
        else enumerate(data)
        if isinstance(data, list)
        else ()
    )
    for key, value in entries:
        yield from _paths(value, (*path, key))


def _at(data: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        data = data[key]
    return data


def _damage(rng: Random, document: dict[str, Any], path: tuple[Any, ...]) -> None:
    around, key = _at(document, path[:-1]), path[-1]
    shape = rng.random()
    if shape < 0.5:
        around[key] = deepcopy(rng.choice(NASTY))
    elif shape < 0.6:
        del around[key]
    elif shape < 0.75:
        around[key] = deepcopy(_at(document, rng.choice(list(_paths(document)))))
    elif shape < 0.9 and isinstance(around, dict):
        around[rng.choice(KEYS)] = (
            deepcopy(rng.choice(NASTY)) if rng.random() < 0.5 else around.pop(key)
        )
    elif isinstance(around[key], str):
        text, at = around[key], rng.randrange(len(around[key]) + 1)
        around[key] = text[:at] + rng.choice(SIGNS) + text[at:]
    elif isinstance(around, list):
        around.append(deepcopy(rng.choice(NASTY)))
