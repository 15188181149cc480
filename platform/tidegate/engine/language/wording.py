"""The words of the language in Chinese and English: operators by type, functions, amounts of time
and money. `sentences` makes conditions from them, `operators` the editor's choices.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from tidegate.engine.values import DAY, HOUR, MINUTE, Money, Months, decimal_text

Pair = tuple[str, str]
SIGNS = ("=", "!=", "<", "<=", ">", ">=")
SWAPPED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
OPPOSITE = {"=": "!=", "!=": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_NUMBERS: Mapping[str, Pair] = {
    "=": ("等于", "is"),
    "!=": ("不等于", "is not"),
    "<": ("小于", "is less than"),
    "<=": ("不超过", "is at most"),
    ">": ("大于", "is more than"),
    ">=": ("不少于", "is at least"),
}
_TEXTS = {
    **_NUMBERS,
    "=": ("是", "is"),
    "!=": ("不是", "is not"),
    "<": ("按字母排在前面于", "sorts before"),
    "<=": ("按字母不排在后面于", "does not sort after"),
    ">": ("按字母排在后面于", "sorts after"),
    ">=": ("按字母不排在前面于", "does not sort before"),
}
_MOMENTS = {
    "=": ("是", "is"),
    "!=": ("不是", "is not"),
    "<": ("早于", "is before"),
    "<=": ("不晚于", "is no later than"),
    ">": ("晚于", "is after"),
    ">=": ("不早于", "is no earlier than"),
}
_SPANS = {
    "=": ("正好是", "is exactly"),
    "!=": ("不是正好", "is not exactly"),
    "<": ("不到", "is less than"),
    "<=": ("不超过", "is at most"),
    ">": ("超过", "is more than"),
    ">=": ("至少", "is at least"),
}
_BY_KIND = {
    **dict.fromkeys(("text", "boolean", "list", "line"), _TEXTS),
    **dict.fromkeys(("instant", "date", "time"), _MOMENTS),
    **dict.fromkeys(("duration", "months"), _SPANS),
}
# how long ago, how long until: {0} the moment, {1} the span
SINCE: Mapping[str, Pair] = {
    "=": ("{0}距今正好{1}", "{0} is exactly {1} ago"),
    "!=": ("{0}距今不是正好{1}", "{0} is not exactly {1} ago"),
    "<": ("{0}距今不到{1}", "{0} is less than {1} ago"),
    "<=": ("{0}距今不超过{1}", "{0} is at most {1} ago"),
    ">": ("{0}距今超过{1}", "{0} is more than {1} ago"),
    ">=": ("{0}距今至少{1}", "{0} is at least {1} ago"),
}
UNTIL: Mapping[str, Pair] = {
    "=": ("距{0}正好还有{1}", "exactly {1} is left until {0}"),
    "!=": ("距{0}不是正好还有{1}", "not exactly {1} is left until {0}"),
    "<": ("距{0}不到{1}", "less than {1} is left until {0}"),
    "<=": ("距{0}不超过{1}", "at most {1} is left until {0}"),
    ">": ("距{0}还有超过{1}", "more than {1} is left until {0}"),
    ">=": ("距{0}至少还有{1}", "at least {1} is left until {0}"),
}
# how many lines: {0} the line, {1} the condition, {2} the number
COUNTS: Mapping[str, Pair] = {
    "=": ("正好有 {2} 个{0}满足：{1}", "for exactly {2} of the {0}, {1}"),
    "!=": ("满足条件的{0}不是 {2} 个：{1}", "for a number of the {0} other than {2}, {1}"),
    "<": ("满足条件的{0}不到 {2} 个：{1}", "for fewer than {2} of the {0}, {1}"),
    "<=": ("最多有 {2} 个{0}满足：{1}", "for at most {2} of the {0}, {1}"),
    ">": ("有超过 {2} 个{0}满足：{1}", "for more than {2} of the {0}, {1}"),
    ">=": ("至少有 {2} 个{0}满足：{1}", "for at least {2} of the {0}, {1}"),
}
QUANTIFIERS: Mapping[str, Pair] = {
    "some": ("至少有一个{0}满足：{1}", "for at least one {0}, {1}"),
    "every": ("每个{0}都满足：{1}", "for every {0}, {1}"),
    "no": ("没有{0}满足：{1}", "for no {0}, {1}"),
}
# {0} the text, {1} the part; and the opposite
TEXT_TESTS: Mapping[str, tuple[Pair, Pair]] = {
    "contains": (("{0}包含{1}", "{0} contains {1}"), ("{0}不包含{1}", "{0} does not contain {1}")),
    "list_contains": (
        ("{0}包含{1}", "{0} contains {1}"),
        ("{0}不包含{1}", "{0} does not contain {1}"),
    ),
    "starts_with": (
        ("{0}以{1}开头", "{0} starts with {1}"),
        ("{0}不以{1}开头", "{0} does not start with {1}"),
    ),
    "ends_with": (
        ("{0}以{1}结尾", "{0} ends with {1}"),
        ("{0}不以{1}结尾", "{0} does not end with {1}"),
    ),
    "matches": (
        ("{0}形如{1}", "{0} looks like {1}"),
        ("{0}不形如{1}", "{0} does not look like {1}"),
    ),
}
FUNCTIONS: Mapping[str, Pair] = {
    "exact": ("{0}（逐字）", "exactly {0}"),
    "count": ("{0}的个数", "the number of {0}"),
    "sum": ("{0}之和", "the sum of {0}"),
    "min": ("{0}中最小的", "the smallest of {0}"),
    "max": ("{0}中最大的", "the largest of {0}"),
    "distinct": ("不重复的{0}", "distinct {0}"),
    "since": ("{0}至今的时长", "the time since {0}"),
    "until": ("至{0}的时长", "the time until {0}"),
    "weekday": ("{0}是星期几", "the weekday of {0}"),
    "date": ("{0}的日期", "the date of {0}"),
    "hour": ("{0}的钟点数", "the hour of {0}"),
    "coalesce": ("{0}（空缺时用{1}）", "{0} (or {1} if missing)"),
    "lower_case": ("小写的{0}", "{0} in lower case"),
    "upper_case": ("大写的{0}", "{0} in upper case"),
    "trim": ("去掉首尾空格的{0}", "{0} without spaces around it"),
    "string_length": ("{0}的字数", "the length of {0}"),
    "substring": ("{0}从第{1}个字起的部分", "{0} from character {1} on"),
    "substring_before": ("{0}中{1}之前的部分", "the part of {0} before {1}"),
    "substring_after": ("{0}中{1}之后的部分", "the part of {0} after {1}"),
    "replace": ("把{0}中的{1}换成{2}", "{0} with {1} replaced by {2}"),
    "split": ("按{1}拆开的{0}", "{0} split at {1}"),
    "string_join": ("用{1}连起来的{0}", "{0} joined with {1}"),
    "string": ("{0}的文字写法", "{0} as text"),
    "number": ("{0}所写的数字", "the number in {0}"),
    "mean": ("{0}的平均值", "the mean of {0}"),
    "median": ("{0}的中位数", "the median of {0}"),
    "all": ("{0}全部成立", "all of {0} hold"),
    "any": ("{0}至少一个成立", "any of {0} holds"),
    "concatenate": ("{0}与{1}合并", "{0} and {1} together"),
    "append": ("{0}再加上{1}", "{0} with {1} added"),
    "reverse": ("倒序的{0}", "{0} in reverse"),
    "index_of": ("{1}在{0}中的位置", "the positions of {1} in {0}"),
    "element": ("{0}的第{1}个", "number {1} of {0}"),
    "abs": ("{0}的绝对值", "the size of {0}"),
    "round": ("四舍五入的{0}", "{0} rounded"),
    "round_half_up": ("四舍五入的{0}", "{0} rounded half up"),
    "round_half_down": ("五舍六入的{0}", "{0} rounded half down"),
    "round_up": ("进位取整的{0}", "{0} rounded up"),
    "round_down": ("去尾取整的{0}", "{0} rounded down"),
    "decimal": ("四舍六入五成双的{0}", "{0} rounded half to even"),
    "floor": ("向下取整的{0}", "{0} rounded to the floor"),
    "ceiling": ("向上取整的{0}", "{0} rounded to the ceiling"),
    "modulo": ("{0}除以{1}的余数", "{0} modulo {1}"),
    "odd": ("{0}是奇数", "{0} is odd"),
    "even": ("{0}是偶数", "{0} is even"),
    "time": ("{0}的钟点", "the time of day of {0}"),
    "date_and_time": ("{0} {1}", "{0} {1}"),
    "minute": ("{0}的分钟数", "the minute of {0}"),
    "second": ("{0}的秒数", "the second of {0}"),
    "day": ("{0}的日子（几号）", "the day of the month of {0}"),
    "month": ("{0}的月份", "the month of {0}"),
    "year": ("{0}的年份", "the year of {0}"),
    "weekday_number": ("{0}是一周的第几天", "the number of the weekday of {0}"),
    "day_of_week": ("{0}是星期几", "the weekday of {0}"),
    "day_of_year": ("{0}是一年的第几天", "the day of the year of {0}"),
    "week_of_year": ("{0}是一年的第几周", "the week of the year of {0}"),
    "month_of_year": ("{0}的月份", "the month of {0}"),
    "years_and_months_duration": (
        "从{0}到{1}的整年整月",
        "the full years and months from {0} to {1}",
    ),
    "years": ("{0}的整年数", "the full years of {0}"),
    "months": ("{0}满年之外的月数", "the months of {0} beyond full years"),
}
# what an argument that may be left out adds
MORE: Mapping[str, Pair] = {
    "substring": ("，取{2}个字", ", {2} characters of it"),
    "decimal": ("（保留{1}位小数）", " to {1} decimals"),
    **dict.fromkeys(
        ("round", "round_half_up", "round_half_down", "round_up", "round_down", "floor", "ceiling"),
        ("（保留{1}位小数）", " to {1} decimals"),
    ),
}
_WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WEEK_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WEEKDAYS: Mapping[str, Pair] = {
    name: (f"星期{zh}", en)
    for names in (_WEEK, _WEEK_EN)
    for name, zh, en in zip(names, "一二三四五六日", _WEEK_EN, strict=True)
}
_CJK = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
_LATIN = re.compile(r"[A-Za-z0-9%]")


def comparison(op: str, kind: str) -> Pair:
    """The operator in words, for values of this type."""
    return _BY_KIND.get(kind, _NUMBERS)[op]


def join(*parts: str) -> str:
    """Chinese with a space wherever it meets letters or digits."""
    text = ""
    for part in parts:
        if text and part and _gap(text[-1], part[0]):
            text += " "
        text += part
    return text


def _gap(left: str, right: str) -> bool:
    return bool(
        (_CJK.match(left) and _LATIN.match(right)) or (_LATIN.match(left) and _CJK.match(right))
    )


def fill(pattern: str, args: tuple[str, ...] | list[str], chinese: bool) -> str:
    """The pattern with its places filled; in Chinese with spaces where they belong."""
    if not chinese:
        return pattern.format(*args)
    pieces = re.split(r"\s*\{(\d)\}\s*", pattern)
    return join(*(args[int(piece)] if n % 2 else piece for n, piece in enumerate(pieces)))


def constant(value: object, chinese: bool) -> str:
    """A value as people write it."""
    if value is None:
        return "空值" if chinese else "nothing"
    if isinstance(value, bool):
        return ("是" if value else "否") if chinese else ("yes" if value else "no")
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, Money):
        unit = "元" if chinese and value.currency == "CNY" else value.currency
        return f"{value.amount:f} {unit}"
    if isinstance(value, timedelta):
        return span(value, chinese)
    if isinstance(value, Months):
        return months(value, chinese)
    if isinstance(value, datetime):
        precise = value.second or value.microsecond
        return value.strftime("%Y-%m-%d %H:%M:%S UTC" if precise else "%Y-%m-%d %H:%M UTC")
    if isinstance(value, time):
        return value.isoformat("auto" if value.second or value.microsecond else "minutes")
    if isinstance(value, date):
        return value.isoformat()
    return f"“{value}”"


def span(value: timedelta, chinese: bool) -> str:
    """Hours up to three days, then days, with what is left in smaller units."""
    if value < timedelta(0):
        return ("负 " if chinese else "minus ") + span(-value, chinese)
    largest = DAY if value >= 3 * DAY else HOUR
    names = {
        DAY: ("天", "day"),
        HOUR: ("小时", "hour"),
        MINUTE: ("分钟", "minute"),
    }
    parts: list[str] = []
    for size, (zh, en) in names.items():
        if size <= largest:
            count, value = divmod(value, size)
            if count:
                parts.append(f"{count} {zh}" if chinese else f"{count} {en}{'s' * (count != 1)}")
    if value or not parts:
        seconds = decimal_text(Decimal(value // timedelta(microseconds=1)) / 1_000_000)
        parts.append(f"{seconds} 秒" if chinese else f"{seconds} second{'s' * (seconds != '1')}")
    return " ".join(parts)


def months(value: Months, chinese: bool) -> str:
    years, rest = divmod(abs(value.count), 12)
    sign = ("负 " if chinese else "minus ") if value.count < 0 else ""
    if chinese:
        parts = [f"{years} 年"] * bool(years) + [f"{rest} 个月"] * bool(rest or not years)
    else:
        parts = [f"{years} year{'s' * (years != 1)}"] * bool(years)
        parts += [f"{rest} month{'s' * (rest != 1)}"] * bool(rest or not years)
    return sign + " ".join(parts)
