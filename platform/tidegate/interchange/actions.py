"""What the outputs of a foreign decision become: actions of the gate.

An output goes to the action that `--map` names; else to the action of its own name; else to the
gate's generic one: `set` (field and value), or a text action such as `tag` with `name=value`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tidegate.engine.language import tree
from tidegate.engine.language.rendering import literal_text, render
from tidegate.engine.values import Money, decimal_text, duration_text, fold
from tidegate.engine.vocabulary import Action, Argument, Gate, Vocabulary
from tidegate.errors import InputError
from tidegate.interchange.model import Arguments, Said
from tidegate.interchange.naming import compact, target_of
from tidegate.interchange.remarks import NotOurs

NOTHING = "-"
NULL = tree.Literal(None)


@dataclass(frozen=True)
class Target:
    """`argument` receives the value (empty: the action has none). `generic` names the output in
    the value, because the action is not the output's own. `per_value` sends single values, by
    their folded text, to targets of their own, whose `only` is the value as it was written.
    """

    action: Action
    argument: str = ""
    generic: bool = False
    only: str = ""
    per_value: Mapping[str, Target] = field(default_factory=dict)


class Plan:
    """Which action each output of a file becomes at one gate."""

    def __init__(
        self, vocabulary: Vocabulary, gate: Gate, targets: Mapping[str, str], action: str
    ) -> None:
        self.vocabulary = vocabulary
        self.gate = gate
        self.targets = targets
        self.known = {name: vocabulary.actions[name] for name in gate.actions}
        self.default = self._target(action) if action else None
        for target in targets.values():
            if not self._is_fact(target):
                self._target(target)

    def of(self, output: str) -> Target:
        """Raises InputError when the gate has no action for arbitrary values."""
        given = target_of(output, self.targets)
        if self._is_fact(given):
            given = ""  # an input of the same name
        named = self.own(output) or self._by_argument(output)
        found = self._target(given) if given else named or self.default
        found = found or self._generic()
        per_value = {
            fold(name.rpartition("/")[2]): replace(self._target(to), only=name.rpartition("/")[2])
            for name, to in self.targets.items()
            if "/" in name and compact(name.rpartition("/")[0]) == compact(output)
        }
        return replace(found, per_value=per_value)

    def _is_fact(self, target: str) -> bool:
        """`--map` also says what inputs are."""
        name = target.partition(":")[0]
        return name.startswith("custom.") or self.vocabulary.fact(name) is not None

    def _target(self, text: str) -> Target:
        name, _, argument = text.partition(".")
        action = self.known.get(name) or self._titled(name)
        if action is None:
            raise self._no_action(name, self.known)
        if argument and argument not in action.args:
            raise self._no_action(
                f"{action.id}.{argument}", [f"{action.id}.{a}" for a in action.args]
            )
        if not argument and not action.main and "field" in action.args:
            return Target(action, "value", generic=True)
        return Target(action, argument or action.main)

    def _titled(self, name: str) -> Action | None:
        wanted = compact(name)
        return next(
            (a for a in self.known.values() if wanted in [compact(t) for t in a.title.values()]),
            None,
        )

    def _by_argument(self, output: str) -> Target | None:
        """`标签` names what one action of the gate takes, and no other does."""
        wanted = compact(output)
        found = [
            action
            for action in self.known.values()
            if action.main and wanted in map(compact, action.args[action.main].title.values())
        ]
        return Target(found[0], found[0].main) if len(found) == 1 else None

    def own(self, output: str) -> Target | None:
        """`use_service`, `指定快递`, `hold.queue` and `转人工.队列` name an action themselves."""
        name, _, argument = output.partition(".")
        action = self.known.get(name.strip()) or self._titled(name)
        if action is None:
            return None
        if not argument:
            if not action.main and action.args:
                return None
            return Target(action, action.main)
        wanted = compact(argument)
        for key, arg in action.args.items():
            if wanted in [compact(text) for text in (key, *arg.title.values())]:
                return Target(action, key)
        return None

    def _generic(self) -> Target:
        if "set" in self.known:
            return Target(self.known["set"], "value", generic=True)
        for action in self.known.values():
            main = action.args.get(action.main)
            others = [arg for arg in action.args.values() if arg.required and arg is not main]
            if action.many and main and main.type == "text" and not others:
                return Target(action, action.main, generic=True)
        listed = ", ".join(self.known)
        raise InputError(
            "interchange.no_action",
            zh=f"关口 {self.gate.id} 没有能接收任意结果的动作；请用 --action 或 --map 指定：{listed}。",
            en=f"The gate {self.gate.id} has no action for arbitrary results; name one with "
            f"--action or --map: {listed}.",
            gate=self.gate.id,
        )

    def _no_action(self, name: str, known: Iterable[str]) -> InputError:
        listed = ", ".join(known)
        return InputError(
            "interchange.unknown_action",
            zh=f"关口 {self.gate.id} 没有动作（也没有事实）{name}；动作有：{listed}。",
            en=f"The gate {self.gate.id} has no action, and there is no fact, {name}; its actions "
            f"are {listed}.",
            action=name,
        )


class Layout:
    """The output columns of our table for the outputs of a foreign one. Outputs that fill
    different arguments of one action share a column; the same argument again takes another.
    """

    def __init__(self, names: Iterable[str], plan: Plan) -> None:
        self.names = list(names)
        self.targets = [plan.of(name) for name in self.names]
        self.columns: list[tuple[Action, int]] = []
        self.used: Counter[tuple[str, str]] = Counter()
        self.own = [self._column(target) for target in self.targets]
        self.single = [self._single(target) for target in self.targets]

    def _column(self, target: Target) -> tuple[Action, int]:
        number = self.used[(target.action.id, target.argument)]
        self.used[(target.action.id, target.argument)] += 1
        column = (target.action, number)
        if column not in self.columns:
            self.columns.append(column)
        return column

    def _single(self, target: Target) -> dict[str, tuple[Action, int]]:
        """The columns of an output's single values, one per action."""
        actions = {to.action.id: to for to in target.per_value.values()}
        columns = {name: self._column(to) for name, to in actions.items()}
        return {value: columns[to.action.id] for value, to in target.per_value.items()}

    def cells(self, outputs: Iterable[Said], currency: str) -> list[Any]:
        """The `then` cells of one row. Raises NotOurs."""
        filled: dict[tuple[str, int], dict[str, Any]] = {}
        for index, value in enumerate(outputs):
            if value is None or value == NULL:
                continue
            target, (action, number) = self.targets[index], self.own[index]
            single = fold(plain_text(value.value)) if isinstance(value, tree.Literal) else ""
            if single in target.per_value:
                action, number = self.single[index][single]
                target = target.per_value[single]
            found = arguments(target, self.names[index], value, currency)
            filled.setdefault((action.id, number), {}).update(found)
        return [_cell(action, filled.get((action.id, number))) for action, number in self.columns]


