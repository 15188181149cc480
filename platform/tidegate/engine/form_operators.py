"""Which operators an editor offers for a value, by its type, with their names in Chinese and
English: plain JSON, made from the words the sentences use.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tidegate.engine.language import wording
from tidegate.engine.language.types import BOOLEAN, DURATION, NUMBER, ORDERED, TEXT, Type
from tidegate.engine.language.wording import Pair

_Words = tuple[str, str]
_SINCE = {">": ("距今超过", "is longer ago than"), "<": ("距今不到", "is less long ago than")}
_UNTIL = {"<": ("还有不到", "is less time away than"), ">": ("还有超过", "is more time away than")}
_COUNTS = {
    ">=": ("满足条件的至少有", "has at least this many that"),
    "<=": ("满足条件的最多有", "has at most this many that"),
    "=": ("满足条件的正好有", "has exactly this many that"),
}
_SUMS = {">": ("之和大于", "add up to more than"), "<": ("之和小于", "add up to less than")}
_QUANTIFIERS = {
    "some": ("至少有一个满足", "has one that"),
    "every": ("每个都满足", "has only such that"),
    "no": ("没有一个满足", "has none that"),
}


def operators_for(kind: Type) -> list[dict[str, Any]]:
    """The operators for a subject of this type, the usual ones first.

    Each has `operator` and perhaps `negated` as in a form, `zh` and `en`, and what it `takes`: a
    value (of `type`), a range, tests, conditions on each element, a calendar, or nothing. With
    `wrap` the subject is put into `{"since": …}`, `{"until": …}`, `{"count": …}` or a `sum`.
    """
    return list(_operators(kind))


def type_form(kind: Type) -> dict[str, Any]:
    """A type as JSON: its kind, and the unit, possible values, list or member where it has them."""
    found: dict[str, Any] = {"kind": kind.kind, "zh": kind.named(True), "en": kind.named(False)}
    found |= {"unit": kind.unit} if kind.unit else {}
    found |= {"values": list(kind.values)} if kind.values else {}
    found |= {"line": kind.line} if kind.line else {}
    return found | ({"member": type_form(kind.member)} if kind.member else {})


def _operators(kind: Type) -> Iterator[dict[str, Any]]:
    if kind.kind == "boolean":
        yield _one("holds", ("为“是”", "is “yes”"), "nothing")
        yield _one("holds", ("为“否”", "is “no”"), "nothing", negated=True)
    elif kind.kind == "list":
        yield from _of_list(kind.member or TEXT)
    elif kind.kind in (*ORDERED, "months"):
        yield from _of_value(kind)
    yield _one("is_missing", _phrase(("{0}为空", "{0} is missing")), "nothing")
    yield _one("is_present", _phrase(("{0}不为空", "{0} is known")), "nothing")


def _of_value(kind: Type) -> Iterator[dict[str, Any]]:
    if kind.kind == "instant":
        for wrap, words in (("since", _SINCE), ("until", _UNTIL)):
            for op, names in words.items():
                yield _one(op, names, "value", DURATION, wrap=wrap)
        yield _one("in", ("在工作时间内", "is within working time"), "calendar")
        yield _one("in", ("不在工作时间内", "is outside of working time"), "calendar", negated=True)
    signs = ("=", "!=") if kind.values else wording.SIGNS if kind.kind != "text" else ("=", "!=")
    for op in signs:
        yield _one(op, wording.comparison(op, kind.kind), "value", kind)
    if kind.kind == "text" and not kind.values:
        for name, (does, does_not) in wording.TEXT_TESTS.items():
            if name != "list_contains":
                yield _one(name, _phrase(does), "value", TEXT)
                yield _one(name, _phrase(does_not), "value", TEXT, negated=True)
    yield _one("in", ("是其中之一", "is one of"), "tests", kind)
    yield _one("in", ("不是其中任何一个", "is none of"), "tests", kind, negated=True)
    if not kind.values and kind.kind != "text":
        yield _one("between", ("在…之间", "is between"), "range", kind)


def _of_list(member: Type) -> Iterator[dict[str, Any]]:
    if member.kind == "text":
        does, does_not = wording.TEXT_TESTS["list_contains"]
        yield _one("list_contains", _phrase(does), "value", member)
        yield _one("list_contains", _phrase(does_not), "value", member, negated=True)
    for name, words in _QUANTIFIERS.items():
        yield _one(name, words, "conditions", member)
    for op, words in _COUNTS.items():
        yield _one(op, words, "value", NUMBER, wrap="count")
    if member.kind in ("number", "money", "duration"):
        for op, words in _SUMS.items():
            yield _one(op, words, "value", member, wrap="sum")


def _phrase(pair: Pair) -> _Words:
    """The words between the two places of a pattern."""
    zh, en = (text.replace("{0}", "").replace("{1}", "…").strip() for text in pair)
    return zh.removesuffix("…"), en.removesuffix("…").strip()


def _one(
    operator: str,
    words: _Words,
    takes: str,
    kind: Type = BOOLEAN,
    *,
    negated: bool = False,
    wrap: str = "",
) -> dict[str, Any]:
    found: dict[str, Any] = {"operator": operator, "zh": words[0], "en": words[1], "takes": takes}
    found |= {"negated": True} if negated else {}
    found |= {"wrap": wrap} if wrap else {}
    return found | (
        {"type": type_form(kind)} if takes in ("value", "range", "tests", "conditions") else {}
    )
