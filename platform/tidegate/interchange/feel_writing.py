"""Our expressions as FEEL: bound trees in, FEEL text out. `feel_meaning` reads it back.

Typed lose their currency (FEEL has none): the file names it once. What FEEL cannot say
(working calendars, windows, several currencies, `decided.…`) raises NotOurs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from tidegate.engine.language import tree
from tidegate.engine.language.binding import Scope, bind
from tidegate.engine.language.functions import PROPERTIES
from tidegate.engine.language.parser import UnaryTests, over, parse
from tidegate.engine.language.rendering import render
from tidegate.engine.values import DAY, HOUR, MINUTE, SECOND, TICK, Money
from tidegate.interchange.feel import Feel
from tidegate.interchange.feel_meaning import NOW, NULL, ZERO, counted
from tidegate.interchange.model import rebuilt
from tidegate.interchange.remarks import NotOurs
from tidegate.interchange.typed import Typed

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class FeelWriter:
    """Writes the expressions of one set, whose amounts are all in one `currency` (empty until the
    first amount is seen).
    """

    def __init__(self, scope: Scope, currency: str = "") -> None:
        self.scope = scope
        self.currency = currency
        self.absent: set[str] = set()  # derived facts that could not be written
        self.feel = Feel({}, closed=False)

    def expression(self, node: tree.Node) -> str:
        """FEEL that reads back as the same expression. Raises NotOurs."""
        text = self._text(node)
        back = Typed(self.scope, self.currency).expression(self.feel.expression(text))
        self._compare(node, back, text)
        return text

    def constant(self, node: tree.Node) -> str:
        """A parameter's value, whose type stands beside it. Raises NotOurs."""
        return self._text(node)

    def tests(self, cell: UnaryTests, subject: tree.Node) -> str:
        """A cell of a table, that reads back as the same test of its subject. Raises NotOurs."""
        if not cell.tests:
            return "-"
        loose = (tree.And, tree.Or, tree.If, tree.Quantified, tree.For)
        parts = [(self._test(test), isinstance(test, loose)) for test in cell.tests]
        text = ", ".join(f"({text})" if open_ended else text for text, open_ended in parts)
        text = f"not({text})" if cell.negated else text
        plain = parse(render(subject))
        back = Typed(self.scope, self.currency).cell(plain, self.feel.tests(text))
        whole, again = over(subject, cell), over(plain, back)
        if whole is not None and again is not None:
            self._compare(whole, again, text)
        return text

    def _test(self, test: tree.Node) -> str:
        """FEEL's unary tests have no `=` and no `!=`."""
        if isinstance(test, tree.Test) and test.op == "=":
            return self._text(test.value)
        if isinstance(test, tree.Test) and test.op == "!=":
            return self._text(tree.Compare("!=", tree.Input(), test.value))
        return self._text(test)

    def _text(self, node: tree.Node) -> str:
        return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", render(self._feel(node)))

    def _compare(self, node: tree.Node, back: tree.Node, text: str) -> None:
        """What is written must mean the same when it is read again: without currencies an amount
        can become a number.
        """
        bound, kind, problems = bind(back, self.scope)
        own = bind(parse(render(node)), self.scope)[1]
        if problems or own.kind != kind.kind or normal(bound) != normal(node):
            raise NotOurs(
                "interchange.not_exact",
                f"{render(node)} 写成 DMN（{text}）后读回来意思不同；这条留在 YAML 或 XLSX 里",
                f"{render(node)} would not read back the same from DMN ({text}); this one stays in "
                f"YAML or XLSX",
            )

    def _feel(self, node: tree.Node) -> tree.Node:
        special = _SPECIAL.get(type(node))
        if special:
            return special(self, node)
        return rebuilt(node, self._feel)

    def literal(self, node: tree.Literal) -> tree.Node:
        value = node.value
        if isinstance(value, Money):
            if self.currency and value.currency != self.currency:
                raise NotOurs(
                    "interchange.two_currencies",
                    f"DMN 没有币种，一个文件只能写一种；这里是 {value.currency}，前面是 "
                    f"{self.currency}；请拆成两个规则集",
                    f"DMN has no currencies, so a file holds one; this is {value.currency}, "
                    f"before it was {self.currency}; split the set",
                )
            self.currency = value.currency
            bare_zero = not value.amount and "." not in f"{value.amount:f}"
            return tree.Literal(Decimal("0.00") if bare_zero else value.amount)
        if isinstance(value, timedelta):
            return tree.Call("duration", (tree.Literal(iso_duration(value)),))
        return node

    def fact(self, node: tree.Fact) -> tree.Node:
        if node.id.startswith("decided."):
            raise _beyond(node.id, "前面阶段的结论", "what an earlier stage decided")
        return tree.Name(node.id)

    def named(self, node: tree.Parameter | tree.ListName | tree.Derived) -> tree.Node:
        if node.id in self.absent:
            raise NotOurs(
                "interchange.derived_absent",
                f"用到派生事实 {node.id}，它没能导出",
                f"it uses the derived fact {node.id}, which could not be exported",
            )
        return tree.Name(node.id)

    def beyond(self, node: tree.Node) -> tree.Node:
        if isinstance(node, tree.Calendar):
            raise _beyond(node.id, "工作日历", "a working calendar")
        if isinstance(node, tree.Window):
            raise _beyond(render(node), "时间窗内的历史", "a fact over a window of time")
        raise _beyond(render(node), "事件序列", "a sequence of events")

    def presence(self, node: tree.Presence) -> tree.Node:
        return tree.Compare("=" if node.missing else "!=", self._feel(node.value), NULL)

    def quantified(self, node: tree.Quantified) -> tree.Node:
        over, condition = self._feel(node.over), self._feel(node.condition)
        if node.kind == "no":
            return tree.Not(tree.Quantified("some", node.variable, over, condition))
        found = tree.Quantified(node.kind, node.variable, over, condition)
        return tree.And((counted(over, ">"), found)) if node.kind == "every" else found

    def if_(self, node: tree.If) -> tree.Node:
        """Over an unknown condition FEEL takes the else branch, we know nothing."""
        plain = tree.If(
            self._feel(node.condition), self._feel(node.then), self._feel(node.otherwise)
        )
        if isinstance(node.condition, tree.Presence):
            return plain
        missing = tree.Compare("=", plain.condition, NULL)
        return tree.If(missing, NULL, plain)

    def member(self, node: tree.Member) -> tree.Node:
        if isinstance(node.of, tree.Fact):
            return tree.Name(f"{node.of.id}.{node.field}")
        return tree.Member(self._feel(node.of), node.field)

    def filter(self, node: tree.Filter) -> tree.Node:
        return tree.Filter(self._feel(node.of), self._feel(node.condition))

    def compare(self, node: tree.Compare) -> tree.Node:
        for side, other in ((node.left, node.right), (node.right, node.left)):
            if isinstance(side, tree.Call) and side.function == "exact" and node.op in ("=", "!="):
                found = self._regex(other, side.args[0], exact=True)
                return found if node.op == "=" else tree.Not(found)
        return rebuilt(node, self._feel)

    def in_(self, node: tree.In) -> tree.Node:
        tests = node.tests
        if any(
            isinstance(p, tree.Call) and p.function == "exact" for t in tests for p in tree.walk(t)
        ):
            raise _beyond(render(node), "exact(…) 的列表", "a list of exact(…)")
        return rebuilt(node, self._feel)

    def call(self, node: tree.Call) -> tree.Node:
        name, args = node.function, node.args
        if name in ("since", "until") and len(args) == 2:
            raise _beyond(render(node), "工作日历", "a working calendar")
        if name == "matches":
            exact = isinstance(args[1], tree.Call) and args[1].function == "exact"
            pattern = args[1].args[0] if isinstance(args[1], tree.Call) and exact else args[1]
            return self._regex(args[0], pattern, exact)
        if name == "exact":
            raise _beyond(render(node), "这里的 exact(…)", "exact(…) in this place")
        if name in PROPERTIES["instant"].values() and not isinstance(args[0], tree.Fact):
            raise _beyond(render(node), "计算出的时刻的一部分", "a part of a computed instant")
        parts = tuple(self._feel(arg) for arg in args)
        if name == "since":
            return tree.Arithmetic("-", NOW, parts[0])
        if name == "until":
            return tree.Arithmetic("-", parts[0], NOW)
        if name == "coalesce":
            missing = tree.Compare("=", parts[0], NULL)
            return tree.If(missing, parts[1], parts[0])
        if name in PROPERTIES["instant"].values() and isinstance(parts[0], tree.Name):
            own = {function: name for name, function in PROPERTIES["instant"].items()}
            return tree.Name(f"{parts[0].path}.{own[name]}")
        if name == "weekday":
            one, three = (tree.Literal(Decimal(number)) for number in (1, 3))
            return tree.Call("substring", (tree.Call("day_of_week", parts), one, three))
        if name in ("round", "round_half_up"):
            digits = parts[1] if len(parts) > 1 else tree.Literal(Decimal(0))
            return tree.Call("round_half_up", (parts[0], digits))
        if name == "contains" and bind(args[0], self.scope)[1].kind == "list":
            return tree.Call("list_contains", parts)
        return tree.Call(name, parts) if name != "distinct" else tree.Call("distinct values", parts)

    def _regex(self, value: tree.Node, pattern: tree.Node, exact: bool) -> tree.Node:
        if not isinstance(pattern, tree.Literal):
            raise _beyond(render(pattern), "计算出的通配", "a computed wildcard")
        text = "".join({"*": ".*", "?": "."}.get(c) or _escaped(c) for c in str(pattern.value))
        flags = () if exact else (tree.Literal("i"),)
        return tree.Call("matches", (self._feel(value), tree.Literal(f"^{text}$"), *flags))


