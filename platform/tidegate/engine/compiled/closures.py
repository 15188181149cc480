"""Expressions as Python closures over the slots of one decision.

Each closure means exactly what `evaluation.py` says its node means, without keeping what was
read. Nodes this module does not know are left to the reference.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from tidegate.engine import clock
from tidegate.engine.compiled.layout import CONTEXT, NOW, TYPED, UNSET, ZONE, Layout, Row
from tidegate.engine.compiled.spans import span_of
from tidegate.engine.evaluation import Context, Interval, one_of
from tidegate.engine.language import tree
from tidegate.engine.language.functions import FUNCTIONS
from tidegate.engine.logic import Truth, disjunction
from tidegate.engine.operations import NEGATABLE, arithmetic, compare, equal, finite
from tidegate.engine.regions import is_constant
from tidegate.engine.values import ExactText, Incomplete, Money, fold
from tidegate.engine.vocabulary import DAYS

Slots = list[Any]
Closure = Callable[[Slots], Any]
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
}
_PYTHON = {"=": "=="}  # operators that Python writes otherwise


class NotCompiled(Exception):
    """The node, or one inside it, has no closure."""


@dataclass
class Closures:
    """Makes closures; facts they read are given slots in `layout`."""

    layout: Layout
    constants: Context
    variables: dict[str, tuple[int, str]] = field(default_factory=dict)
    made: dict[tree.Node, Closure] = field(default_factory=dict)

    def of(self, node: tree.Node) -> Closure:
        """The closure of a whole expression; the reference's answer where there is none."""
        if node not in self.made:
            try:
                self.made[node] = self._of(node)
            except NotCompiled:
                self.made[node] = lambda x: value_only(x[CONTEXT](x), node)
        return self.made[node]

    def number(self, node: tree.Node) -> Closure | None:
        """The plain number of a fact or of a line's field as it was read, int or Decimal."""
        if isinstance(node, tree.Fact) and self._is_number(node.id):
            slot = self.layout.slot(self.layout.raw, node.id)
            return lambda x: x[slot]
        if isinstance(node, tree.Member) and isinstance(node.of, tree.Variable):
            if not self._is_number(node.fact):
                return None
            row, place = self._line_field(node.of, node)
            return lambda x: x[row][place]
        if is_constant(node):
            value = self.constants.value(node)
            return (lambda x: value) if isinstance(value, Decimal) else None
        return None

    def _is_number(self, name: str) -> bool:
        fact = self.layout.fact(name)
        return fact is not None and fact.type == "number" and not fact.window

    def _line_field(self, variable: tree.Variable, node: tree.Member) -> tuple[int, int]:
        slot, group = self.variables[variable.id]
        if not group:
            raise NotCompiled
        return slot, self.layout.line_field(group, node.field)

    def _of(self, node: tree.Node) -> Closure:
        if is_constant(node):
            value = self.constants.value(node)
            return lambda x: value
        make = _MAKE.get(type(node))
        if make is None:
            raise NotCompiled
        return make(self, node)

    # what is read

    def fact(self, node: tree.Fact) -> Closure:
        if node.id == "now":
            return lambda x: x[NOW]
        layout = self.layout
        group = layout.ruleset.vocabulary.groups.get(node.id)
        if layout.fact(node.id) is None and group is not None:
            return _lines(node.id, layout, layout.lazy_slot(("lines", node.id)))
        if self._is_number(node.id):
            raw = layout.slot(layout.raw, node.id)
            return lambda x: _decimal(x[raw])
        slot = layout.slot(layout.raw, node.id)
        return lambda x: x[slot]

    def derived(self, node: tree.Derived) -> Closure:
        slot = self.layout.lazy_slot(node)
        if node in self.made:
            return self.made[node]
        outer, self.variables = self.variables, {}
        inner = self.of(self.layout.ruleset.derive[node.id].node)
        self.variables = outer

        def run(x: Slots) -> Any:
            value = x[slot]
            if value is UNSET:
                value = x[slot] = inner(x)
            return value

        self.made[node] = run
        return run

    def variable(self, node: tree.Variable) -> Closure:
        if node.id not in self.variables:
            raise NotCompiled
        slot = self.variables[node.id][0]
        return lambda x: x[slot]

    def member(self, node: tree.Member) -> Closure:
        if isinstance(node.of, tree.Variable):
            slot, place = self._line_field(node.of, node)
            if self._is_number(node.fact):
                return lambda x: _decimal(x[slot][place])
            return lambda x: x[slot][place]
        group = self.layout.ruleset.vocabulary.variables[node.fact.partition(".")[0]]
        place = self.layout.line_field(group, node.field)
        of = self._of(node.of)
        number = self._is_number(node.fact)

        def run(x: Slots) -> Any:
            rows = of(x)
            if rows is None:
                return None
            if isinstance(rows, Row):
                return _decimal(rows[place]) if number else rows[place]
            values = [_decimal(row[place]) if number else row[place] for row in rows]
            return type(rows)(values)

        return run

    def window(self, node: tree.Window) -> Closure:
        slot = self.layout.slot(self.layout.windows, node.fact)
        length = self._of(node.span)
        fact = self.layout.fact(node.fact)
        plain = fact is not None and fact.type == "number"

        def run(x: Slots) -> Any:
            raw, span = x[slot], length(x)
            if raw is None or span is None:
                return None
            if plain and type(raw) is int:
                return Decimal(raw)
            if plain and type(raw) is dict:
                for key, value in raw.items():
                    if span_of(key) == span and (value is None or type(value) is int):
                        return _decimal(value)
            return x[CONTEXT](x).facts.window(node.fact, span)

        return run

    # operators

    def arithmetic(self, node: tree.Arithmetic) -> Closure:
        left, right, op = self._of(node.left), self._of(node.right), node.op
        return lambda x: arithmetic(op, left(x), right(x))

    def negate(self, node: tree.Negate) -> Closure:
        inner = self._of(node.value)

        def run(x: Slots) -> Any:
            value = inner(x)
            if isinstance(value, Money):
                return Money(-value.amount, value.currency)
            return -value if isinstance(value, NEGATABLE) else None

        return run

    def compare(self, node: tree.Compare) -> Closure:
        one, other, op = self.number(node.left), self.number(node.right), node.op
        if one and other:
            return _numbers(_ORDER[op], one, other)
        left, right = self._of(node.left), self._of(node.right)
        if op in ("=", "!=") and is_constant(node.right):
            wanted = self.constants.value(node.right)
            if isinstance(wanted, str) and not isinstance(wanted, ExactText):
                return _text_equal(left, wanted, op == "=")
        return lambda x: compare(op, left(x), right(x))

    def between(self, node: tree.Between) -> Closure:
        value, low, high = self._of(node.value), self._of(node.low), self._of(node.high)
        return lambda x: Interval(low(x), high(x), True, True).holds(value(x))

    def range(self, node: tree.Range) -> Closure:
        low, high = self._of(node.low), self._of(node.high)
        return lambda x: Interval(low(x), high(x), node.low_closed, node.high_closed)

    def in_(self, node: tree.In) -> Closure:
        value = self._of(node.value)
        tests = [self._test(test) for test in node.tests]

        def run(x: Slots) -> Truth:
            subject = value(x)
            result: Truth = False
            for test in tests:
                found = test(x, subject)
                if found is True:
                    return True
                if found is None:
                    result = None
            return result

        return run

    def _test(self, test: tree.Node) -> Callable[[Slots, Any], Truth]:
        if isinstance(test, tree.Test):
            op, side = test.op, self._of(test.value)
            return lambda x, subject: compare(op, subject, side(x))
        if isinstance(test, tree.Calendar):
            calendar = self.constants.calendars[test.id]
            return lambda x, subject: (
                clock.is_open(calendar, subject, x[ZONE]) if isinstance(subject, datetime) else None
            )
        found = self._of(test)
        return lambda x, subject: one_of(subject, found(x))

    def list(self, node: tree.ListOf) -> Closure:
        members = [self._of(member) for member in node.members]
        return lambda x: tuple(member(x) for member in members)

    def and_(self, node: tree.And) -> Closure:
        parts = [self._of(part) for part in node.parts]

        def run(x: Slots) -> Truth:
            result: Truth = True
            for part in parts:
                found = part(x)
                if found is False:
                    return False
                if found is None:
                    result = None
            return result

        return run

    def or_(self, node: tree.Or) -> Closure:
        parts = [self._of(part) for part in node.parts]

        def run(x: Slots) -> Truth:
            result: Truth = False
            for part in parts:
                found = part(x)
                if found is True:
                    return True
                if found is None:
                    result = None
            return result

        return run

    def not_(self, node: tree.Not) -> Closure:
        return _denied(self._of(node.value))

    def if_(self, node: tree.If) -> Closure:
        condition = self._of(node.condition)
        then, otherwise = self._of(node.then), self._of(node.otherwise)

        return lambda x: then(x) if condition(x) is True else otherwise(x)

    def presence(self, node: tree.Presence) -> Closure:
        inner, missing = self._of(node.value), node.missing
        if isinstance(node.value, tree.Fact) and node.value.id.startswith("decided."):
            return lambda x: (inner(x) in (None, ())) is missing
        return lambda x: (inner(x) is None) is missing

    # lists

    def _bound(
        self, name: str, over: tree.Node, condition: tree.Node
    ) -> tuple[Closure, int, Closure]:
        """The list, the slot of its element, the condition on the element."""
        source = self._of(over)
        slot = self.layout.new()
        outer = dict(self.variables)
        self.variables[name] = (slot, self._lines_of(over))
        try:
            made, self.made = self.made, {}  # closures of inner nodes belong to this variable
            inner = self._of(condition)
        finally:
            self.variables, self.made = outer, made
        return source, slot, inner

    def _lines_of(self, over: tree.Node) -> str:
        """The vocabulary list whose lines the expression holds; empty for other lists."""
        while isinstance(over, tree.Filter):
            over = over.of
        if isinstance(over, tree.Fact) and over.id in self.layout.ruleset.vocabulary.groups:
            return over.id
        if isinstance(over, tree.Call) and over.args:
            return self._lines_of(over.args[0])
        return ""

    def quantified(self, node: tree.Quantified) -> Closure:
        fields = self.compared_fields(node)
        if fields:
            group, left, right, op = fields
            return _every_field(group, left, right, _ORDER[op])
        searched = self._searched(node)
        if searched:
            return searched
        source, slot, condition = self._bound(node.variable, node.over, node.condition)
        decisive, found_it = node.kind != "every", node.kind == "some"
        nothing = node.kind == "no"

        def run(x: Slots) -> Truth:
            elements = source(x)
            if elements is None:
                return None
            gap = isinstance(elements, Incomplete)
            outer = x[slot]
            for element in elements:
                x[slot] = element
                found = condition(x)
                if found is None:
                    gap = True
                elif found is decisive:
                    x[slot] = outer
                    return found_it
            x[slot] = outer
            if gap:
                return None
            return nothing or (not decisive and len(elements) > 0)

        return run

    def _searched(self, node: tree.Quantified) -> Closure | None:
        """`some word in words satisfies contains(text, word)` over constant words: the text is read and folded once."""
        test = node.condition
        if node.kind == "every" or not isinstance(test, tree.Call) or not is_constant(node.over):
            return None
        if test.function not in _TEXT_TESTS or len(test.args) != 2:
            return None
        text, word = test.args
        own = tree.Variable(node.variable)
        if word != own or any(part == own for part in tree.walk(text)):
            return None
        words, general = self.constants.value(node.over), FUNCTIONS[test.function].run
        plain = isinstance(words, tuple) and all(type(one) is str for one in words)
        if not plain or not words or isinstance(words, Incomplete) or general is None:
            return None
        found = _text_search(_TEXT_TESTS[test.function], self._of(text), words, general)
        return found if node.kind == "some" else _denied(found)

    def compared_fields(self, node: tree.Node) -> tuple[str, str, str, str] | None:
        """`every line: field against field` as the list, two number fields and an operator of
        Python; the commonest
        question about lines (is everything in stock?).
        """
        if not isinstance(node, tree.Quantified) or node.kind != "every":
            return None
        condition = node.condition
        if not isinstance(condition, tree.Compare):
            return None
        if not isinstance(node.over, tree.Fact) or node.over.id not in self.layout.groups:
            return None
        fields = []
        for side in (condition.left, condition.right):
            if not isinstance(side, tree.Member) or side.of != tree.Variable(node.variable):
                return None
            if not self._is_number(side.fact):
                return None
            fields.append(side.field)
        return node.over.id, fields[0], fields[1], _PYTHON.get(condition.op, condition.op)

    def filter(self, node: tree.Filter) -> Closure:
        source, slot, condition = self._bound(node.variable, node.of, node.condition)

        def run(x: Slots) -> Any:
            elements = source(x)
            if elements is None:
                return None
            kept: list[object] = []
            sure = not isinstance(elements, Incomplete)
            outer = x[slot]
            for element in elements:
                x[slot] = element
                found = condition(x)
                if found is True:
                    kept.append(element)
                elif found is None:
                    sure = False
            x[slot] = outer
            return tuple(kept) if sure else Incomplete(kept)

        return run

    def for_(self, node: tree.For) -> Closure:
        source, slot, result = self._bound(node.variable, node.over, node.result)

        def run(x: Slots) -> Any:
            elements = source(x)
            if elements is None:
                return None
            outer, found = x[slot], []
            for element in elements:
                x[slot] = element
                found.append(result(x))
            x[slot] = outer
            return type(elements)(found)

        return run

    # functions

    def call(self, node: tree.Call) -> Closure:
        timed = _TIMED.get(node.function)
        if timed:
            return timed(self, node)
        function = FUNCTIONS[node.function]
        if function.zoned is not None:
            return _zoned(function.zoned, [self._of(arg) for arg in node.args])
        run = function.run
        if run is None:
            raise NotCompiled
        args = [self._of(arg) for arg in node.args]
        if len(args) == 2 and node.function in _TEXT_TESTS and is_constant(node.args[1]):
            part = self.constants.value(node.args[1])
            if isinstance(part, str) and not isinstance(part, ExactText):
                return _text_test(_TEXT_TESTS[node.function], args[0], fold(part), run, part)
        if len(args) == 1:
            return _called_with_one(run, args[0])

        def called(x: Slots) -> Any:
            given = [arg(x) for arg in args]
            if None in given:
                return None
            try:
                return finite(run(*given))
            except (ArithmeticError, ValueError):
                return None

        return called

    def elapsed(self, node: tree.Call) -> Closure:
        start = self._of(node.args[0])
        past = node.function == "since"
        if len(node.args) == 1:

            def run(x: Slots) -> Any:
                value = start(x)
                if not isinstance(value, datetime):
                    return None
                return x[NOW] - value if past else value - x[NOW]

            return run
        if not isinstance(node.args[1], tree.Calendar):
            raise NotCompiled
        calendar, sign = self.constants.calendars[node.args[1].id], 1 if past else -1

        def worked(x: Slots) -> timedelta | None:
            value = start(x)
            if not isinstance(value, datetime):
                return None
            return sign * clock.working_time(calendar, value, x[NOW], x[ZONE])

        return worked

    def day(self, node: tree.Call) -> Closure:
        inner = self._of(node.args[0])

        def run(x: Slots) -> Any:
            value = inner(x)
            return value.astimezone(x[ZONE]).date() if isinstance(value, datetime) else value

        return run

    def weekday(self, node: tree.Call) -> Closure:
        day = self.day(node)

        def run(x: Slots) -> Any:
            value = day(x)
            return None if value is None else DAYS[value.weekday()]

        return run

    def hour(self, node: tree.Call) -> Closure:
        inner = self._of(node.args[0])

        def run(x: Slots) -> Any:
            value = inner(x)
            if isinstance(value, datetime):
                value = value.astimezone(x[ZONE])
            return None if value is None else Decimal(value.hour)

        return run

    def coalesce(self, node: tree.Call) -> Closure:
        first, second = self._of(node.args[0]), self._of(node.args[1])

        def run(x: Slots) -> Any:
            value = first(x)
            return second(x) if value is None else value

        return run


