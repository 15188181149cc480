"""Constants from text: numbers, times, spans; and the arguments of a call put in order."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from lark import Token

from tidegate.engine.language import tree
from tidegate.engine.language.functions import FUNCTIONS
from tidegate.engine.problems import ExpressionError, Problem, hint, nearest
from tidegate.engine.values import (
    parse_date,
    parse_decimal,
    parse_duration,
    parse_instant,
    parse_months,
    parse_time,
)

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "'": "'", "\\": "\\"}
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{6})|(.))", re.DOTALL)


def refusal(code: str, zh: str, en: str, text: str, at: int = 0, near: str = "") -> ExpressionError:
    return ExpressionError(Problem(code, zh, en, at=at, near=near), text)


def placed(name: str, given: list[Any]) -> tuple[tree.Node, ...]:
    """Arguments in order; those given by name (`starts with(string: …, match: …)`) put in place."""
    named = {str(part[0]): part for part in given if isinstance(part, tuple)}
    forms = _FORMS.get(name) or (FUNCTIONS[name].forms if name in FUNCTIONS else [])
    if not named or not forms:
        return tuple(part[1] if isinstance(part, tuple) else part for part in given)
    count = len(named)
    fitting = next((form[:count] for form in forms if set(form[:count]) == set(named)), None)
    if fitting and count == len(given):
        return tuple(named[word][1] for word in fitting)
    token = next(iter(named.values()))[0]
    known = [word for form in forms for word in form if word]
    wrong = next((word for word in named if word not in known), "")
    zh, en = hint(nearest(wrong, known) if wrong else "")
    listed = "; ".join(", ".join(form) for form in forms if form != [""]) or "-"
    raise refusal(
        "rule.unknown_parameter",
        f"参数名 {wrong or token} 用不上；按顺序为：{listed}{zh}",
        f"the parameter {wrong or token} does not fit here; in order: {listed}{en}",
        str(token),
        (named[wrong][0] if wrong else token).start_pos or 0,
        nearest(wrong, known) if wrong else "",
    )


def unescaped(text: str) -> str:
    """What stands between quotes, its escapes put in."""
    return _ESCAPE.sub(_unescaped, text)


def _unescaped(found: re.Match[str]) -> str:
    point = found[1] or found[2]
    if not point:
        return _ESCAPES.get(found[3], found[0])
    return chr(int(point, 16)) if int(point, 16) <= 0x10FFFF else found[0]


def decimal(text: str) -> Decimal:
    """With an exponent only as far as the digits can also be written out."""
    return parse_decimal(f"{parse_decimal(text):f}")


def moment_value(text: str) -> object:
    """What stands in `@"…"`: an instant, a date, a time of day or a duration."""
    if text.lstrip("-").startswith("P"):
        return _span(text)
    if re.match(r"T?\d\d:", text):
        return parse_time(text)
    return parse_instant(text) if "T" in text else parse_date(text)


def _span(text: str) -> object:
    try:
        return parse_months(text)
    except ValueError:
        return parse_duration(text)


def _text_of(read: Any) -> Any:
    """A constructor that takes one constant text."""

    def make(word: Token, constants: list[Any]) -> tree.Node | None:
        one = len(constants) == 1 and isinstance(constants[0], str)
        return literal(read, word, constants[0]) if one else None

    return make


def _date(word: Token, constants: list[Any]) -> tree.Node | None:
    if len(constants) == 3 and all(isinstance(part, Decimal) for part in constants):
        year, month, day = (int(part) for part in constants)
        return literal(lambda _: date(year, month, day), word, f"{year}-{month}-{day}")
    made: tree.Node | None = _text_of(parse_date)(word, constants)
    return made


def _date_and_time(word: Token, constants: list[Any]) -> tree.Node | None:
    """An instant when the text has its offset; else what the shop's clock shows then."""
    text = constants[0]
    if len(constants) > 1 or not isinstance(text, str):
        return None
    found = literal(_day_and_clock, word, text)
    moment = found.value if isinstance(found, tree.Literal) else None
    if not isinstance(moment, datetime) or moment.tzinfo is not None:
        return found
    parts = (tree.Literal(moment.date(), at=found.at), tree.Literal(moment.time(), at=found.at))
    return tree.Call("date_and_time", parts, at=found.at)


def _day_and_clock(text: str) -> datetime:
    day, t, clock = text.strip().partition("T")
    if not t:
        return datetime.combine(parse_date(day), time())
    moment = datetime.combine(parse_date(day), parse_time(clock))
    return parse_instant(moment) if moment.tzinfo else moment


# constructors of constants; with anything but constants they are ordinary functions, or unknown
CONSTRUCTORS: dict[str, Any] = {
    "duration": _text_of(_span),
    "date": _date,
    "time": _text_of(parse_time),
    "date_and_time": _date_and_time,
}
_FORMS = {"duration": [["from"]], "range": [["from"]], "not": [["negand"]]}


def literal(read: Any, token: Token, text: str) -> tree.Node:
    try:
        return tree.Literal(read(text), at=token.start_pos or 0)
    except (ValueError, OverflowError) as error:
        raise refusal(
            "rule.bad_literal",
            f"“{text}”不是有效的值（时刻要带时区偏移，如 2026-11-11T09:00:00+08:00）",
            f"“{text}” isn't a valid value: {error}",
            text,
            token.start_pos or 0,
        ) from None
