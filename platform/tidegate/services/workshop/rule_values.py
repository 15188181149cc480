"""Values as they are typed to the engine's forms, and arguments of actions to values of a document."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from tidegate.engine.language.types import Type
from tidegate.engine.values import parse_date, parse_decimal, parse_time
from tidegate.errors import InputError
from tidegate.services.workshop.rule_rows import Value
from tidegate.services.workshop.set_names import SetNames

Form = dict[str, Any]


class Unfinished(InputError):
    """A part of a row is missing or not readable; `field` names it: f, o, v, h, w, m, d, n, t."""

    def __init__(self, part: str, zh: str, en: str) -> None:
        super().__init__("editor.unfinished", zh=zh, en=en, field=part)
        self.part, self.zh, self.en = part, zh, en


def operand(value: Value, kind: Type, names: SetNames, part: str) -> Form:
    """A value as the engine's form. Raises Unfinished."""
    if value.source == "fixed":
        return fixed(value, kind, part)
    if not value.text.strip():
        zh, en = {
            "named": ("请选一个门槛", "Choose a threshold"),
            "field": ("请选另一个字段", "Choose the other field"),
        }.get(value.source, ("请写算式", "Write the formula"))
        raise Unfinished(part, zh, en)
    if value.source in ("named", "field"):
        if names.get(value.text) is None:
            raise Unfinished(
                part, f"没有 {value.text}，请重新选", f"There is no {value.text}; choose again"
            )
        return {"name": value.text}
    return {"text": value.text}


def fixed(value: Value, kind: Type, part: str) -> Form:
    text = value.text if kind.kind in ("text", "any") else value.text.strip()
    if not text and kind.kind not in ("text", "any"):
        raise Unfinished(part, "还没写值", "The value is missing")
    if kind.kind == "number":
        return {"type": "number", "value": number(text, part)}
    if kind.kind == "money":
        if not value.unit:
            raise Unfinished(part, "还没选币种", "The currency is missing")
        return {"type": "money", "value": f"{number(text, part)} {value.unit}"}
    if kind.kind == "duration":
        return {"type": "duration", "value": f"{number(text, part)}{value.unit or 'h'}"}
    if kind.kind == "boolean":
        return {"type": "boolean", "value": text == "true"}
    if kind.kind in ("date", "time"):
        return {"type": kind.kind, "value": _moment(text, kind.kind, part)}
    if kind.kind == "instant":
        return {"type": "instant", "value": text}
    if kind.values and text not in kind.values:
        raise Unfinished(part, "请选一个值", "Choose a value")
    literal = {"type": "text", "value": text}
    return {"call": "exact", "args": [literal]} if value.exact else literal


def number(text: str, part: str) -> str:
    plain = text.strip().replace(",", "").replace("，", "")
    try:
        parse_decimal(plain)
    except (ValueError, OverflowError):
        if not plain:
            raise Unfinished(part, "还没写数字", "The number is missing") from None
        raise Unfinished(part, f"“{text}”不是数字，请只填数字（单位在后面选）",
                         f"“{text}” isn't a number; write digits only, the unit is beside it") from None  # fmt: skip
    return plain


def _moment(text: str, kind: str, part: str) -> str:
    try:
        return (parse_date(text) if kind == "date" else parse_time(text)).isoformat()
    except ValueError:
        zh, en = ("日期", "2026-11-11") if kind == "date" else ("钟点", "18:00")
        raise Unfinished(
            part, f"“{text}”不是{zh}，请写成 {en}", f"“{text}” isn't a {kind}; write it like {en}"
        ) from None


def typed(text: str, kind: str) -> Any:
    """An argument as it stands in a document: a number as a number, anything else as written."""
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    if kind == "number":
        try:
            value = parse_decimal(text)
        except (ValueError, OverflowError):
            return text
        return int(value) if value == value.to_integral_value() and "." not in text else value
    if kind in ("any", "texts"):
        return loose(text)
    return text


def loose(text: str) -> Any:
    """A value of any kind: JSON where it is JSON, else the text."""
    try:
        value = json.loads(text, parse_float=Decimal)
    except ValueError:
        return text
    return text if value is None else value
