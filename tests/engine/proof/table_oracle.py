"""A second opinion on random tables: the meaning written down again, for z3. It knows nothing of
regions, boxes or covers.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import z3
from random_tables import CHOICES, TEXTS, Cell, Group, Table

from tidegate.engine.values import fold

CURRENCIES = {"CNY": 0, "USD": 1}
SPELLINGS = {text: number for number, text in enumerate(TEXTS)}
CLASSES = {kind: number for number, kind in enumerate(dict.fromkeys(map(fold, TEXTS)))}
Truth = tuple[Any, Any]  # formulas: it is true, it is false


class Oracle:
    def __init__(self, table: Table) -> None:
        self.table = table
        self.solver = z3.Solver()
        self.known = {name: z3.Bool(f"{name}?") for name in table.columns}
        self.value = {name: self._variable(name, kind) for name, kind in table.columns.items()}
        self.currency = {name: z3.Int(f"{name}$") for name in table.columns}
        self.spelling = {name: z3.Int(f"{name}~") for name in table.columns}
        for name, kind in table.columns.items():
            if kind == "choice":
                self.solver.add(self.value[name] >= 0, self.value[name] < len(CHOICES))
            if kind == "text":  # a spelling of a constant folds as that constant does
                for text, number in SPELLINGS.items():
                    same = self.value[name] == CLASSES[fold(text)]
                    self.solver.add(z3.Implies(self.spelling[name] == number, same))
        self.truth = {name: self._group(group) for name, group in table.rules.items()}

    def _variable(self, name: str, kind: str) -> Any:
        if kind == "boolean":
            return z3.Bool(name)
        return z3.Int(name) if kind in ("choice", "text", "date") else z3.Real(name)

    # meaning

    def _group(self, group: Group | Cell) -> Truth:
        if isinstance(group, Cell):
            return self._test(group)
        parts = [self._group(part) for part in group.parts]
        if group.kind == "all":
            return z3.And([t for t, _ in parts]), z3.Or([f for _, f in parts])
        some = z3.Or([t for t, _ in parts]), z3.And([f for _, f in parts])
        if group.kind == "any":
            return some
        return some[1], some[0]  # none, not

    def _test(self, test: Cell) -> Truth:
        known = self.known[test.column]
        if test.form in ("missing", "present"):
            return (z3.Not(known), known) if test.form == "missing" else (known, z3.Not(known))
        true, false = self._known_test(test)
        return z3.And(known, true), z3.And(known, false)

    def _known_test(self, test: Cell) -> Truth:
        value = self.value[test.column]
        if test.kind == "boolean":
            holds = value == test.constants[0]
            return holds, z3.Not(holds)
        if test.kind in ("choice", "text"):
            return self._text(test)
        single = [self._compared(test, op, c) for op, c in _pairs(test)]
        if test.form == "in":
            return z3.Or([t for t, _ in single]), z3.And([f for _, f in single])
        return z3.And([t for t, _ in single]), z3.Or([f for _, f in single])

    def _text(self, test: Cell) -> Truth:
        value = self.value[test.column]
        if test.form == "exact":
            holds = self.spelling[test.column] == SPELLINGS[test.constants[0]]
        else:
            code = CHOICES.index if test.kind == "choice" else lambda text: CLASSES[fold(text)]
            holds = z3.Or([value == code(text) for text in test.constants])
        return (z3.Not(holds), holds) if test.form == "!=" else (holds, z3.Not(holds))

    def _compared(self, test: Cell, op: str, constant: tuple[Any, str, str]) -> Truth:
        number, _, currency = constant
        value = self.value[test.column]
        holds = {
            "<": value < number, "<=": value <= number, ">": value > number,
            ">=": value >= number, "=": value == number, "!=": value != number,
        }[op]  # fmt: skip
        if not currency:
            return holds, z3.Not(holds)
        same = self.currency[test.column] == CURRENCIES[currency]
        return z3.And(same, holds), z3.And(same, z3.Not(holds))

    # verdicts

    def possible(self, *parts: Any) -> bool:
        self.solver.push()
        self.solver.add(*parts)
        answer = self.solver.check()
        self.solver.pop()
        assert answer != z3.unknown
        return bool(answer == z3.sat)

    def never_fires(self) -> set[str]:
        return {name for name in self.table.order if not self.possible(self.truth[name][0])}

    def always(self) -> set[str]:
        return {name for name in self.table.order if not self.possible(z3.Not(self.truth[name][0]))}

    def hidden(self) -> set[str]:
        """Rules that can hold but never decide, under `first`."""
        found = set()
        for number, name in enumerate(self.table.order):
            before = [self.truth[other] for other in self.table.order[:number]]
            passed = [z3.Not(t) if self.table.on_missing == "skip" else f for t, f in before]
            if self.possible(self.truth[name][0]) and not self.possible(
                self.truth[name][0], *passed
            ):
                found.add(name)
        return found

    def hidden_by_one(self, name: str) -> bool:
        """Whether one earlier rule hides it alone."""
        for other in self.table.order[: self.table.order.index(name)]:
            t, f = self.truth[other]
            passed = z3.Not(t) if self.table.on_missing == "skip" else f
            if not self.possible(self.truth[name][0], passed):
                return True
        return False

    def together(self) -> set[tuple[str, str]]:
        pairs = combinations(self.table.order, 2)
        return {(a, b) for a, b in pairs if self.possible(self.truth[a][0], self.truth[b][0])}

    def outdone(self) -> set[str]:
        """Rules whose outcome never stands, under `priority`: something more severe always holds,
        or, where a missing fact means a hold that replaces it, may hold.
        """
        rank = {"reject": 0, "hold": 1, "approve": 2}
        own = {name: self.table.said[name].split()[0] for name in self.table.order}
        found = set()
        for name in self.table.order:
            more = [o for o in self.table.order if rank[own[o]] < rank[own[name]]]
            replaced = self.table.on_missing == "hold" and own[name] == "approve"
            passed = [self.truth[o][1] if replaced else z3.Not(self.truth[o][0]) for o in more]
            holds = self.truth[name][0]
            if more and self.possible(holds) and not self.possible(holds, *passed):
                found.add(name)
        return found

    def twins(self) -> set[str]:
        """Rules that mean the same as an earlier one."""
        found = set()
        for number, name in enumerate(self.table.order):
            t, f = self.truth[name]
            for other in self.table.order[:number]:
                s, g = self.truth[other]
                if self.possible(t) and not self.possible(z3.Or(z3.Xor(t, s), z3.Xor(f, g))):
                    found.add(name)
        return found

    def has_gap(self) -> bool:
        return self.possible(*(f for _, f in self.truth.values()))


def _pairs(test: Cell) -> list[tuple[str, Any]]:
    if test.form == "in":
        return [("=", constant) for constant in test.constants]
    if test.form == "between" or test.form.startswith("range"):
        closed = test.form[-2:] if test.form.startswith("range") else "[]"
        low, high = test.constants
        return [(">=" if closed[0] == "[" else ">", low), ("<=" if closed[1] == "]" else "<", high)]
    return [(test.form, test.constants[0])]


def verdicts(table: Table) -> Mapping[str, Any]:
    oracle = Oracle(table)
    said = table.said
    together: set[tuple[str, str]] = set()
    if table.policy != "first":
        different = {  # which pairs contradict each other if both hold
            "unique": lambda a, b: True,
            "any": lambda a, b: said[a] != said[b],
            "collect": lambda a, b: said[a].split()[0] != said[b].split()[0],
            "priority": lambda a, b: False,
        }[table.policy]
        together = {(a, b) for a, b in oracle.together() if different(a, b)}
    return {
        "never": oracle.never_fires(),
        "hidden": oracle.hidden() if table.policy == "first" else set(),
        "outdone": oracle.outdone() if table.policy == "priority" else set(),
        "together": together,
        "twins": oracle.twins(),
        "gap": table.policy != "collect" and oracle.has_gap(),
    }
