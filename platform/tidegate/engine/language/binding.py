"""Names to meanings, and the type check: a tree in, the bound tree with its type out, problems
collected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from tidegate.engine.language import tree
from tidegate.engine.language.functions import ALIASES, FUNCTIONS, PROPERTIES
from tidegate.engine.language.library.signatures import SCALARS
from tidegate.engine.language.remedies import conversion, remedy
from tidegate.engine.language.rendering import render
from tidegate.engine.language.types import (
    ANY,
    BOOLEAN,
    CALENDAR,
    DATE,
    DURATION,
    INSTANT,
    MONEY,
    MONTHS,
    NULL,
    NUMBER,
    ORDERED,
    TEXT,
    TIME,
    Type,
    arithmetic,
    common,
    comparable,
    list_of,
    of_fact,
    range_of,
)
from tidegate.engine.problems import Problem, hint, nearest
from tidegate.engine.values import Money, Months, fold
from tidegate.engine.vocabulary import Calendar, Fact, Vocabulary


@dataclass
class Scope:
    """What a name may mean: the set's parameters, lists and derived facts, then the vocabulary
    (with custom fields).

    `aliases` maps Chinese titles of parameters, lists and derived facts to ids (an id comes
    first); the keys of `decided` may follow `decided.`; `gate_facts` are the fact groups of the
    gate (empty: all). Inside a pattern, `variables` are its events and `own` names the one
    whose fields may stand bare.
    """

    vocabulary: Vocabulary
    parameters: Mapping[str, Type] = field(default_factory=dict)
    lists: Mapping[str, Type] = field(default_factory=dict)
    derived: dict[str, Type] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    custom: Mapping[str, Fact] = field(default_factory=dict)
    gate: str = ""
    gate_facts: frozenset[str] = frozenset()
    decided: Mapping[str, Type] = field(default_factory=dict)
    variables: Mapping[str, Type] = field(default_factory=dict)
    own: str = ""


Bound = tuple[tree.Node, Type]


def bind(node: tree.Node, scope: Scope) -> tuple[tree.Node, Type, list[Problem]]:
    """The tree with every name resolved, its type, and what is wrong with it."""
    binder = _Binder(scope)
    bound, kind = binder.bind(node)
    return bound, kind, binder.problems


class _Binder:
    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.problems: list[Problem] = []
        self.variables: dict[str, Type] = dict(scope.variables)
        self.elements: list[str] = []  # variables of the filters around, whose fields stand bare

    def bind(self, node: tree.Node) -> Bound:
        return _BIND[type(node)](self, node)

    def report(self, node: tree.Node, code: str, zh: str, en: str, near: str = "") -> Bound:
        tip = hint(near)
        self.problems.append(Problem(code, zh + tip[0], en + tip[1], at=node.at, near=near))
        return node, ANY

    # names

    def name(self, node: tree.Name) -> Bound:
        head, _, rest = node.path.partition(".")
        if head in self.variables:
            return self._variable(node, head, rest)
        scope = self.scope
        name = node.path if self._is_id(node.path) else scope.aliases.get(node.path, node.path)
        if node.path in self._own_fields():
            return self._own_field(node, name)
        if name in scope.parameters:
            return tree.Parameter(name, at=node.at), scope.parameters[name]
        if name in scope.lists:
            return tree.ListName(name, at=node.at), scope.lists[name]
        if name in scope.derived:
            return tree.Derived(name, at=node.at), scope.derived[name]
        calendar = scope.vocabulary.calendars.get(name) or self._calendar(name)
        if calendar:
            return tree.Calendar(calendar.id, at=node.at), CALENDAR
        if name in ("now", "现在"):
            return tree.Fact("now", at=node.at), INSTANT
        return self._fact(node)

    def _is_id(self, name: str) -> bool:
        scope = self.scope
        return any(name in known for known in (scope.parameters, scope.lists, scope.derived))

    def _calendar(self, title: str) -> Calendar | None:
        known = self.scope.vocabulary.calendars.values()
        return next((calendar for calendar in known if calendar.title["zh"] == title), None)

    def _variable(self, node: tree.Name, head: str, rest: str) -> Bound:
        bound: Bound = (tree.Variable(head, at=node.at), self.variables[head])
        for name in rest.split(".") if rest else ():
            bound = self._member(bound, name, node)
        return bound

    def _own_fields(self) -> frozenset[str]:
        """Names that mean a field of the event a pattern is looking at."""
        if not self.scope.own:
            return frozenset()
        each = self.scope.vocabulary.groups[self.scope.variables[self.scope.own].line].each
        fields = [fact for fact in self.scope.vocabulary.facts.values() if fact.group == each]
        return frozenset(name for f in fields for name in (f.field_name, f.title["zh"]))

    def _own_field(self, node: tree.Name, name: str) -> Bound:
        scope = self.scope
        if self.variables[scope.own] != scope.variables[scope.own]:  # some a in … inside event a
            return self.report(
                node,
                "rule.name_taken",
                f"{scope.own} 已是事件名称，some … in 里请换一个名称",
                f"{scope.own} names an event; use another name in some … in",
            )
        if any(name in known for known in (scope.parameters, scope.lists, scope.derived)):
            return self.report(
                node,
                "rule.ambiguous_name",
                f"{node.path} 既是事件的字段，又是规则集里的名称；请写 {scope.own}.{node.path}，"
                f"或给参数、列表、派生事实换个名称",
                f"{node.path} is a field of the event and also a name of the set; write "
                f"{scope.own}.{node.path}, or rename the parameter, list or derived fact",
            )
        return self._variable(node, scope.own, node.path)

    def _fact(self, node: tree.Name) -> Bound:
        vocabulary = self.scope.vocabulary
        fact = self.scope.custom.get(node.path) or vocabulary.fact(node.path)
        if fact:
            return self._known_fact(node, fact)
        group = vocabulary.list(node.path)
        if group:
            self._at_gate(node, group.id)
            return tree.Fact(group.id, at=node.at), list_of(Type("line", line=group.id))
        head, _, rest = node.path.partition(".")
        group = vocabulary.list(head)
        if group and rest:
            self._at_gate(node, group.id)
            source: Bound = (tree.Fact(group.id, at=node.at), list_of(Type("line", line=group.id)))
            return self._member(source, rest, node)
        if head == "decided":
            return self._decided(node, rest)
        return self._bare_field(node) or self._dotted(node) or self._unknown(node)

    def _bare_field(self, node: tree.Name) -> Bound | None:
        """`items[fragile]`, FEEL's way to say `items[item.fragile]`."""
        head = node.path.partition(".")[0]
        for variable in reversed(self.elements):
            if head in self._fields(self.variables[variable].line):
                return self._variable(node, variable, node.path)
        return None

    def _dotted(self, node: tree.Name) -> Bound | None:
        """`order.paid_at.hour`: a property of what stands before the last dot."""
        of, _, name = node.path.rpartition(".")
        if not of or not any(name in known for known in PROPERTIES.values()):
            return None
        outer, self.problems = self.problems, []
        source = self.name(tree.Name(of, at=node.at))
        clean, self.problems = not self.problems, outer
        return self._member(source, name, node) if clean else None

    def _known_fact(self, node: tree.Name, fact: Fact) -> Bound:
        self._at_gate(node, fact.group)
        lists = self.scope.vocabulary.variables
        if fact.group in lists:
            usage = f"some {fact.group} in {lists[fact.group]} satisfies …"
            return self.report(
                node,
                "rule.line_outside",
                f"{fact.id} 属于某一行，请写 {usage}（或 every、no）",
                f"{fact.id} belongs to one line; write {usage} (or every, no)",
            )
        if fact.window:
            return self.report(
                node,
                "rule.window_missing",
                f"{fact.id} 需要时间窗，例如 {fact.id}(24h)",
                f"{fact.id} needs its window, as in {fact.id}(24h)",
            )
        return tree.Fact(fact.id, at=node.at), of_fact(fact.type, fact.unit, fact.values)

    def _at_gate(self, node: tree.Name, group: str) -> None:
        scope = self.scope
        if scope.gate_facts and group not in scope.gate_facts and group != "custom":
            self.report(
                node,
                "rule.fact_not_at_gate",
                f"关口 {scope.gate} 没有 {node.path}；可用：{'、'.join(sorted(scope.gate_facts))}",
                f"the gate {scope.gate} has no {node.path}; it has "
                f"{', '.join(sorted(scope.gate_facts))}",
            )

    def _decided(self, node: tree.Name, action: str) -> Bound:
        if action in self.scope.decided:
            return tree.Fact(f"decided.{action}", at=node.at), self.scope.decided[action]
        if not self.scope.decided:
            return self.report(
                node,
                "rule.decided_outside_stages",
                "decided.… 只能用在 policy: stages 的规则集里",
                "decided.… exists only in a set with policy: stages",
            )
        near = nearest(action, self.scope.decided)
        return self.report(
            node,
            "rule.unknown_action",
            f"关口 {self.scope.gate} 没有动作 {action}",
            f"the gate {self.scope.gate} has no action {action}",
            f"decided.{near}" if near else "",
        )

    def _unknown(self, node: tree.Name) -> Bound:
        scope = self.scope
        known = [*scope.parameters, *scope.lists, *scope.derived, *scope.aliases, *scope.custom]
        known += [*scope.vocabulary.names, *scope.vocabulary.calendars, *self.variables]
        known += sorted(self._own_fields())
        near = nearest(node.path, known)
        quoted = "" if "." in node.path else f"；如果是文字请加引号 “{node.path}”"
        quoted_en = "" if "." in node.path else f'; text stands in quotes: "{node.path}"'
        zh, en = hint(near)
        self.problems.append(
            Problem(
                "rule.unknown_field",
                f"不认识 {node.path}{zh or quoted}",
                f"{node.path} isn't known here{en or quoted_en}",
                at=node.at,
                near=near,
            )
        )
        return node, ANY

    def member(self, node: tree.Member) -> Bound:
        return self._member(self.bind(node.of), node.field, node)

    def _member(self, source: Bound, name: str, node: tree.Node) -> Bound:
        of, kind = source
        if name in PROPERTIES.get(kind.kind, ()):
            return self._applied(node, PROPERTIES[kind.kind][name], [source])
        line = kind if kind.kind == "line" else (kind.member or ANY) if kind.kind == "list" else ANY
        if line.kind != "line":
            if ANY in (kind, line) and kind.kind in ("any",):
                return of, ANY
            return self.report(
                node,
                "rule.no_members",
                f"{render(of)} 没有字段 {name}",
                f"{render(of)} has no field {name}",
            )
        vocabulary = self.scope.vocabulary
        each = vocabulary.groups[line.line].each
        fields = self._fields(line.line)
        fact = fields.get(name)
        if fact is None:
            near = nearest(name, fields)
            return self.report(
                node,
                "rule.unknown_field",
                f"{vocabulary.groups[line.line].title['zh']}没有字段 {name}",
                f"a line of {line.line} has no field {name}",
                f"{each}.{near}" if near else "",
            )
        found = of_fact(fact.type, fact.unit, fact.values)
        bound = tree.Member(of, fact.field_name, fact.id, at=node.at)
        return bound, (list_of(found) if kind.kind == "list" else found)

    def _fields(self, group: str) -> Mapping[str, Fact]:
        """What a line of the list has, by id and by Chinese name; ids first."""
        each = self.scope.vocabulary.groups[group].each if group else ""
        facts = [f for f in self.scope.vocabulary.facts.values() if f.group == each and each]
        return {f.title["zh"]: f for f in facts} | {f.field_name: f for f in facts}

    # operators

    def literal(self, node: tree.Literal) -> Bound:
        return node, _literal_type(node.value)

    def arithmetic(self, node: tree.Arithmetic) -> Bound:
        left, one = self.bind(node.left)
        right, other = self.bind(node.right)
        bound = tree.Arithmetic(node.op, left, right, at=node.at)
        result = arithmetic(node.op, one, other)
        if result is None:
            return self._mismatch(bound, "rule.type_arithmetic", node.op, one, other)
        if node.op in "+-" and one.unit and other.unit and one.unit != other.unit:
            self._units(bound, one, other)
        return bound, result

    def negate(self, node: tree.Negate) -> Bound:
        value, kind = self.bind(node.value)
        bound = tree.Negate(value, at=node.at)
        if kind.kind not in ("number", "money", "duration", "months", "any"):
            return self._wanted(bound, node.value, "number", kind)
        return bound, kind

    def compare(self, node: tree.Compare) -> Bound:
        left, one = self.bind(node.left)
        right, other = self.bind(node.right)
        bound = tree.Compare(node.op, left, right, at=node.at)
        if NULL in (one, other) and node.op in ("=", "!="):
            value = left if other == NULL else right
            return tree.Presence(value, node.op == "=", at=node.at), BOOLEAN
        self._compared(bound, node.op, (left, one), (right, other))
        return bound, BOOLEAN

    def _compared(self, node: tree.Node, op: str, left: Bound, right: Bound) -> None:
        (one_node, one), (other_node, other) = left, right
        if NULL in (one, other):
            self.report(
                node,
                "rule.compare_with_null",
                "与 null 比较永远未知；请写 is missing 或 is present",
                "a comparison with null is never known; write is missing or is present",
            )
        elif _zero(one_node, other) or _zero(other_node, one):
            return
        elif not comparable(one, other) or (
            op not in ("=", "!=") and not {one.kind, other.kind} <= ORDERED
        ):
            self._mismatch(node, "rule.type_compare", op, one, other)
        elif one.unit and other.unit and one.unit != other.unit:
            self._units(node, one, other)
        else:
            self._choice(one, other_node)
            self._choice(other, one_node)

    def _choice(self, kind: Type, other: tree.Node) -> None:
        """A constant compared with a choice must be one of its values."""
        said = other.value if isinstance(other, tree.Literal) else None
        if not kind.values or not isinstance(said, str):
            return
        if fold(said) not in {fold(value) for value in kind.values}:
            listed = ", ".join(kind.values)
            self.report(
                other,
                "rule.unknown_choice",
                f"“{said}”不在可选值中：{listed}",
                f'"{said}" is none of the possible values: {listed}',
                nearest(said, kind.values),
            )

    def between(self, node: tree.Between) -> Bound:
        value, low, high = self.bind(node.value), self.bind(node.low), self.bind(node.high)
        bound = tree.Between(value[0], low[0], high[0], at=node.at)
        self._compared(bound, ">=", value, low)
        self._compared(bound, "<=", value, high)
        return bound, BOOLEAN

    def test(self, node: tree.Test) -> Bound:
        value, kind = self.bind(node.value)
        return tree.Test(node.op, value, at=node.at), kind

    def range(self, node: tree.Range) -> Bound:
        low, high = self.bind(node.low), self.bind(node.high)
        bound = tree.Range(low[0], high[0], node.low_closed, node.high_closed, at=node.at)
        self._compared(bound, "<=", low, high)
        return bound, range_of(low[1])

    def in_(self, node: tree.In) -> Bound:
        value, kind = self.bind(node.value)
        bound = [self.bind(raw) for raw in node.tests]
        if kind.kind == "instant" and bound and all(_of_days(found) for _, found in bound):
            value, kind = tree.Call("date", (value,), at=node.at), DATE
        tests: list[tree.Node] = []
        for test, found in bound:
            tests.append(test)
            self._in_test(test, found, (value, kind))
        if len(tests) == 1 and isinstance(tests[0], tree.Test):
            return tree.Compare(tests[0].op, value, tests[0].value, at=node.at), BOOLEAN
        return tree.In(value, tuple(tests), at=node.at), BOOLEAN

    def _in_test(self, test: tree.Node, found: Type, subject: Bound) -> None:
        value, kind = subject
        if isinstance(test, tree.Test):
            self._compared(test, test.op, subject, (test.value, found))
        elif found.kind == "calendar":
            if kind.kind not in ("instant", "any"):
                self._wanted(test, value, "instant", kind)
        elif found.kind == "list":
            members = test.members if isinstance(test, tree.ListOf) else ()
            if found.member and found.member.kind in ("range", "list"):
                return
            self._compared(test, "=", subject, (test, found.member or ANY))
            for member in members:
                self._choice(kind, member)
        elif found.kind == "range":
            self._compared(test, ">=", subject, (test, found.member or ANY))
        else:
            self._compared(test, "=", subject, (test, found))

    def list_(self, node: tree.ListOf) -> Bound:
        return self._listed(node, [self.bind(member) for member in node.members])

    def _listed(self, node: tree.Node, members: list[Bound]) -> Bound:
        kind = members[0][1] if members else ANY
        for member, found in members[1:]:
            both = common(kind, found) if found.kind not in ("list", "range") else kind
            if both is None:
                self._mismatch(member, "rule.type_list", ",", kind, found)
            else:
                kind = both
        return tree.ListOf(tuple(member for member, _ in members), at=node.at), list_of(kind)

    def logic(self, node: tree.And | tree.Or) -> Bound:
        parts = tuple(self.condition(part) for part in node.parts)
        return type(node)(parts, at=node.at), BOOLEAN

    def not_(self, node: tree.Not) -> Bound:
        return tree.Not(self.condition(node.value), at=node.at), BOOLEAN

    def condition(self, node: tree.Node) -> tree.Node:
        bound, kind = self.bind(node)
        if kind.kind not in ("boolean", "null", "any"):
            self._wanted(bound, bound, "boolean", kind)
        return bound

    def if_(self, node: tree.If) -> Bound:
        condition = self.condition(node.condition)
        then, one = self.bind(node.then)
        otherwise, other = self.bind(node.otherwise)
        bound = tree.If(condition, then, otherwise, at=node.at)
        result = common(one, other)
        if result is None:
            return self._mismatch(bound, "rule.type_branches", "else", one, other)
        return bound, result

    def presence(self, node: tree.Presence) -> Bound:
        return tree.Presence(self.bind(node.value)[0], node.missing, at=node.at), BOOLEAN

    def quantified(self, node: tree.Quantified) -> Bound:
        source, kind = self.bind(node.over)
        name = self._bound_name(node.variable, kind)
        condition, _ = self._within(name, node, source, kind, node.condition)
        return tree.Quantified(node.kind, name, source, condition, at=node.at), BOOLEAN

    def _bound_name(self, variable: str, kind: Type) -> str:
        """`some 商品 in 商品行` binds `item`, unless that name means something already."""
        line = (kind.member or ANY).line
        each = self.scope.vocabulary.groups[line].each if line else ""
        titled = bool(each) and variable == self.scope.vocabulary.groups[each].title["zh"]
        return each if titled and each not in self.variables else variable

    def for_(self, node: tree.For) -> Bound:
        source, kind = self.bind(node.over)
        name = self._bound_name(node.variable, kind)
        result, found = self._within(name, node, source, kind, node.result, self.bind)
        bound = tree.For(name, source, result, at=node.at)
        if found.kind not in SCALARS:
            return self.report(
                bound,
                "rule.type_result",
                f"for … return 的结果应为单个值，实为{found.named(True)}",
                f"for … return gives single values, not {found.named(False)}",
            )
        return bound, list_of(found)

    def filter(self, node: tree.Filter) -> Bound:
        source, kind = self.bind(node.of)
        if _is_position(node.condition):
            if kind.kind not in ("list", "any"):
                return self._no_list(node, source, kind)
            return self._applied(node, "element", [(source, kind), self.bind(node.condition)])
        line = (kind.member or ANY).line
        variable = self.scope.vocabulary.groups[line].each if line else "item"
        self.elements.append(variable)
        condition, _ = self._within(variable, node, source, kind, node.condition)
        self.elements.pop()
        return tree.Filter(source, condition, variable, at=node.at), kind

    def _within(
        self,
        name: str,
        node: tree.Node,
        source: tree.Node,
        kind: Type,
        inner: tree.Node,
        bind: Callable[[tree.Node], Bound] | None = None,
    ) -> Bound:
        """`inner`, a condition unless `bind` says otherwise, where `name` is an element."""
        if kind.kind not in ("list", "any"):
            return self._no_list(node, source, kind)
        outer = dict(self.variables)
        member = kind.member or ANY
        self.variables[name] = member
        if member.line:  # 商品 in a condition over items whose variable is `item`
            each = self.scope.vocabulary.groups[member.line].each
            if each == name:
                self.variables[self.scope.vocabulary.groups[each].title["zh"]] = member
        found, result = bind(inner) if bind else (self.condition(inner), BOOLEAN)
        self.variables = outer
        return _canonical_variable(found, name, self.scope.vocabulary), result

    def call(self, node: tree.Call) -> Bound:
        fact = self.scope.custom.get(node.function) or self.scope.vocabulary.fact(node.function)
        if fact and fact.window:
            return self._window(node, fact)
        name = ALIASES.get(node.function, node.function)
        if not node.args and name in ("now", "today"):
            instant = tree.Fact("now", at=node.at)
            return (instant, INSTANT) if name == "now" else (_day_of(instant), DATE)
        if name in FUNCTIONS:
            return self._applied(node, name, [self.bind(arg) for arg in node.args])
        for arg in node.args:
            self.bind(arg)
        near = nearest(name, [*FUNCTIONS, *ALIASES])
        shown = node.function.replace("_", " ")
        usage = FUNCTIONS[ALIASES.get(near, near)].usage if near else ""
        return self.report(
            node,
            "rule.unknown_function",
            f"没有函数 {shown}",
            f"there is no function {shown}",
            usage,
        )

    def _applied(self, node: tree.Node, name: str, args: list[Bound]) -> Bound:
        """The call of a known function on bound arguments."""
        function = FUNCTIONS[name]
        if function.gathers and args and (len(args) > 1 or args[0][1].kind not in ("list", "any")):
            args = [self._listed(node, args)]
        bound = tree.Call(name, tuple(arg for arg, _ in args), at=node.at)
        result = function.result([kind for _, kind in args])
        if result is None:
            given = [kind for _, kind in args]
            return self.report(
                bound,
                "rule.type_arguments",
                f"参数不合适（{'、'.join(k.named(True) for k in given)}）；用法：{function.usage}",
                f"the arguments do not fit "
                f"({', '.join(k.named(False) for k in given)}); usage: {function.usage}",
            )
        return bound, result

    def _window(self, node: tree.Call, fact: Fact) -> Bound:
        if len(node.args) != 1:
            usage = f"{fact.id}(24h)"
            return self.report(node, "rule.window_missing", f"用法：{usage}", f"usage: {usage}")
        self._at_gate(tree.Name(fact.id, at=node.at), fact.group)
        span, kind = self.bind(node.args[0])
        if kind.kind not in ("duration", "any"):
            self._wanted(node, span, "duration", kind)
        return tree.Window(fact.id, span, at=node.at), of_fact(fact.type, fact.unit, fact.values)

    def input(self, node: tree.Input) -> Bound:
        """Cells have put their column in its place by now."""
        return self.report(
            node,
            "rule.input_outside",
            "? 只能写在表格的 when 单元格里",
            "? stands only in the when cells of a table",
        )

    def bound_already(self, node: tree.Node) -> Bound:
        return node, ANY

    # complaints

    def _mismatch(self, node: tree.Node, code: str, op: str, one: Type, other: Type) -> Bound:
        shown, (zh, en) = render(node), remedy(one, other)
        return self.report(
            node,
            code,
            f"{shown}：{one.named(True)}与{other.named(True)}不能用 {op}{zh}",
            f"{shown}: {op} does not fit {one.named(False)} and {other.named(False)}{en}",
        )

    def _units(self, node: tree.Node, one: Type, other: Type) -> None:
        zh, en = conversion(one.unit, other.unit)
        self.report(
            node,
            "rule.unit_mismatch",
            f"{render(node)}：单位不同（{one.unit} 与 {other.unit}）{zh}",
            f"{render(node)}: the units differ ({one.unit} and {other.unit}){en}",
        )

    def _no_list(self, node: tree.Node, source: tree.Node, kind: Type) -> Bound:
        return self.report(
            node,
            "rule.not_a_list",
            f"{render(source)} 不是列表，而是{kind.named(True)}",
            f"{render(source)} is no list but {kind.named(False)}",
        )

    def _wanted(self, node: tree.Node, value: tree.Node, wanted: str, kind: Type) -> Bound:
        want = Type(wanted)
        return self.report(
            node,
            "rule.not_boolean" if wanted == "boolean" else "rule.type_wanted",
            f"{render(value)} 应为{want.named(True)}，实为{kind.named(True)}",
            f"{render(value)} should be {want.named(False)}, but is {kind.named(False)}",
        )


