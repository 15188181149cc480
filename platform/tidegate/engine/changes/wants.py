"""The outcome somebody wants: `approve`, `use_service:SF.standard`, `{action, args}`, or its
absence with `!` in front.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tidegate.engine.decisions import Outcome
from tidegate.engine.operations import equal
from tidegate.engine.problems import hint, nearest
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.values import (
    parse_date,
    parse_decimal,
    parse_duration,
    parse_instant,
    parse_money,
    plain,
)
from tidegate.engine.vocabulary import Action
from tidegate.errors import InputError

_READ: dict[str, Callable[[Any], object]] = {
    "number": parse_decimal,
    "money": parse_money,
    "duration": parse_duration,
    "instant": parse_instant,
    "date": parse_date,
}


@dataclass(frozen=True)
class Want:
    """Some outcome with this action and these arguments; with `absent`, no such outcome."""

    action: str
    args: Mapping[str, object]
    absent: bool = False

    def met_by(self, outcomes: Iterable[Outcome]) -> bool:
        return any(self.fits(outcome) for outcome in outcomes) is not self.absent

    def fits(self, outcome: Outcome) -> bool:
        """Whether this is the action, wanted or not wanted."""
        return outcome.action == self.action and all(
            same(outcome.args.get(name), value) for name, value in self.args.items()
        )

    def text(self) -> str:
        args = [str(plain(value)) for value in self.args.values()]
        return ("!" if self.absent else "") + ":".join((self.action, *args))


def same(value: object, wanted: object) -> bool:
    """Equal as rules see it; an argument of any type also by its text."""
    return equal(value, wanted) is True or (value is not None and str(plain(value)) == wanted)


def read_want(raw: str | Mapping[str, Any], ruleset: RuleSet) -> Want:
    """`action`, `action:main`, `!action…`, or a mapping of `action`, `args` and `absent`.

    Raises:
        InputError: the gate has no such action, or the action no such argument or value.
    """
    if isinstance(raw, str):
        text = raw.strip()
        absent = text.startswith(("!", "not "))
        text = text.removeprefix("!").removeprefix("not ").strip()
        name, colon, main = (part.strip() for part in text.partition(":"))
        action = _action(name, ruleset)
        if colon and not action.main:
            raise _wrong(
                "want.no_argument",
                f"动作 {name} 不带单个值；写 {name} 即可",
                f"the action {name} takes no single value; write {name}",
                raw,
            )
        args = {action.main: main} if colon else {}
    else:
        action = _action(str(raw.get("action", "")), ruleset)
        args, absent = dict(raw.get("args") or {}), bool(raw.get("absent", False))
    typed = {name: _argument(action, name, value) for name, value in args.items()}
    return Want(action.id, MappingProxyType(typed), absent)


def _action(name: str, ruleset: RuleSet) -> Action:
    known = ruleset.gate_spec.actions
    if name not in known:
        tip = hint(nearest(name, known))
        listed = ", ".join(known)
        raise _wrong(
            "want.unknown_action",
            f"关口 {ruleset.gate} 没有动作 {name}；可用：{listed}{tip[0]}",
            f"the gate {ruleset.gate} has no action {name}; it has {listed}{tip[1]}",
            name,
        )
    return ruleset.vocabulary.actions[name]


def _argument(action: Action, name: str, value: object) -> object:
    arg = action.args.get(name)
    if arg is None:
        listed = ", ".join(action.args) or "-"
        raise _wrong(
            "want.no_argument",
            f"动作 {action.id} 没有参数 {name}；可用：{listed}",
            f"the action {action.id} has no argument {name}; it has {listed}",
            name,
        )
    try:
        if arg.type == "boolean":
            return {"true": True, "false": False}[str(value).lower()]
        return _READ.get(arg.type, str)(value)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise _wrong(
            "want.bad_value",
            f"“{value}”不能作参数 {name} 的值；它的类型是 {arg.type}",
            f"{value!r} isn't a value for the argument {name}, which is a {arg.type}",
            name,
        ) from error


def _wrong(code: str, zh: str, en: str, want: str) -> InputError:
    zh, en = (
        one if one.endswith(("？", "?")) else one + end for one, end in ((zh, "。"), (en, "."))
    )
    return InputError(
        code, zh=f"想要的结果有误：{zh}", en=f"The wanted outcome is wrong: {en}", want=want
    )
