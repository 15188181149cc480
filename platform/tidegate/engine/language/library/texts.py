"""Text: what it contains, parts of it, spellings. Questions ignore letter case and width like
every comparison; cutting works letter by letter.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from tidegate.engine.language.library.signatures import SCALARS, Function, fixed, one_list
from tidegate.engine.language.types import ANY, BOOLEAN, NUMBER, TEXT, Type, comparable, list_of
from tidegate.engine.operations import member_of, wildcard
from tidegate.engine.values import (
    MAX_LIST,
    MAX_TEXT,
    ExactText,
    Incomplete,
    decimal_text,
    fold,
    parse_decimal,
    plain,
)

_TEST = fixed(BOOLEAN, "text", "text")
_CUT = fixed(TEXT, "text", "text")
_SPELLED = fixed(TEXT, "text")


def _contains_type(given: Sequence[Type]) -> Type | None:
    if len(given) == 2 and given[0].kind == "list":
        held = given[0].member or ANY
        scalar = held.kind in SCALARS or held.kind == "list"
        return BOOLEAN if scalar and comparable(held, given[1]) else None
    return _TEST(given)


def _string_type(given: Sequence[Type]) -> Type | None:
    kind = given[0] if len(given) == 1 else None
    while kind and kind.kind == "list":
        kind = kind.member or ANY
    return TEXT if kind and kind.kind in SCALARS else None


def _folded(text: str, other: str) -> tuple[str, str]:
    """Both as written when one is exact, else both folded."""
    if isinstance(text, ExactText) or isinstance(other, ExactText):
        return str(text), str(other)
    return fold(text), fold(other)


def contains(whole: Any, part: Any) -> bool | None:
    """Whether a list has the member, or a text the part."""
    if isinstance(whole, tuple):
        return member_of(part, whole)
    text, other = _folded(whole, part)
    return other in text


def _starts(whole: str, part: str) -> bool:
    text, other = _folded(whole, part)
    return text.startswith(other)


def _ends(whole: str, part: str) -> bool:
    text, other = _folded(whole, part)
    return text.endswith(other)


def _matches(whole: str, pattern: str) -> bool:
    return wildcard(*_folded(whole, pattern))


def _bounded(text: str) -> str | None:
    return text if len(text) <= MAX_TEXT else None


def _spelled(text: str) -> str | None:
    return ExactText(text) if len(text) <= MAX_TEXT else None


def _substring(text: str, start: Decimal, length: Decimal | None = None) -> str | None:
    """FEEL's: counted from 1, from the end when negative; unknown beyond either end."""
    first = int(start)
    if first != start or not 1 <= abs(first) <= len(text):
        return None
    begin = first - 1 if first > 0 else len(text) + first
    if length is None:
        return text[begin:]
    return text[begin : begin + int(length)] if length >= 1 else None


def _before(text: str, part: str) -> str:
    return text.partition(part)[0] if part and part in text else ""


def _after(text: str, part: str) -> str:
    return text.partition(part)[2] if part else text


def _replace(text: str, part: str, by: str) -> str | None:
    if not part:
        return None
    grown = len(text) + text.count(part) * (len(by) - len(part))
    return text.replace(part, by) if grown <= MAX_TEXT else None


def _split(text: str, delimiter: str) -> tuple[object, ...] | None:
    parts = text.split(delimiter) if delimiter else list(text)
    return tuple(parts) if len(parts) <= MAX_LIST else None


def _join(texts: tuple[Any, ...], delimiter: str = "") -> str | None:
    """Missing members are left out, as in FEEL."""
    known = [text for text in texts if text is not None]
    size = sum(map(len, known)) + len(delimiter) * len(known)
    return None if isinstance(texts, Incomplete) or size > MAX_TEXT else delimiter.join(known)


def _string(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, tuple):
        members = ["null" if one is None else str(_string(one)) for one in value]
        return None if isinstance(value, Incomplete) else _bounded(f"[{', '.join(members)}]")
    return str(plain(value))


def _number(text: str, grouping: str = "", point: str = ".") -> Decimal | None:
    """The number a text says; unknown when it says none."""
    plain_text = text.replace(grouping, "") if grouping else text
    try:
        return parse_decimal(plain_text.replace(point, "."))
    except ValueError:
        return None


TEXTS: dict[str, Function] = {
    "contains": Function(
        'contains(order.buyer_memo, "加急")', _contains_type, contains, "string, match", "包含"
    ),
    "starts_with": Function(
        'starts with(item.sku, "GIFT-")', _TEST, _starts, "string, match", "开头是"
    ),
    "ends_with": Function('ends with(item.sku, "-XL")', _TEST, _ends, "string, match", "结尾是"),
    "matches": Function('matches(item.sku, "A*-??")', _TEST, _matches, "input, pattern", "形如"),
    "exact": Function('item.sku = exact("Ab")', _SPELLED, ExactText, "string", "逐字"),
    "lower_case": Function(
        "lower case(item.sku)", _SPELLED, lambda text: _spelled(text.lower()), "string", "小写"
    ),
    "upper_case": Function(
        "upper case(item.sku)", _SPELLED, lambda text: _spelled(text.upper()), "string", "大写"
    ),
    "trim": Function(
        "string length(trim(order.buyer_memo)) > 0", _SPELLED, str.strip, "string", "去空格"
    ),
    "string_length": Function(
        "string length(recipient.address)",
        fixed(NUMBER, "text"),
        lambda text: Decimal(len(text)),
        "string",
        "字数",
    ),
    "substring": Function(
        "substring(item.sku, 1, 4)",
        fixed(TEXT, "text", "number", "number", optional=1),
        _substring,
        "string, start position, length",
        "截取",
    ),
    "substring_before": Function(
        'substring before(item.sku, "-")', _CUT, _before, "string, match", "之前的文字"
    ),
    "substring_after": Function(
        'substring after(item.sku, "-")', _CUT, _after, "string, match", "之后的文字"
    ),
    "replace": Function(
        'replace(recipient.address, " ", "")',
        fixed(TEXT, "text", "text", "text"),
        _replace,
        "input, pattern, replacement",
        "替换",
    ),
    "split": Function(
        'count(split(order.buyer_memo, "，")) > 1',
        fixed(list_of(TEXT), "text", "text"),
        _split,
        "string, delimiter",
        "拆分",
    ),
    "string_join": Function(
        'string join(order.tags, "、")',
        lambda given: (
            one_list(TEXT, "text")(given[:1]) and fixed(TEXT, "any", "text", optional=1)(given)
        ),
        _join,
        "list, delimiter",
        "连接",
    ),
    "string": Function("string(order.quantity)", _string_type, _string, "from", "文字"),
    "number": Function(
        "number(order.buyer_memo) > 100",
        fixed(NUMBER, "text", "text", "text", optional=2),
        _number,
        "from, grouping separator, decimal separator",
        "数字",
    ),
}