def normal(node: tree.Node) -> tree.Node:
    """One form for what means the same: functions by one name, a test that names a single value
    as a comparison, `or` in `or` in one.
    """
    node = rebuilt(node, normal)
    if isinstance(node, tree.And | tree.Or):
        kind = type(node)
        return kind(
            tuple(p for one in node.parts for p in (one.parts if isinstance(one, kind) else (one,)))
        )
    if isinstance(node, tree.Negate) and isinstance(node.value, tree.Literal):
        inner: Any = node.value.value
        return tree.Literal(
            Money(-inner.amount, inner.currency) if isinstance(inner, Money) else -inner
        )
    if isinstance(node, tree.Call):
        name = {"round_half_up": "round", "list_contains": "contains"}.get(
            node.function, node.function
        )
        digits = len(node.args) == 2 and name == "round" and node.args[1] == ZERO
        return tree.Call(name, node.args[:1] if digits else node.args)
    if isinstance(node, tree.In):
        tests = tuple(
            t.value if isinstance(t, tree.Test) and t.op == "=" else t for t in node.tests
        )
        node = tree.In(node.value, tests)
    if (
        isinstance(node, tree.In)
        and len(node.tests) == 1
        and isinstance(node.tests[0], tree.Literal)
    ):
        return tree.Compare("=", node.value, node.tests[0])
    if isinstance(node, tree.Not) and isinstance(node.value, tree.Presence):
        return tree.Presence(node.value.value, not node.value.missing)
    return node