def value_only(context: Context, node: tree.Node) -> Any:
    """The reference's value of a node, without an account of how far a search got."""
    explain, context.explain = context.explain, False
    try:
        return context.value(node)
    finally:
        context.explain = explain


def _decimal(value: Any) -> Any:
    return Decimal(value) if type(value) is int else value


def _numbers(test: Callable[[Any, Any], bool], one: Closure, other: Closure) -> Closure:
    def run(x: Slots) -> Truth:
        left, right = one(x), other(x)
        return None if left is None or right is None else test(left, right)

    return run


def _lines(group: str, layout: Layout, slot: int) -> Closure:
    """The lines of a list, made into rows the first time they are asked for."""
    places = layout.lines.setdefault(group, {})

    def run(x: Slots) -> Any:
        rows = x[slot]
        if rows is UNSET:
            found = x[TYPED].get(group)
            if found is not None:
                fields = tuple(places)  # in the order of their places
                if layout.identity:
                    found = tuple([Row([row.get(f) for f in fields]) for row in found])
                else:
                    found = tuple([tuple([row.get(f) for f in fields]) for row in found])
            rows = x[slot] = found
        return rows

    return run


def _every_field(group: str, left: str, right: str, test: Callable[[Any, Any], bool]) -> Closure:
    def run(x: Slots) -> Truth:
        rows = x[TYPED].get(group)
        if not rows:
            return None if rows is None else False
        result: Truth = True
        for row in rows:
            one, other = row.get(left), row.get(right)
            if one is None or other is None:
                result = None
            elif not test(one, other):
                return False
        return result

    return run


