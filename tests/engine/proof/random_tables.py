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
    """One condition on one column: `form` with its constants; `text` is how a rule writes it,
    `unary` how a table cell does.
    """

    column: str
    kind: str
    form: str
    constants: tuple[Any, ...]
    text: str
    unary: str


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


def a_table(rng: Random, policy: str = "") -> Table:
    """A set of 2-7 rules over 1-4 columns, written as rules or as a decision table."""
    policy = policy or rng.choice(("first", "first", "unique", "any", "priority", "collect"))
    kinds = rng.choices(list(FIELDS), k=rng.randint(1, 4))
    columns = {f"custom.{kind}{number}": kind for number, kind in enumerate(kinds)}
    table = Table({}, columns, {}, {}, policy, rng.choice(("hold", "skip")))
    table.order = [f"r{number}" for number in range(rng.randint(2, 7))]
    said = ("reject", "hold", "approve") if policy in ("priority", "collect") else ("reject",)
    for name in table.order:
        action = rng.choice(said)
        table.said[name] = action if action == "approve" else f"{action} {rng.choice('ab')}"
    table.document = {
        "tidegate": "ruleset/1", "id": "t", "gate": "review", "title": "t", "policy": policy,
        "on_missing": table.on_missing,
        "fields": {name: {**FIELDS[kind], "title": name} for name, kind in columns.items()},
    }  # fmt: skip
    if policy == "priority":
        table.document["severity"] = ["reject", "hold", "approve"]
    if rng.random() < 0.35:
        table.document["tables"] = [_as_table(rng, table)]
        table.rules = {f"t.{name}": group for name, group in table.rules.items()}
        table.said = {f"t.{name}": what for name, what in table.said.items()}
        table.order = [f"t.{name}" for name in table.order]
    else:
        table.document["rules"] = [_as_rule(rng, table, name) for name in table.order]
    return table


def _as_rule(rng: Random, table: Table, name: str) -> dict[str, Any]:
    table.rules[name], conditions = _conditions(rng, table.columns)
    action, _, argument = table.said[name].partition(" ")
    then = [{action: argument}] if argument else [action]
    return {"id": name, "title": name, "why": "x", "if": conditions, "then": then}


def _as_table(rng: Random, table: Table) -> dict[str, Any]:
    rows = []
    for name in table.order:
        cells = [
            _cell(rng, column, kind) if rng.random() < 0.6 else None
            for column, kind in table.columns.items()
        ]
        table.rules[name] = Group("all", tuple(cell for cell in cells if cell))
        when = [cell.unary if cell else "-" for cell in cells]
        actions = ("reject", "hold", "approve")
        action, _, argument = table.said[name].partition(" ")
        then = [(argument or True) if one == action else "-" for one in actions]
        rows.append({"id": name, "when": when, "then": then, "note": name})
    return {
        "id": "t", "title": "t", "why": "x", "inputs": list(table.columns),
        "outputs": ["reject", "hold", "approve"], "rows": rows,
    }  # fmt: skip


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
            test = _any_cell(rng, columns)
            parts.append(Group("not", (test,)))
            written.append(f"not({test.text})")
        elif roll < 0.3:
            one, other = _any_cell(rng, columns), _any_cell(rng, columns)
            parts.append(Group("any", (one, other)))
            written.append(f"{one.text} or {other.text}")
        else:
            test = _any_cell(rng, columns)
            parts.append(test)
            written.append(test.text)
    return Group("all", tuple(parts)), written


def _several(rng: Random, columns: dict[str, str]) -> tuple[Group, list[str]]:
    tests = [_any_cell(rng, columns) for _ in range(rng.randint(1, 3))]
    return Group("all", tuple(tests)), [test.text for test in tests]


def _any_cell(rng: Random, columns: dict[str, str]) -> Cell:
    column = rng.choice(list(columns))
    return _cell(rng, column, columns[column])


def _cell(rng: Random, column: str, kind: str) -> Cell:
    if rng.random() < 0.08:
        form = rng.choice(("missing", "present"))
        return Cell(column, kind, form, (), f"{column} is {form}", f"? is {form}")
    if kind == "boolean":
        value = rng.random() < 0.5
        word = "true" if value else "false"
        text = column if value and rng.random() < 0.5 else f"{column} = {word}"
        return Cell(column, kind, "=", (value,), text, word)
    if kind in ("choice", "text"):
        return _texts(rng, column, kind)
    return _ordered(rng, column, kind)


def _texts(rng: Random, column: str, kind: str) -> Cell:
    if kind == "text" and rng.random() < 0.25:
        text = rng.choice(TEXTS)
        exact = f'exact("{text}")'
        return Cell(column, kind, "exact", (text,), f"{column} = {exact}", exact)
    values = tuple(rng.choices(CHOICES if kind == "choice" else TEXTS, k=rng.randint(1, 3)))
    listed = ", ".join(f'"{value}"' for value in values)
    if len(values) == 1:
        form = rng.choice(("=", "!="))
        unary = listed if form == "=" else f"not({listed})"
        return Cell(column, kind, form, values, f"{column} {form} {listed}", unary)
    return Cell(column, kind, "in", values, f"{column} in ({listed})", listed)


def _ordered(rng: Random, column: str, kind: str) -> Cell:
    low, high = (_constant(rng, kind) for _ in range(2))
    one, other = low[1], high[1]
    roll = rng.random()
    if roll < 0.15:
        text = f"{column} between {one} and {other}"
        return Cell(column, kind, "between", (low, high), text, f"[{one}..{other}]")
    if roll < 0.3:
        ends = rng.choice(("[]", "()", "[)", "(]"))
        unary = f"{ends[0]}{one}..{other}{ends[1]}"
        return Cell(column, kind, "range" + ends, (low, high), f"{column} in {unary}", unary)
    if roll < 0.4:
        text = f"{column} in ({one}, {other})"
        return Cell(column, kind, "in", (low, high), text, f"{one}, {other}")
    op = rng.choice(OPS)
    if kind == "money" and rng.random() < 0.2:
        low, one = (0, "0", ""), "0"  # a bare zero is zero in every currency
    unary = {"=": one, "!=": f"not({one})"}.get(op, f"{op} {one}")
    return Cell(column, kind, op, (low,), f"{column} {op} {one}", unary)


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
