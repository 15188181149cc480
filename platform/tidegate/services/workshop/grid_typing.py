"""What somebody types into a cell, as the language writes it: ≥ 1000, 500 起，不到 2000, 新疆、西藏, 除…外, 一律."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tidegate.engine.language.types import Type

ANY = frozenset(("", "-", "—", "一律", "任意", "不限", "any", "anything"))
YES, NO = frozenset(("是", "yes", "true", "对", "y")), frozenset(("否", "no", "false", "不", "n"))
_SIGNS = str.maketrans(
    {"≥": ">=", "≤": "<=", "≠": "!=", "＞": ">", "＜": "<", "＝": "=", "（": "(", "）": ")"}
)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_OPERATOR = re.compile(r"(>=|<=|!=|=|<|>)\s*(.+)\Z", re.S)
_RANGE = re.compile(r"([\[(\]])\s*(.+?)\s*\.\.\s*(.+?)\s*([\])\[])\Z", re.S)
_NUMBER = re.compile(r"-?\d+(\.\d+)?\Z")
_AMOUNT = re.compile(r"[¥￥]?\s*(-?\d+(?:\.\d+)?)\s*(?:元|块|¥)?\Z")
_LENGTH = re.compile(r"(\d+)\s*(天|日|小时|时|分钟|分|秒|周|days?|hours?|minutes?|weeks?)\Z", re.I)
_UNITS = {
    "天": "d",
    "日": "d",
    "小": "h",
    "时": "h",
    "分": "m",
    "秒": "s",
    "周": "w",
    "d": "d",
    "h": "h",
    "m": "m",
    "w": "w",
}
_WORDS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.I), made)
    for pattern, made in (
        (r"(.+?)\s*(?:起|及以上)\s*[，, ]?\s*(?:不到|低于)\s*(.+)\Z", "[{0}..{1})"),
        (r"(?:from )?(.+?) to (?:under|below) (.+)\Z", "[{0}..{1})"),
        (r"(.+?)\s*(?:到|至|~|～)\s*(.+)\Z", "[{0}..{1}]"),
        (r"(?:不到|低于|少于|under |below )\s*(.+)\Z", "< {0}"),
        (r"(?:超过|大于|高于|over |above )\s*(.+)\Z", "> {0}"),
        (r"(?:不超过|至多|最多|at most )\s*(.+)\Z", "<= {0}"),
        (r"(?:至少|不低于|at least )\s*(.+)\Z", ">= {0}"),
        (r"(.+?)\s*(?:起|及以上|以上| or more)\Z", ">= {0}"),
        (r"(.+?)\s*(?:及以下|以下| or less)\Z", "<= {0}"),
    )
)  # fmt: skip
_NOT = re.compile(
    r"(?:除\s*(.+?)\s*外|(?:not|except|all but)\s+(.+)|not\s*\((.+)\))\Z", re.S | re.I
)


@dataclass(frozen=True, slots=True)
class Column:
    """What typed words mean in one column: its type, and the names of the set by title and by id."""

    type: Type
    names: Mapping[str, str]
    currency: str = "CNY"


def cell_text(typed: str, column: Column) -> str:
    """The cell as the language writes it; what is not understood stays as it was typed."""
    text = typed.strip()
    if text.casefold() in ANY:
        return "-"
    if text.casefold() in ("不知道", "未知", "unknown", "missing"):
        return "? is missing"
    if "?" in text or text.startswith('"') or "satisfies" in text:
        return text
    negated = _NOT.match(text)
    if negated:
        return f"not({_tests(next(g for g in negated.groups() if g), column)})"
    return _tests(text, column)


def _tests(text: str, column: Column) -> str:
    cleaned = text.translate(_SIGNS)
    if column.type.kind in ("number", "money", "duration", "any"):
        cleaned = _THOUSANDS.sub("", cleaned)
        for pattern, made in _WORDS:
            found = pattern.match(cleaned)
            if found and not cleaned.startswith(("[", "(", "]")):
                cleaned = made.format(*found.groups())
                break
    return ", ".join(_test(part, column) for part in parts(cleaned))


def parts(text: str) -> Iterator[str]:
    """Split at commas of either script that stand outside quotes and brackets."""
    depth, quoted, start = 0, False, 0
    for at, sign in enumerate(text):
        if sign == '"':
            quoted = not quoted
        elif not quoted and sign in "[(":
            depth += 1
        elif not quoted and sign in "])":
            depth -= 1
        elif not quoted and depth <= 0 and sign in ",，、;；\n":
            if text[start:at].strip():
                yield text[start:at].strip()
            start = at + 1
    if text[start:].strip():
        yield text[start:].strip()


def _test(part: str, column: Column) -> str:
    compared = _OPERATOR.match(part)
    if compared:
        return f"{compared[1]} {_value(compared[2].strip(), column)}"
    spanned = _RANGE.match(part)
    if spanned:
        low, high = _value(spanned[2], column), _value(spanned[3], column)
        return f"{spanned[1]}{low}..{high}{spanned[4]}"
    return _value(part, column)


def _value(text: str, column: Column) -> str:
    kind = column.type.kind
    if text in column.names:
        return column.names[text]
    if kind == "boolean" and text.casefold() in YES | NO:
        return "true" if text.casefold() in YES else "false"
    if kind == "money":
        amount = _AMOUNT.match(text)
        return f"{amount[1]} {column.currency}" if amount else text
    if kind == "duration":
        length = _LENGTH.match(text)
        return f"{length[1]}{_UNITS[length[2][0].lower()]}" if length else text
    if kind == "text" and not text.startswith('"'):
        return _quoted(text)
    return text


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