def _day_of(instant: tree.Node) -> tree.Node:
    return tree.Call("date", (instant,), at=instant.at)


def _is_position(node: tree.Node) -> bool:
    """`items[1]` and `items[-1]` name one element."""
    inner = node.value if isinstance(node, tree.Negate) else node
    return isinstance(inner, tree.Literal) and isinstance(inner.value, Decimal)


def _of_days(kind: Type) -> bool:
    """A list or range of dates, in which an instant is looked up by its day."""
    while kind.kind in ("list", "range"):
        kind = kind.member or ANY
        if kind.kind == "date":
            return True
    return False


def _zero(node: tree.Node, other: Type) -> bool:
    """A bare 0 is zero money in any currency and zero time."""
    return (
        isinstance(node, tree.Literal)
        and node.value == Decimal(0)
        and other.kind in ("money", "duration")
    )


def _canonical_variable(node: tree.Node, name: str, vocabulary: Vocabulary) -> tree.Node:
    """`商品.数量` inside a condition over `item` becomes `item.quantity`."""
    title = vocabulary.groups[name].title["zh"] if name in vocabulary.groups else ""
    if not title:
        return node
    if isinstance(node, tree.Variable):
        return tree.Variable(name, at=node.at) if node.id == title else node
    changes: dict[str, Any] = {}
    hidden = getattr(node, "variable", "") == title  # bound anew inside: another 商品
    for key, value in vars(node).items():
        if hidden and key in ("condition", "result"):
            continue
        if isinstance(value, tree.Node):
            changes[key] = _canonical_variable(value, name, vocabulary)
        elif isinstance(value, tuple):
            changes[key] = tuple(
                _canonical_variable(part, name, vocabulary) if isinstance(part, tree.Node) else part
                for part in value
            )
    return replace(node, **changes) if changes else node