def _cell(action: Action, args: dict[str, Any] | None) -> Any:
    if args is None:
        return NOTHING
    if not args:
        return True
    value = args.get(action.main)
    if set(args) == {action.main} and value != NOTHING and value is not False:
        return value
    return args


def arguments(
    target: Target, name: str, value: tree.Node | Arguments, currency: str
) -> dict[str, Any]:
    """The action's arguments for one value of one output. Raises NotOurs."""
    action = target.action
    if isinstance(value, Arguments):
        return _several(action, value, currency)
    if not target.argument:
        return _flag(action, value)
    arg = action.args[target.argument]
    if isinstance(value, tree.ListOf) and action.many and target.argument == action.main:
        return {
            action.main: [_argument(arg, _named(target, name, m), currency) for m in value.members]
        }
    if target.generic and "field" in action.args:
        return {"field": _text(name), target.argument: _argument(arg, value, currency)}
    return {target.argument: _argument(arg, _named(target, name, value), currency)}


def _several(action: Action, value: Arguments, currency: str) -> dict[str, Any]:
    unknown = [key for key in value.values if key not in action.args]
    if unknown:
        listed = ", ".join(action.args) or "-"
        raise NotOurs(
            "interchange.unknown_argument",
            f"动作 {action.id} 没有参数 {unknown[0]}；可用：{listed}",
            f"the action {action.id} has no argument {unknown[0]}; it has {listed}",
        )
    return {key: _argument(action.args[key], node, currency) for key, node in value.values.items()}


def _flag(action: Action, value: tree.Node) -> dict[str, Any]:
    """An action without arguments happens or does not."""
    if isinstance(value, tree.Literal) and value.value is not False:
        return {}
    raise NotOurs(
        "interchange.flag",
        f"动作 {action.id} 没有参数，结果只能是 true 或空；请用 --map 把各个值分别对应到动作",
        f"the action {action.id} takes no value, so the cell is true or empty; send single values "
        f"to actions with --map NAME/VALUE=ACTION",
    )


def _named(target: Target, name: str, value: tree.Node) -> tree.Node:
    """`Status=Approved`, where the action alone does not say which output this was."""
    if not target.generic:
        return value
    if isinstance(value, tree.Literal):
        return tree.Literal(f"{name}={plain_text(value.value)}")
    said = tree.Call("string", (value,))
    return tree.Arithmetic("+", tree.Literal(f"{name}="), said)


def _argument(arg: Argument, value: tree.Node, currency: str) -> Any:
    constant = value.value if isinstance(value, tree.Literal) else None
    if arg.type in ("text", "choice", "texts"):
        if isinstance(value, tree.Literal):
            return _text(plain_text(constant))
        return f"= {render(value)}"
    if arg.type == "any":
        if isinstance(constant, str):
            return _text(constant)
        return constant if isinstance(constant, bool | Decimal) else f"= {render(value)}"
    if arg.type == "money" and isinstance(constant, Decimal):
        return str(Money(constant, currency))
    if isinstance(constant, str):
        return constant
    return constant if isinstance(constant, bool | Decimal) else render(value)


def _text(text: str) -> str:
    """Text as it stands; what begins like an expression is quoted."""
    return f"= {literal_text(text)}" if text.startswith("=") else text


def plain_text(value: object) -> str:
    """A constant as people write it in a text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)