def _text_equal(left: Closure, wanted: str, same: bool) -> Closure:
    folded = fold(wanted)

    def run(x: Slots) -> Truth:
        value = left(x)
        if type(value) is str:
            return (fold(value) == folded) is same
        found = equal(value, wanted)
        return None if found is None else found is same

    return run


_TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
}


def _text_test(
    test: Callable[[str, str], bool],
    text: Closure,
    folded: str,
    general: Callable[..., Any],
    part: str,
) -> Closure:
    def run(x: Slots) -> Truth:
        value = text(x)
        if type(value) is str:
            return test(fold(value), folded)
        return None if value is None else cast(Truth, general(value, part))

    return run


def _text_search(
    test: Callable[[str, str], bool],
    text: Closure,
    words: Sequence[str],
    general: Callable[..., Any],
) -> Closure:
    """Whether the test holds for one of the words."""
    folded = tuple(fold(word) for word in words)

    def run(x: Slots) -> Truth:
        value = text(x)
        if value is None:
            return None
        if type(value) is str:
            value = fold(value)
            return any(test(value, word) for word in folded)
        return disjunction(cast(Truth, general(value, word)) for word in words)

    return run


def _denied(closure: Closure) -> Closure:
    def run(x: Slots) -> Truth:
        found = closure(x)
        return None if found is None else not found

    return run