def _literal_type(value: object) -> Type:
    if value is None:
        return NULL
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, str):
        return TEXT
    if isinstance(value, Money):
        return MONEY
    return _LITERALS.get(type(value), ANY)


_LITERALS: dict[type, Type] = {
    Decimal: NUMBER,
    timedelta: DURATION,
    datetime: INSTANT,
    date: DATE,
    time: TIME,
    Months: MONTHS,
}


_BIND: dict[type[tree.Node], Callable[[_Binder, Any], Bound]] = {
    tree.Literal: _Binder.literal,
    tree.Name: _Binder.name,
    tree.Member: _Binder.member,
    tree.Arithmetic: _Binder.arithmetic,
    tree.Negate: _Binder.negate,
    tree.Compare: _Binder.compare,
    tree.Between: _Binder.between,
    tree.Test: _Binder.test,
    tree.Range: _Binder.range,
    tree.In: _Binder.in_,
    tree.ListOf: _Binder.list_,
    tree.And: _Binder.logic,
    tree.Or: _Binder.logic,
    tree.Not: _Binder.not_,
    tree.If: _Binder.if_,
    tree.Presence: _Binder.presence,
    tree.Quantified: _Binder.quantified,
    tree.Filter: _Binder.filter,
    tree.For: _Binder.for_,
    tree.Call: _Binder.call,
    tree.Input: _Binder.input,
    tree.Fact: _Binder.bound_already,
    tree.Parameter: _Binder.bound_already,
    tree.ListName: _Binder.bound_already,
    tree.Derived: _Binder.bound_already,
    tree.Calendar: _Binder.bound_already,
    tree.Variable: _Binder.bound_already,
    tree.Window: _Binder.bound_already,
    tree.Sequence: _Binder.bound_already,
}
