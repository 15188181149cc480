"""Which small change of a set would no test notice? Each is a question to its author.

A mutant changes one thing: an operator, a threshold, a quantifier, a condition, a parameter, a member
of a list, an argument of an action. It survives when every case still passes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext
from types import MappingProxyType
from typing import Any

from tidegate.engine.cases import DEFAULT_NOW, run_case
from tidegate.engine.evaluation import context_of
from tidegate.engine.language import tree
from tidegate.engine.language.rendering import literal_text, render
from tidegate.engine.noticing import Noticing
from tidegate.engine.operations import order
from tidegate.engine.reference import judge
from tidegate.engine.rulesets import Case, Condition, Leaf, Parameter, Rule, RuleSet
from tidegate.engine.values import DAY, EXACT, Money, parse_instant, plain
from tidegate.errors import TidegateError

RUNS = 1_000_000  # evaluations of one rule or case, at most
_OPS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "=": "!=", "!=": "="}
_KINDS = {"some": "every", "every": "some", "no": "some"}


@dataclass(frozen=True)
class Mutant:
    """`rule` is empty for a parameter or list. `what` is operator, threshold, quantifier, range,
    logic, condition, parameter, list or argument. `noticing` is a case without a name that passes as
    the set stands and fails with the change, where one was found. `nodes` are the condition before and
    after, where it is one.
    """

    rule: str
    what: str
    before: str
    after: str
    noticing: Case | None = field(default=None, compare=False, repr=False)
    nodes: tuple[tree.Node, ...] = field(default=(), compare=False, repr=False)

    @property
    def witness(self) -> Mapping[str, Any] | None:
        """Facts on which the set and the mutant decide differently."""
        return self.noticing.given if self.noticing else None

    def text(self, lang: str = "en") -> str:
        zh, en = _NAMES[self.what]
        where = f"{self.rule} " if self.rule else ""
        if lang.lower().startswith("zh"):
            if self.what == "condition":
                return f"{where}去掉条件“{self.before}”，没有用例会发现"
            return f"{where}{zh}：“{self.before}”改成“{self.after}”，没有用例会发现"
        if self.what == "condition":
            return f"{where}without the condition “{self.before}” no case would notice"
        return f"{where}{en}: with “{self.after}” for “{self.before}” no case would notice"

    def as_document(self, lang: str = "en") -> dict[str, object]:
        return {
            "rule": self.rule,
            "what": self.what,
            "from": self.before,
            "to": self.after,
            "message": self.text(lang),
            "witness": plain(self.witness),
        }


_NAMES = {
    "operator": ("运算符", "operator"),
    "threshold": ("门槛", "threshold"),
    "quantifier": ("量词", "quantifier"),
    "range": ("区间端点", "end of a range"),
    "logic": ("且或", "and or or"),
    "condition": ("条件", "condition"),
    "parameter": ("参数", "parameter"),
    "list": ("列表成员", "member of a list"),
    "argument": ("动作参数", "argument of an action"),
}


@dataclass(frozen=True)
class Survey:
    """`tried` mutants were made; `survivors` no case noticed; `same` were left out, since they are
    proved to mean what the set means. Not `complete`: the budget ended.
    """

    tried: int
    survivors: tuple[Mutant, ...]
    complete: bool
    same: int = 0


Watch = Callable[[int, int], None]


def mutants(
    ruleset: RuleSet,
    cases: Sequence[Case] | None = None,
    budget: int = RUNS,
    *,
    watch: Watch | None = None,
    witnesses: bool = True,
) -> Survey:
    """Every mutant no case notices; only cases that pass as the set stands can notice anything.

    `watch` is told how many rules of how many are done; what it raises ends the survey. Without
    `witnesses` no noticing case is looked for and nothing is proved.
    """
    given = ruleset.cases if cases is None else tuple(cases)
    passing = [case for case in given if run_case(ruleset, case).passed]
    hunt = _Hunt(ruleset, passing, budget)
    hunt.noticing = Noticing(ruleset, passing) if witnesses else None
    places = {rule.id: place for place, rule in enumerate(ruleset.rules)}
    complete = True
    with localcontext(EXACT):
        for mutant, changed, rule in _all(ruleset):
            if watch:
                watch(places.get(mutant.rule, len(places)), len(places) + 1)
            if hunt.left <= 0:
                complete = False
                break
            hunt.try_one(mutant, changed, rule)
    return Survey(hunt.tried, tuple(hunt.survivors), complete, hunt.same)


class _Hunt:
    def __init__(self, ruleset: RuleSet, cases: Sequence[Case], budget: int) -> None:
        self.ruleset = ruleset
        self.cases = cases
        self.left = budget
        self.tried = 0
        self.same = 0
        self.survivors: list[Mutant] = []
        self.noticing: Noticing | None = None
        # a rule that sees what others wrote can only be judged in the whole
        self.alone = ruleset.policy != "stages" and all(r.stratum == 0 for r in ruleset.rules)
        self.results: dict[tuple[str, int], str] = {}

    def try_one(self, mutant: Mutant, changed: RuleSet, rule: Rule | None) -> None:
        """`rule` is the mutated rule; None when the change may touch any."""
        self.tried += 1
        for place, case in enumerate(self.cases):
            if rule is not None and self.alone and mutant.what != "argument":
                self.left -= 1
                if _result(changed, rule, case) == self._before(rule.id, place, case):
                    continue
            self.left -= len(self.ruleset.rules)
            if not run_case(changed, case).passed:
                return
        if self.noticing is None:
            self.survivors.append(mutant)
            return
        spent = self.noticing.spent
        case_found, same = self.noticing.look(changed, rule)
        self.left -= self.noticing.spent - spent
        if same:
            self.same += 1
        else:
            self.survivors.append(replace(mutant, noticing=case_found))

    def _before(self, rule_id: str, place: int, case: Case) -> str:
        key = rule_id, place
        if key not in self.results:
            rule = next(r for r in self.ruleset.rules if r.id == rule_id)
            self.results[key] = _result(self.ruleset, rule, case)
        return self.results[key]


def _result(ruleset: RuleSet, rule: Rule, case: Case) -> str:
    try:
        now = parse_instant(case.at) if case.at is not None else DEFAULT_NOW
        context = context_of(ruleset, case.given, now, "Asia/Shanghai")
        return judge(rule, context)[0].result
    except TidegateError as error:
        return error.code


Made = tuple[Mutant, RuleSet, Rule | None]


def _all(ruleset: RuleSet) -> Iterator[Made]:
    for rule in ruleset.rules:
        for mutant, changed in _of_rule(rule):
            yield mutant, _with_rule(ruleset, changed), changed
    for name, parameter in ruleset.parameters.items():
        for value in _shifted(parameter.value):
            if _allowed(parameter, value):
                parameters = {**ruleset.parameters, name: replace(parameter, value=value)}
                mutant = Mutant(
                    "",
                    "parameter",
                    f"{name} = {literal_text(parameter.value)}",
                    literal_text(value),
                )
                yield mutant, replace(ruleset, parameters=MappingProxyType(parameters)), None
    for name, named in ruleset.lists.items():
        for place, member in enumerate(named.values):
            rest = (*named.values[:place], *named.values[place + 1 :])
            lists = {**ruleset.lists, name: replace(named, values=rest)}
            mutant = Mutant("", "list", f"{name}: {plain(member)}", "-")
            yield mutant, replace(ruleset, lists=MappingProxyType(lists)), None


def _allowed(parameter: Parameter, value: object) -> bool:
    below = parameter.low is not None and order(value, parameter.low) == -1
    above = parameter.high is not None and order(value, parameter.high) == 1
    return not (below or above)


def _with_rule(ruleset: RuleSet, changed: Rule) -> RuleSet:
    stages = tuple(
        replace(
            stage, rules=tuple(changed if rule.id == changed.id else rule for rule in stage.rules)
        )
        for stage in ruleset.stages
    )
    return replace(ruleset, stages=stages)


def _of_rule(rule: Rule) -> Iterator[tuple[Mutant, Rule]]:
    for place, leaf in enumerate(rule.leaves):
        if len(rule.leaves) > 1:
            dropped = _condition(rule.condition, place, None)
            mutant = Mutant(rule.id, "condition", leaf.text, "", nodes=(leaf.node,))
            yield mutant, replace(rule, condition=dropped)
        for what, node in _variants(leaf.node):
            text = render(node)
            changed = _condition(rule.condition, place, Leaf(node, text))
            mutant = Mutant(rule.id, what, leaf.text, text, nodes=(leaf.node, node))
            yield mutant, replace(rule, condition=changed)
    for place, call in enumerate(rule.actions):
        for name, value in call.args.items():
            if isinstance(value, str):
                other = f"{value}·"
                args = MappingProxyType({**call.args, name: other})
                actions = (
                    *rule.actions[:place], replace(call, args=args), *rule.actions[place + 1 :],
                )  # fmt: skip
                mutant = Mutant(rule.id, "argument", f"{call.action.id}.{name}: {value}", other)
                yield mutant, replace(rule, actions=actions)


def _condition(condition: Condition, place: int, put: Leaf | None) -> Condition:
    """The condition with its leaf number `place` replaced, or left out."""
    seen = -1

    def visit(part: Condition) -> Condition:
        nonlocal seen
        parts: list[Condition | Leaf] = []
        for inner in part.parts:
            if isinstance(inner, Condition):
                parts.append(visit(inner))
                continue
            seen += 1
            if seen != place:
                parts.append(inner)
            elif put is not None:
                parts.append(put)
        return Condition(part.kind, tuple(parts))

    return visit(condition)


def _variants(node: tree.Node) -> Iterator[tuple[str, tree.Node]]:
    """The node with one thing changed, at its top or anywhere inside."""
    yield from _at_top(node)
    for name, value in vars(node).items():
        if isinstance(value, tree.Node):
            for what, other in _variants(value):
                changes: dict[str, Any] = {name: other}
                yield what, replace(node, **changes)
        elif isinstance(value, tuple):
            for place, part in enumerate(value):
                for what, other in _variants(part) if isinstance(part, tree.Node) else ():
                    changed: Any = (*value[:place], other, *value[place + 1 :])
                    yield what, replace(node, **{name: changed})


def _at_top(node: tree.Node) -> Iterator[tuple[str, tree.Node]]:
    if isinstance(node, tree.Compare | tree.Test):
        yield "operator", replace(node, op=_OPS[node.op])
    elif isinstance(node, tree.Quantified):
        yield "quantifier", replace(node, kind=_KINDS[node.kind])
    elif isinstance(node, tree.Range):
        yield "range", replace(node, low_closed=not node.low_closed)
        yield "range", replace(node, high_closed=not node.high_closed)
    elif isinstance(node, tree.And):
        yield "logic", tree.Or(node.parts, at=node.at)
    elif isinstance(node, tree.Or):
        yield "logic", tree.And(node.parts, at=node.at)
    elif isinstance(node, tree.Literal):
        for value in _shifted(node.value):
            yield "threshold", tree.Literal(value, at=node.at)


def _shifted(value: object) -> Iterator[object]:
    """A threshold a tenth, and at least one step, lower and higher."""
    if isinstance(value, bool) or value is None:
        return
    for sign in (-1, 1):
        if isinstance(value, Decimal):
            yield value + sign * max(Decimal(1), abs(value) / 10)
        elif isinstance(value, Money):
            yield Money(
                value.amount + sign * max(Decimal(1), abs(value.amount) / 10), value.currency
            )
        elif isinstance(value, timedelta):
            yield value + sign * max(timedelta(minutes=1), abs(value) / 10)
        elif isinstance(value, datetime | date):
            yield value + sign * DAY
