"""Which operators an editor offers for a value of a type, under ids that fit into a form field, and
an example of what would pass and what would not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from tidegate.engine.form_operators import operators_for
from tidegate.engine.language import wording
from tidegate.engine.language.types import BOOLEAN, DURATION, NUMBER, TEXT, Type
from tidegate.services.view_names import Words

DAY_NAMES = {
    "Mon": {"zh": "周一", "en": "Monday"},
    "Tue": {"zh": "周二", "en": "Tuesday"},
    "Wed": {"zh": "周三", "en": "Wednesday"},
    "Thu": {"zh": "周四", "en": "Thursday"},
    "Fri": {"zh": "周五", "en": "Friday"},
    "Sat": {"zh": "周六", "en": "Saturday"},
    "Sun": {"zh": "周日", "en": "Sunday"},
}
WORDS = ("contains", "list_contains")


@dataclass(frozen=True, slots=True)
class Offer:
    """One operator. `takes`: value, range, tests, words, calendar or nothing; `type` of the value.

    `wrap` goes around the subject: since, until, count, sum, weekday, hour. `every` of words: the
    subject is compared with each of a list of words.
    """

    id: str
    operator: str
    title: Words
    takes: str
    type: Type
    wrap: str = ""
    negated: bool = False
    words: str = ""  # some or no: over a list of words


@lru_cache(maxsize=500)
def offers(kind: Type) -> tuple[Offer, ...]:
    """The operators for a subject of this type, the usual ones first."""
    return tuple(_offers(kind))


def offer(kind: Type, name: str) -> Offer | None:
    return next((one for one in (*offers(kind), *_rare(kind)) if one.id == name), None)


def offer_id(operator: str, wrap: str = "", negated: bool = False, words: str = "") -> str:
    """`not-since:>` and the like."""
    front = f"{words}:" if words else f"{wrap}:" if wrap else ""
    return f"{'not-' if negated else ''}{front}{operator}"


def _offers(kind: Type) -> Iterator[Offer]:
    spans = kind.kind == "instant"
    if spans:
        yield from _elapsed()
    for spec in operators_for(kind):
        if spec["takes"] == "conditions" or (spans and spec.get("wrap")):
            continue
        yield _offer(spec, kind)
    if kind.kind in ("text", "any") and not kind.values:
        yield _words("some", "contains", "包含任意一个", "contains any of")
        yield _words("no", "contains", "一个也不包含", "contains none of")
    if kind.kind == "list" and kind.member and kind.member.kind == "text":
        yield _words("some", "list_contains", "含有任意一个", "has any of")
        yield _words("no", "list_contains", "一个也没有", "has none of")
    if spans:
        yield from _of_day()


def _offer(spec: dict[str, object], kind: Type) -> Offer:
    wrap, negated = str(spec.get("wrap", "")), bool(spec.get("negated"))
    operator = str(spec["operator"])
    wanted = _value_type(kind, wrap)
    takes = str(spec["takes"])
    title = {"zh": str(spec["zh"]), "en": str(spec["en"])}
    if wrap == "count":
        title = {
            ">=": {"zh": "至少有几个", "en": "has at least"},
            "<=": {"zh": "最多有几个", "en": "has at most"},
            "=": {"zh": "正好有几个", "en": "has exactly"},
        }[operator]
    name = offer_id("within" if takes == "calendar" else operator, wrap, negated)
    return Offer(name, operator, title, takes, wanted, wrap, negated)


def _value_type(kind: Type, wrap: str) -> Type:
    if wrap in ("since", "until"):
        return DURATION
    if wrap in ("count", "hour"):
        return NUMBER
    return (kind.member or TEXT) if kind.kind == "list" else kind


def _elapsed() -> Iterator[Offer]:
    words = (
        ("since", ">=", "距今至少", "is at least this long ago:"),
        ("since", ">", "距今超过", "is longer ago than"),
        ("since", "<", "距今不到", "is less long ago than"),
        ("since", "<=", "距今不超过", "is at most this long ago:"),
        ("until", "<", "还有不到", "is less time away than"),
        ("until", "<=", "还有不超过", "is at most this far away:"),
        ("until", ">", "还有超过", "is more time away than"),
        ("until", ">=", "至少还有", "is at least this far away:"),
    )
    for wrap, operator, zh, en in words:
        title = {"zh": zh, "en": en}
        yield Offer(offer_id(operator, wrap), operator, title, "value", DURATION, wrap)


def _of_day() -> Iterator[Offer]:
    days = replace(TEXT, values=tuple(DAY_NAMES))
    for negated, zh, en in ((False, "是在星期", "is on a"), (True, "不在星期", "is not on a")):
        name = offer_id("in", "weekday", negated)
        yield Offer(name, "in", {"zh": zh, "en": en}, "tests", days, "weekday", negated)
    for operator, zh, en in (
        (">=", "钟点不早于（时）", "is at this hour or later:"),
        ("<", "钟点早于（时）", "is before the hour"),
    ):
        title = {"zh": zh, "en": en}
        yield Offer(offer_id(operator, "hour"), operator, title, "value", NUMBER, "hour")
    between = {"zh": "钟点在…之间（时）", "en": "is between the hours"}
    yield Offer(offer_id("between", "hour"), "between", between, "range", NUMBER, "hour")


def _words(which: str, operator: str, zh: str, en: str) -> Offer:
    name = offer_id(operator, words=which)
    return Offer(name, operator, {"zh": zh, "en": en}, "words", TEXT, words=which)


def _rare(kind: Type) -> Iterator[Offer]:
    """Read when written by hand, but not offered: there is a plainer one."""
    for operator in wording.SIGNS:
        zh, en = wording.comparison(operator, kind.kind)
        title = {"zh": zh, "en": en}
        yield Offer(offer_id(operator), operator, title, "value", kind)
        yield Offer(
            offer_id(operator, "count"), operator, _number(operator), "value", NUMBER, "count"
        )
        yield Offer(
            offer_id(operator, "hour"), operator, _number(operator), "value", NUMBER, "hour"
        )
    if kind.kind != "boolean":
        yield Offer("holds", "holds", {"zh": "成立", "en": "holds"}, "nothing", BOOLEAN)


def _number(operator: str) -> Words:
    zh, en = wording.comparison(operator, "number")
    return {"zh": f"个数{zh}", "en": f"count {en}"}


def default_offer(kind: Type) -> str:
    """What a fresh condition starts with."""
    found: Sequence[Offer] = offers(kind)
    first = {"number": ">=", "money": ">=", "instant": "since:>=", "duration": ">="}
    wanted = first.get(kind.kind, "")
    return wanted if any(one.id == wanted for one in found) else found[0].id


# examples

_BELOW = {"<": (-1, 0), "<=": (0, 1), ">": (1, 0), ">=": (0, -1), "=": (0, 1), "!=": (1, 0)}


def example(found: Offer, text: str) -> tuple[str, str] | None:
    """What would pass and what would not, for a plain number, amount or span; None otherwise."""
    if found.takes != "value" or found.type.kind not in ("number", "money", "duration"):
        return None
    try:
        value = Decimal(text.replace(",", ""))
    except InvalidOperation:
        return None
    if not value.is_finite() or abs(value.adjusted()) > 12 or found.operator not in _BELOW:
        return None
    step = Decimal("0.01") if found.type.kind == "money" else Decimal(1)
    passes, fails = (f"{value + step * n:,f}" for n in _BELOW[found.operator])
    return passes, fails
