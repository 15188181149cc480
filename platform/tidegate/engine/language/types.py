"""Types of expressions, as far as a rule author needs them: what may be compared, added or
asked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Type:
    """`kind` is boolean, number, money, text, duration, months, instant, date, time, list, line,
    range, calendar, null or any.

    `member` is the type inside a list or range; `line` names the vocabulary list a line belongs
    to; `values` are what a choice may be; `unit` is the unit of a number.
    """

    kind: str
    member: Type | None = None
    line: str = ""
    unit: str = ""
    values: tuple[str, ...] = ()

    def named(self, chinese: bool) -> str:
        """The type in words."""
        names = _NAMES.get(self.kind, (self.kind, self.kind))
        name = names[0] if chinese else names[1]
        if self.kind == "list" and self.member and self.member.kind != "any":
            return (
                f"{self.member.named(chinese)}列表"
                if chinese
                else f"list of {self.member.named(chinese)}"
            )
        return f"{name} ({self.unit})" if self.unit else name


_NAMES = {
    "boolean": ("是否", "boolean"),
    "number": ("数字", "number"),
    "money": ("金额", "money"),
    "text": ("文字", "text"),
    "duration": ("时长", "duration"),
    "months": ("年月跨度", "years and months"),
    "instant": ("时刻", "instant"),
    "date": ("日期", "date"),
    "time": ("钟点", "time of day"),
    "list": ("列表", "list"),
    "line": ("行", "line"),
    "range": ("区间", "range"),
    "calendar": ("日历", "calendar"),
    "null": ("空值", "null"),
    "any": ("任意", "any"),
}
BOOLEAN, NUMBER, MONEY, TEXT = Type("boolean"), Type("number"), Type("money"), Type("text")
DURATION, INSTANT, DATE, ANY, NULL = (
    Type("duration"),
    Type("instant"),
    Type("date"),
    Type("any"),
    Type("null"),
)
CALENDAR, TIME, MONTHS = Type("calendar"), Type("time"), Type("months")
ORDERED = frozenset(
    ("number", "money", "text", "duration", "months", "instant", "date", "time", "any")
)


def list_of(member: Type) -> Type:
    return Type("list", member)


def range_of(member: Type) -> Type:
    return Type("range", member)


def of_fact(kind: str, unit: str = "", values: tuple[str, ...] = ()) -> Type:
    """The type of a vocabulary entry or parameter."""
    if kind == "texts":
        return list_of(TEXT)
    if kind == "choice":
        return Type("text", values=values)
    return Type(kind, unit=unit)


def comparable(left: Type, right: Type) -> bool:
    """Whether `=` between them can ever mean something (units are judged apart)."""
    if "any" in (left.kind, right.kind):
        return True
    if left.kind == right.kind and left.kind in ("list", "range"):
        one, other = left.member or ANY, right.member or ANY
        return "null" in (one.kind, other.kind) or comparable(one, other)
    return left.kind == right.kind and left.kind not in ("line", "calendar", "null")


def common(left: Type, right: Type) -> Type | None:
    """The type of `if … then left else right`, or None."""
    if left.kind in ("any", "null"):
        return right
    if right.kind in ("any", "null"):
        return left
    if not comparable(left, right):
        return None
    return (
        left
        if left == right
        else replace(left, values=(), unit=left.unit if left.unit == right.unit else "")
    )


def arithmetic(op: str, left: Type, right: Type) -> Type | None:
    """The type of `left op right`, or None when it has no meaning. Units survive + and - of
    like numbers.
    """
    if "any" in (left.kind, right.kind):
        return ANY
    result = _ARITHMETIC.get((left.kind, op, right.kind))
    if result == "number" and op in "+-" and left.kind == "number":
        return Type(
            "number", unit=left.unit if left.unit == right.unit else left.unit or right.unit
        )
    return Type(result) if result else None


_ARITHMETIC: dict[tuple[str, str, str], str] = {
    **{("number", op, "number"): "number" for op in "+-*/"},
    **{("money", op, "money"): "money" for op in "+-"},
    ("money", "*", "number"): "money",
    ("number", "*", "money"): "money",
    ("money", "/", "number"): "money",
    ("money", "/", "money"): "number",
    **{("duration", op, "duration"): "duration" for op in "+-"},
    ("duration", "*", "number"): "duration",
    ("number", "*", "duration"): "duration",
    ("duration", "/", "number"): "duration",
    ("duration", "/", "duration"): "number",
    ("instant", "+", "duration"): "instant",
    ("duration", "+", "instant"): "instant",
    ("instant", "-", "duration"): "instant",
    ("instant", "-", "instant"): "duration",
    ("date", "-", "date"): "duration",
    ("date", "+", "duration"): "date",
    ("duration", "+", "date"): "date",
    ("date", "-", "duration"): "date",
    **{("months", op, "months"): "months" for op in "+-"},
    ("months", "*", "number"): "months",
    ("number", "*", "months"): "months",
    ("months", "/", "number"): "months",
    ("months", "/", "months"): "number",
    ("date", "+", "months"): "date",
    ("months", "+", "date"): "date",
    ("date", "-", "months"): "date",
    ("time", "+", "duration"): "time",
    ("duration", "+", "time"): "time",
    ("time", "-", "duration"): "time",
    ("time", "-", "time"): "duration",
    ("text", "+", "text"): "text",
}