def iso_duration(value: timedelta) -> str:
    """`P1DT2H`, as XML Schema writes it."""
    if value < timedelta(0):
        return f"-{iso_duration(-value)}"
    days, rest = divmod(value, DAY)
    hours, rest = divmod(rest, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    seconds, rest = divmod(rest, SECOND)
    shown = f"{seconds}.{rest // TICK:06d}".rstrip("0") if rest else str(seconds)
    clock = "".join(
        f"{number}{letter}" for number, letter in ((hours, "H"), (minutes, "M")) if number
    )
    clock += f"{shown}S" if shown != "0" else ""
    return f"P{days}D" * bool(days) + (("" if days else "P") + f"T{clock}") * bool(clock) or "PT0S"


def _escaped(letter: str) -> str:
    return f"\\{letter}" if letter in "\\.[](){}|+^$" else letter


def _beyond(shown: str, zh: str, en: str) -> NotOurs:
    return NotOurs(
        "interchange.not_in_feel",
        f"{shown}：DMN 说不了{zh}；这条留在 YAML 或 XLSX 里",
        f"{shown}: DMN can't say {en}; this one stays in YAML or XLSX",
    )


_SPECIAL: dict[type[tree.Node], Callable[[FeelWriter, Any], tree.Node]] = {
    tree.Literal: FeelWriter.literal,
    tree.Fact: FeelWriter.fact,
    tree.Parameter: FeelWriter.named,
    tree.ListName: FeelWriter.named,
    tree.Derived: FeelWriter.named,
    tree.Calendar: FeelWriter.beyond,
    tree.Window: FeelWriter.beyond,
    tree.Sequence: FeelWriter.beyond,
    tree.Presence: FeelWriter.presence,
    tree.Quantified: FeelWriter.quantified,
    tree.If: FeelWriter.if_,
    tree.Filter: FeelWriter.filter,
    tree.Member: FeelWriter.member,
    tree.Compare: FeelWriter.compare,
    tree.In: FeelWriter.in_,
    tree.Call: FeelWriter.call,
}