def _zoned(run: Callable[..., Any], args: Sequence[Closure]) -> Closure:
    def called(x: Slots) -> Any:
        given = [arg(x) for arg in args]
        if None in given:
            return None
        try:
            return run(x[ZONE], *given)
        except (ArithmeticError, ValueError):
            return None

    return called


def _called_with_one(run: Callable[..., Any], arg: Closure) -> Closure:
    def called(x: Slots) -> Any:
        value = arg(x)
        if value is None:
            return None
        try:
            return finite(run(value))
        except (ArithmeticError, ValueError):
            return None

    return called


_MAKE: dict[type[tree.Node], Callable[[Closures, Any], Closure]] = {
    tree.Fact: Closures.fact,
    tree.Derived: Closures.derived,
    tree.Variable: Closures.variable,
    tree.Member: Closures.member,
    tree.Window: Closures.window,
    tree.Arithmetic: Closures.arithmetic,
    tree.Negate: Closures.negate,
    tree.Compare: Closures.compare,
    tree.Between: Closures.between,
    tree.Range: Closures.range,
    tree.In: Closures.in_,
    tree.ListOf: Closures.list,
    tree.And: Closures.and_,
    tree.Or: Closures.or_,
    tree.Not: Closures.not_,
    tree.If: Closures.if_,
    tree.Presence: Closures.presence,
    tree.Quantified: Closures.quantified,
    tree.Filter: Closures.filter,
    tree.For: Closures.for_,
    tree.Call: Closures.call,
}
_TIMED: dict[str, Callable[[Closures, tree.Call], Closure]] = {
    "since": Closures.elapsed,
    "until": Closures.elapsed,
    "date": Closures.day,
    "weekday": Closures.weekday,
    "hour": Closures.hour,
    "coalesce": Closures.coalesce,
}
