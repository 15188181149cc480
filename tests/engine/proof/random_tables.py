"""Random rule sets whose conditions compare independent facts with constants, as a document and,
beside it, as plain data from which a test may derive its own meaning.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

CHOICES = ("new", "paid", "sent", "back")
TEXTS = ("JD", "jd", "京东", "ＪＤ", "tmall")
FIELDS = {
    "number": {"type": "number"},
    "money": {"type": "money"},
    "choice": {"type": "choice", "values": list(CHOICES)},
    "text": {"type": "text"},
    "boolean": {"type": "boolean"},
    "date": {"type": "date"},
    "instant": {"type": "instant"},
    "duration": {"type": "duration"},
}
OPS = ("<", "<=", ">", ">=", "=", "!=")


@dataclass(frozen=True)
class Cell:
    """One condition on one column: `form` with its constants; `text` is how a rule writes it."""

    column: str
    kind: str
    form: str
    constants: tuple[Any, ...]
    text: str


@dataclass(frozen=True)
class Group:
    """`kind` is all, any, none, or not (of one part)."""

    kind: str
    parts: tuple[Cell | Group, ...]


@dataclass
class Table:
    document: dict[str, Any]
    columns: dict[str, str]
    rules: dict[str, Group]
    said: dict[str, str]
    policy: str = "first"
    on_missing: str = "hold"
    order: list[str] = field(default_factory=list)


def a_table(rng: Random, rules: int = 0, policy: str = "") -> Table:
    """A set of 2-7 rules over 1-4 columns, in one stage or as one table."""
    policy = policy or rng.choice(("first", "unique", "any", "first"))
    kinds = rng.choices(list(FIELDS), k=rng.randint(1, 4))
    columns = {f"custom.{kind}{number}": kind for number, kind in enumerate(kinds)}
    table = Table({}, columns, {}, {}, policy, rng.choice(("hold", "skip")))
    names = [f"r{number}" for number in range(rules or rng.randint(2, 7))]
    entries = []
    for name in names:
        group, conditions = _conditions(rng, columns)
        table.rules[name] = group
        table.said[name] = rng.choice(("a", "b"))
        entries.append(
            {"id": name, "title": name, "why": "x", "if": conditions,
             "then": [{"reject": table.said[name]}]}
        )  # fmt: skip
    table.order = names
    table.document = {
        "tidegate": "ruleset/1", "id": "t", "gate": "review", "title": "t", "policy": policy,
        "on_missing": table.on_missing,
        "fields": {name: {**FIELDS[kind], "title": name} for name, kind in columns.items()},
        "rules": entries,
    }  # fmt: skip
    return table


def _conditions(rng: Random, columns: dict[str, str]) -> tuple[Group, list[Any]]:
    parts: list[Cell | Group] = []
    written: list[Any] = []
    for _ in range(rng.choice((0, 1, 1, 2, 2, 3, 3, 4))):
        roll = rng.random()
        if roll < 0.12:
            group, texts = _several(rng, columns)
            kind = rng.choice(("any", "none", "all"))
            parts.append(Group(kind, group.parts))
            written.append({kind: texts})
        elif roll < 0.22:
            test = _test(rng, columns)
            parts.append(Group("not", (test,)))
            written.append(f"not({test.text})")
        elif roll < 0.3:
            one, other = _test(rng, columns), _test(rng, columns)
            parts.append(Group("any", (one, other)))
            written.append(f"{one.text} or {other.text}")
        else:
            test = _test(rng, columns)
            parts.append(test)
            written.append(test.text)
    return Group("all", tuple(parts)), written


def _several(rng: Random, columns: dict[str, str]) -> tuple[Group, list[str]]:
    tests = [_test(rng, columns) for _ in range(rng.randint(1, 3))]
    return Group("all", tuple(tests)), [test.text for test in tests]


def _test(rng: Random, columns: dict[str, str]) -> Cell:
    column = rng.choice(list(columns))
    kind = columns[column]
    if rng.random() < 0.08:
        form = rng.choice(("missing", "present"))
        return Cell(column, kind, form, (), f"{column} is {form}")
    if kind == "boolean":
        value = rng.random() < 0.5
        form = rng.choice(("is", "bare"))
        if form == "bare":
            return Cell(column, kind, "=", (True,), column)
        return Cell(column, kind, "=", (value,), f"{column} = {'true' if value else 'false'}")
    if kind in ("choice", "text"):
        return _texts(rng, column, kind)
    return _ordered(rng, column, kind)


def _texts(rng: Random, column: str, kind: str) -> Cell:
    if kind == "text" and rng.random() < 0.25:
        text = rng.choice(TEXTS)
        return Cell(column, kind, "exact", (text,), f'{column} = exact("{text}")')
    values = tuple(rng.choices(CHOICES if kind == "choice" else TEXTS, k=rng.randint(1, 3)))
    listed = ", ".join(f'"{value}"' for value in values)
    if len(values) == 1:
        form = rng.choice(("=", "!="))
        return Cell(column, kind, form, values, f"{column} {form} {listed}")
    return Cell(column, kind, "in", values, f"{column} in ({listed})")


def _ordered(rng: Random, column: str, kind: str) -> Cell:
    low, high = (_constant(rng, kind) for _ in range(2))
    roll = rng.random()
    if roll < 0.15:
        return Cell(
            column, kind, "between", (low, high), f"{column} between {low[1]} and {high[1]}"
        )
    if roll < 0.3:
        ends = rng.choice(("[]", "()", "[)", "(]"))
        text = f"{column} in {ends[0]}{low[1]}..{high[1]}{ends[1]}"
        return Cell(column, kind, "range" + ends, (low, high), text)
    if roll < 0.4:
        return Cell(column, kind, "in", (low, high), f"{column} in ({low[1]}, {high[1]})")
    op = rng.choice(OPS)
    if kind == "money" and rng.random() < 0.2:
        low = (0, "0", "")  # a bare zero is zero in every currency
    return Cell(column, kind, op, (low,), f"{column} {op} {low[1]}")


def _constant(rng: Random, kind: str) -> tuple[Any, str, str]:
    """(number on a line, as written, currency)."""
    number = rng.randint(-1, 6)
    if kind == "number":
        half = 0.5 if number >= 0 and rng.random() < 0.3 else 0
        return number + half, f"{number}.5" if half else str(number), ""
    if kind == "money":
        currency = rng.choice(("CNY", "CNY", "USD"))
        return number, f"{number} {currency}", currency
    if kind == "date":
        return number + 2, f'@"2026-11-{number + 2:02d}"', ""
    if kind == "instant":
        return number + 2, f'@"2026-11-{number + 2:02d}T08:00:00+08:00"', ""
    return number, f'duration("{number}h")', ""
