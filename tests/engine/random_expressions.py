"""Random well-typed expressions over a scope, as trees the parser could have made (names are not
yet looked up). Every kind of node, function and operator can come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import random_literals as literals
from random_calls import Calls
from random_vocabularies import CHOICES, UNITS

from tidegate.engine.language import tree
from tidegate.engine.language.binding import Scope
from tidegate.engine.language.types import (
    BOOLEAN,
    DATE,
    DURATION,
    INSTANT,
    MONEY,
    NUMBER,
    TEXT,
    Type,
    list_of,
    of_fact,
)

ORDERED = (NUMBER, MONEY, TEXT, DURATION, INSTANT, DATE)
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
SIGNS = ("=", "!=", "<", "<=", ">", ">=")


class Expressions:
    """`avoid` names facts (and derived facts) that may not be read."""

    def __init__(self, rng: Random, scope: Scope, avoid: frozenset[str] = frozenset()) -> None:
        self.rng = rng
        self.scope = scope
        self.avoid = avoid
        self.variables: dict[str, Type] = {}
        self._known = list(self._names())
        self.calls = Calls(" ".join(name for name, _ in self._known))

    # names

    def _names(self) -> Iterator[tuple[str, Type]]:
        scope, vocabulary = self.scope, self.scope.vocabulary
        for name, kind in (*scope.parameters.items(), *scope.lists.items(), *scope.derived.items()):
            yield name, kind
        for fact in {
            f.id: f for f in (*vocabulary.facts.values(), *scope.custom.values())
        }.values():
            if (
                not fact.window
                and fact.group not in vocabulary.variables
                and self._at_gate(fact.group)
            ):
                yield fact.id, of_fact(fact.type, fact.unit, fact.values)
        for group in vocabulary.groups.values():
            if group.each and self._at_gate(group.id):
                yield group.id, list_of(Type("line", line=group.id))
        for action, kind in scope.decided.items():
            yield f"decided.{action}", kind
        yield "now", INSTANT

    def _at_gate(self, group: str) -> bool:
        return not self.scope.gate_facts or group in self.scope.gate_facts or group == "custom"

    def _spelled(self, name: str) -> tree.Node:
        """The name as id, or now and then as its Chinese name where that reads."""
        if self.rng.random() < 0.15:
            chinese = [other for other, own in self.scope.aliases.items() if own == name]
            chinese += [
                other
                for other, own in self.scope.vocabulary.names.items()
                if own == name and other != name
            ]
            chinese = [
                c
                for c in chinese
                if c.replace(".", "").replace("_", "").isalnum()
                and c[0].isalpha()
                and not self._shadowed(c)
            ]
            if chinese:
                return tree.Name(chinese[0])
        return tree.Name(name)

    def _shadowed(self, name: str) -> bool:
        return name.partition(".")[0] in self.variables

    def names_of(self, fits: Callable[[Type], bool]) -> list[tree.Node]:
        """All names whose type fits, fields of bound lines included."""
        return [node for node, _ in self.typed_names(fits)]

    def typed_names(self, fits: Callable[[Type], bool]) -> list[tuple[tree.Node, Type]]:
        found = [
            (self._spelled(name), kind)
            for name, kind in self._known
            if fits(kind) and name not in self.avoid and not self._shadowed(name)
        ]
        for variable, kind in self.variables.items():
            if fits(kind):
                found.append((tree.Name(variable), kind))
            if kind.kind == "line":
                fields = self._fields(kind.line)
                found += [
                    (tree.Name(f"{variable}.{name}"), own) for name, own in fields if fits(own)
                ] * 2
        return found

    def _fields(self, group: str) -> Iterator[tuple[str, Type]]:
        each = self.scope.vocabulary.groups[group].each
        for fact in self.scope.vocabulary.facts.values():
            if fact.group == each:
                yield fact.field_name, of_fact(fact.type, fact.unit, fact.values)

    def _pick(self, *choices: Callable[[], tree.Node | None]) -> tree.Node | None:
        """The first of the choices, in random order, that can be made."""
        for make in self.rng.sample(choices, len(choices)):
            found = make()
            if found is not None:
                return found
        return None

    # values

    def value(self, kind: Type, size: int) -> tree.Node:
        """An expression of the type; a number's unit is `kind.unit` or none, a text is one of
        `kind.values` where there are any.
        """
        made = self.calls.perhaps(self, kind, size)
        if made is not None:
            return made
        makers = _MAKERS[kind.kind]
        if size > 0 and self.rng.random() < 0.6:
            made = makers(self, kind, size - 1)
            if made is not None:
                return made
        return self.leaf(kind)

    def leaf(self, kind: Type) -> tree.Node:
        known = self.names_of(lambda own: _fits(own, kind)) + self._windows(kind)
        if known and self.rng.random() < 0.7:
            return self.rng.choice(known)
        return self.literal(kind)

    def literal(self, kind: Type) -> tree.Node:
        if kind.kind == "list":
            return tree.ListOf(
                tuple(self.literal(kind.member or TEXT) for _ in range(self.rng.randint(1, 3)))
            )
        if kind.values:
            said = self.rng.choice(kind.values)
            return tree.Literal(said.upper() if self.rng.random() < 0.2 else said)
        return tree.Literal(literals.MAKE[kind.kind](self.rng))

    def _windows(self, kind: Type) -> list[tree.Node]:
        facts = [
            *self.scope.vocabulary.facts.values(),
            *{f.id: f for f in self.scope.custom.values()}.values(),
        ]
        fitting = [
            f
            for f in facts
            if f.window
            and self._at_gate(f.group)
            and f.id not in self.avoid
            and _fits(of_fact(f.type, f.unit, f.values), kind)
        ]
        spans = [
            tree.Name(name)
            for name, own in self.scope.parameters.items()
            if own.kind == "duration" and not self._shadowed(name)
        ]
        spans += [tree.Literal(span) for span in literals.SPANS[:6]]
        return [tree.Call(fact.id, (self.rng.choice(spans),)) for fact in fitting]

    def some_if(self, kind: Type, size: int) -> tree.Node:
        return tree.If(self.boolean(size), self.value(kind, size), self.value(kind, size))

    def coalesced(self, kind: Type, size: int) -> tree.Node | None:
        known = self.names_of(lambda own: _fits(own, kind))
        return (
            tree.Call("coalesce", (self.rng.choice(known), self.value(kind, size)))
            if known
            else None
        )

    def _extreme(self, kind: Type, size: int) -> tree.Node | None:
        name = self.rng.choice(("min", "max"))
        listed = self.list_value(kind, size)
        if listed is not None and (kind == TEXT or self.rng.random() < 0.6):
            return tree.Call(name, (listed,))
        if kind.kind == "text":
            return None
        return tree.Call(name, tuple(self.value(kind, size) for _ in range(self.rng.randint(2, 3))))

    def _sum(self, kind: Type, size: int) -> tree.Node | None:
        listed = self.list_value(kind, size)
        return tree.Call("sum", (listed,)) if listed is not None else None

    def _operation(self, op: str, left: Type, right: Type, size: int) -> tree.Node:
        return tree.Arithmetic(op, self.value(left, size), self.value(right, size))

    def number(self, kind: Type, size: int) -> tree.Node | None:
        r, value = self.rng, self.value
        any_unit = Type("number", unit=r.choice(UNITS))
        whole = tree.Literal(r.choice(literals.NUMBERS[:4]))
        return self._pick(
            lambda: self._operation(r.choice("+-"), kind, kind, size),
            lambda: self._operation(
                r.choice("*/"), any_unit, Type("number", unit=r.choice(UNITS)), size
            ),
            lambda: self._operation("/", MONEY, MONEY, size),
            lambda: self._operation("/", DURATION, DURATION, size),
            lambda: tree.Negate(value(kind, size)),
            lambda: tree.Call("count", (self.any_list(size),)),
            lambda: tree.Call("string_length", (value(TEXT, size),)),
            lambda: tree.Call("hour", (value(INSTANT, size),)),
            lambda: tree.Call("modulo", (value(NUMBER, size), value(NUMBER, size))),
            lambda: tree.Call("abs", (value(kind, size),)),
            lambda: tree.Call(
                r.choice(("round", "floor", "ceiling", "round_half_up")),
                (value(kind, size), whole)[: r.randint(1, 2)],
            ),
            lambda: self._extreme(kind, size),
            lambda: self._sum(kind, size),
            lambda: self.some_if(kind, size),
            lambda: self.coalesced(kind, size),
        )

    def money(self, kind: Type, size: int) -> tree.Node | None:
        r = self.rng
        return self._pick(
            lambda: self._operation(r.choice("+-"), MONEY, MONEY, size),
            lambda: self._operation(r.choice("*/"), MONEY, NUMBER, size),
            lambda: self._operation("*", NUMBER, MONEY, size),
            lambda: tree.Negate(self.value(MONEY, size)),
            lambda: tree.Call(
                r.choice(("abs", "round", "floor", "ceiling")), (self.value(MONEY, size),)
            ),
            lambda: self._extreme(kind, size),
            lambda: self._sum(kind, size),
            lambda: self.some_if(kind, size),
            lambda: self.coalesced(kind, size),
        )

    def text(self, kind: Type, size: int) -> tree.Node | None:
        if kind.values:
            days = kind.values == WEEKDAYS
            return self._pick(
                lambda: self.some_if(kind, size) if not days else None,
                lambda: (
                    tree.Call("weekday", (self.value(self.rng.choice((INSTANT, DATE)), size),))
                    if days
                    else None
                ),
            )
        return self._pick(
            lambda: self._operation("+", TEXT, TEXT, size),
            lambda: tree.Call(
                self.rng.choice(("lower_case", "upper_case", "exact")), (self.value(TEXT, size),)
            ),
            lambda: tree.Call(
                "string",
                (
                    self.value(
                        self.rng.choice((NUMBER, TEXT, BOOLEAN, MONEY, DATE, DURATION)), size
                    ),
                ),
            ),
            lambda: self._extreme(kind, size),
            lambda: self.some_if(kind, size),
            lambda: self.coalesced(kind, size),
        )

    def duration(self, kind: Type, size: int) -> tree.Node | None:
        r = self.rng
        calendars = [
            tree.Name(name) for name in self.scope.vocabulary.calendars if not self._shadowed(name)
        ]
        return self._pick(
            lambda: tree.Call(r.choice(("since", "until")), (self.value(INSTANT, size),)),
            lambda: (
                tree.Call(
                    r.choice(("since", "until")), (self.value(INSTANT, size), r.choice(calendars))
                )
                if calendars
                else None
            ),
            lambda: self._operation(r.choice("+-"), DURATION, DURATION, size),
            lambda: self._operation(r.choice("*/"), DURATION, NUMBER, size),
            lambda: self._operation("-", *(2 * (r.choice((INSTANT, DATE)),)), size),
            lambda: tree.Negate(self.value(DURATION, size)),
            lambda: tree.Call("abs", (self.value(DURATION, size),)),
            lambda: self._extreme(kind, size),
            lambda: self._sum(kind, size),
            lambda: self.some_if(kind, size),
            lambda: self.coalesced(kind, size),
        )

    def instant(self, kind: Type, size: int) -> tree.Node | None:
        return self._pick(
            lambda: self._operation(self.rng.choice("+-"), INSTANT, DURATION, size),
            lambda: self._operation("+", DURATION, INSTANT, size),
            lambda: self._extreme(kind, size),
            lambda: self.some_if(kind, size),
            lambda: self.coalesced(kind, size),
        )

    def date(self, kind: Type, size: int) -> tree.Node | None:
        return self._pick(
            lambda: tree.Call("date", (self.value(INSTANT, size),)),
            lambda: (
                tree.Call("date", (self.value(DATE, 0),))
                if not isinstance(self.value(DATE, 0), tree.Literal)
                else None
            ),
            lambda: self._extreme(kind, size),
            lambda: self.some_if(kind, size),
            lambda: self.coalesced(kind, size),
        )

    # lists

    def lines(self, size: int) -> tuple[tree.Node, Type] | None:
        """A list of lines, whole or filtered, and the type of its lines."""
        return self._some_list(lambda member: member.kind == "line", size)

    def _some_list(self, fits: Callable[[Type], bool], size: int) -> tuple[tree.Node, Type] | None:
        known = self.typed_names(
            lambda own: own.kind == "list" and own.member is not None and fits(own.member)
        )
        if not known:
            return None
        source, kind = self.rng.choice(known)
        member = kind.member or TEXT
        if size <= 0 or self.rng.random() < 0.6:
            return source, member
        variable = self.scope.vocabulary.groups[member.line].each if member.line else "item"
        return tree.Filter(source, self.inside(variable, member, size - 1)), member

    def inside(
        self,
        variable: str,
        kind: Type,
        size: int,
        make: Callable[[], tree.Node] | None = None,
    ) -> tree.Node:
        """A condition (or what `make` makes) in which `variable` is bound."""
        outer = dict(self.variables)
        self.variables[variable] = kind
        if kind.line and variable == self.scope.vocabulary.groups[kind.line].each:
            self.variables.pop(self.scope.vocabulary.groups[variable].title["zh"], None)
        try:
            return make() if make else self.boolean(size)
        finally:
            self.variables = outer

    def list_value(self, member: Type, size: int) -> tree.Node | None:
        """A list of values: a named list, a field of all lines, constants."""

        def fields() -> tree.Node | None:
            found = self.lines(size)
            if found is None:
                return None
            lines, kind = found
            names = [name for name, own in self._fields(kind.line) if _fits(own, member)]
            if not names:
                return None
            if isinstance(lines, tree.Name):
                return tree.Name(f"{lines.path}.{self.rng.choice(names)}")
            return tree.Member(lines, self.rng.choice(names))

        def named() -> tree.Node | None:
            found = self._some_list(lambda own: own.kind != "line" and _fits(own, member), size)
            return found[0] if found else None

        def listed() -> tree.Node | None:
            return tree.ListOf(
                tuple(self.value(member, size - 1) for _ in range(self.rng.randint(1, 3)))
            )

        found = self._pick(fields, named, listed)
        if found is not None and self.rng.random() < 0.1:
            return tree.Call("distinct", (found,))
        return found

    def any_list(self, size: int) -> tree.Node:
        lines = self.lines(size) if self.rng.random() < 0.5 else None
        made = lines[0] if lines else self.list_value(self.rng.choice(ORDERED), size)
        return made if made is not None else tree.ListOf(())

    # conditions

    def boolean(self, size: int) -> tree.Node:
        if size <= 0:
            return self._simple()
        called = self.calls.perhaps(self, BOOLEAN, size)
        if called is not None:
            return called
        made = self._pick(
            lambda: self.comparison(size - 1),
            lambda: self.comparison(size - 1),
            lambda: self.membership(size - 1),
            lambda: self.membership(size - 1),
            lambda: self._between(size - 1),
            lambda: self._joined(size - 1),
            lambda: tree.Not(self.boolean(size - 1)),
            lambda: self.quantified(size - 1),
            lambda: self.quantified(size - 1),
            lambda: self._text_test(size - 1),
            lambda: self._presence(size - 1),
            lambda: self._time_test(),
            lambda: self._simple(),
            lambda: self.some_if(BOOLEAN, size - 1),
            lambda: self.coalesced(BOOLEAN, size - 1),
        )
        return made if made is not None else self._simple()

    def _simple(self) -> tree.Node:
        if self.rng.random() < 0.3:
            return self.leaf(BOOLEAN)
        return self.comparison(0)

    def a_type(self) -> Type:
        """A type two sides of a comparison share."""
        kind = self.rng.choice((*ORDERED, BOOLEAN, NUMBER, TEXT))
        if kind == NUMBER:
            return Type("number", unit=self.rng.choice(UNITS))
        if kind == TEXT and self.rng.random() < 0.4:
            return Type("text", values=self.rng.choice((*CHOICES, WEEKDAYS)))
        return kind

    def comparison(self, size: int) -> tree.Node:
        kind = self.a_type()
        op = self.rng.choice(SIGNS if kind.kind != "boolean" else SIGNS[:2])
        left = self.value(kind, size)
        if kind.kind in ("money", "duration") and self.rng.random() < 0.1:
            return tree.Compare(op, left, tree.Literal(literals.NUMBERS[0]))
        if self.rng.random() < 0.05:
            kind = list_of(TEXT)
            return tree.Compare(self.rng.choice(SIGNS[:2]), self.leaf(kind), self.literal(kind))
        return tree.Compare(op, left, self.value(kind, size))

    def _between(self, size: int) -> tree.Node:
        kind = self.a_type()
        kind = NUMBER if kind.kind == "boolean" else kind
        return tree.Between(
            self.value(kind, size), self.value(kind, size - 1), self.value(kind, size - 1)
        )

    def _joined(self, size: int) -> tree.Node:
        kind = self.rng.choice((tree.And, tree.Or))
        parts = [self.boolean(size) for _ in range(self.rng.randint(2, 4))]
        flat = [
            inner for part in parts for inner in (part.parts if isinstance(part, kind) else (part,))
        ]
        return kind(tuple(flat))

    def range(self, kind: Type, size: int = 0) -> tree.Node:
        return tree.Range(
            self.value(kind, size),
            self.value(kind, size),
            self.rng.random() < 0.5,
            self.rng.random() < 0.5,
        )

    def membership(self, size: int) -> tree.Node:
        kind = self.a_type()
        if kind.kind == "boolean":
            return tree.In(self.value(kind, size), (tree.Literal(True), tree.Literal(False)))
        if kind == INSTANT and self.rng.random() < 0.5:
            calendars = [
                name for name in self.scope.vocabulary.calendars if not self._shadowed(name)
            ]
            return tree.In(self.value(INSTANT, size), (tree.Name(self.rng.choice(calendars)),))
        if kind == TEXT and self.rng.random() < 0.1:
            return tree.In(self.literal(kind), (self.leaf(list_of(TEXT)),))
        count = self.rng.choice((1, 1, 2, 3))
        tests = tuple(self._test(kind, size, count > 1) for _ in range(count))
        return tree.In(self.value(kind, size), tests)

    def _test(self, kind: Type, size: int, several: bool) -> tree.Node:
        def named() -> tree.Node | None:
            known = self.names_of(
                lambda own: (
                    own.kind == "list" and own.member is not None and _fits(own.member, kind)
                )
            )
            return self.rng.choice(known) if known else None

        made = self._pick(
            lambda: self.value(kind, size - 1),
            lambda: self.range(kind, size - 1),
            lambda: tree.Test(self.rng.choice(SIGNS), self.value(kind, size - 1)),
            lambda: tree.ListOf(tuple(self.literal(kind) for _ in range(self.rng.randint(1, 3)))),
            lambda: tree.ListOf(tuple(self.range(kind) for _ in range(2))),
            named,
        )
        return made if made is not None else self.literal(kind)

    def quantified(self, size: int) -> tree.Node:
        found = self.lines(size) if self.rng.random() < 0.7 else None
        found = found or self._some_list(
            lambda member: member.kind in ("text", "money", "number"), size
        )
        source, kind = found or (tree.ListOf((tree.Literal("jd"), tree.Literal("加急"))), TEXT)
        own = self.scope.vocabulary.groups[kind.line].each if kind.line else "word"
        variable = own if self.rng.random() < 0.8 else self.rng.choice(("x", "行", "now_", "order"))
        which = self.rng.choice(("some", "every", "no"))
        return tree.Quantified(which, variable, source, self.inside(variable, kind, size))

    def _text_test(self, size: int) -> tree.Node:
        kind = self.rng.choice(
            ("contains", "starts_with", "ends_with", "matches", "list_contains", "contains_list")
        )
        if kind.endswith(("_contains", "_list")):
            return tree.Call(
                "list_contains" if kind.startswith("list") else "contains",
                (self.leaf(list_of(TEXT)), self.value(TEXT, size)),
            )
        return tree.Call(kind, (self.value(TEXT, size), self.value(TEXT, 0)))

    def _time_test(self) -> tree.Node:
        elapsed = tree.Call(self.rng.choice(("since", "until")), (self.leaf(INSTANT),))
        calendars = [name for name in self.scope.vocabulary.calendars if not self._shadowed(name)]
        if calendars and self.rng.random() < 0.4:
            elapsed = tree.Call(
                elapsed.function, (*elapsed.args, tree.Name(self.rng.choice(calendars)))
            )
        return tree.Compare(self.rng.choice(SIGNS), elapsed, self.leaf(DURATION))

    def _presence(self, size: int) -> tree.Node:
        names = self.names_of(lambda own: own.kind != "line")
        made = self._pick(lambda: self.rng.choice(names), lambda: self.value(self.a_type(), size))
        assert made is not None
        return tree.Presence(made, self.rng.random() < 0.5)


def _fits(own: Type, wanted: Type) -> bool:
    if own.kind != wanted.kind:
        return False
    if own.kind == "list":
        return (
            own.member is not None
            and wanted.member is not None
            and _fits(own.member, wanted.member)
        )
    if own.kind == "number":
        return own.unit in ("", wanted.unit)
    return own.values in ((), wanted.values)


_MAKERS: dict[str, Callable[[Expressions, Type, int], Any]] = {
    "boolean": lambda make, kind, size: make.boolean(size + 1),
    "number": Expressions.number,
    "money": Expressions.money,
    "text": Expressions.text,
    "duration": Expressions.duration,
    "instant": Expressions.instant,
    "date": Expressions.date,
    "list": lambda make, kind, size: make.list_value(kind.member, size),
}
