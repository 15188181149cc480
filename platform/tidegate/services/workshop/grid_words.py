"""A cell in the reader's words: ≥ 1,000, 500 起，不到 2,000, 一律, chips for lists and named thresholds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from tidegate.engine.forms import cell_form
from tidegate.engine.language.rendering import literal_text
from tidegate.engine.rulesets import RuleSet
from tidegate.errors import TidegateError
from tidegate.services.view_names import Words, same

MANY = 6  # more single values than these are counted
_SIGNS = {">=": "≥", "<=": "≤", "!=": "≠", "=": "=", "<": "<", ">": ">"}
_ANY: Words = {"zh": "一律", "en": "Any"}


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a cell. `kind`: any, text, chip (one value), named (a threshold, a list), code."""

    kind: str
    words: Words
    value: str = ""  # as the language writes it


def cell_parts(text: str, ruleset: RuleSet, currency: str) -> tuple[Part, ...]:
    """The cell for people; what has no shape of its own is shown as it is written."""
    try:
        form = cell_form(text)
    except TidegateError:
        return (Part("code", same(text), text),)
    if form.get("any"):
        return (Part("any", _ANY, "-"),)
    speaker = _Speaker(ruleset, currency)
    found = tuple(speaker.tests(form["tests"]))
    if any(part.kind == "code" for part in found):
        return (Part("code", same(text), text),)
    if form.get("negated"):
        return (_text("除", "All but"), *found, *((_text("外", ""),)))
    return found


def spoken(parts: Sequence[Part], lang: str) -> str:
    """The parts in one line."""
    words = [part.words[lang] for part in parts if part.words[lang]]
    chips = [part for part in parts if part.kind == "chip"]
    if len(chips) == len(parts):
        return ("、" if lang == "zh" else ", ").join(words)
    return " ".join(words)


def constant_words(value: object, ruleset: RuleSet, currency: str) -> Words:
    """A value of the engine as a cell would say it."""
    if isinstance(value, bool):
        return {"zh": "是" if value else "否", "en": "Yes" if value else "No"}
    if isinstance(value, str):
        return dict(ruleset.vocabulary.reasons.get(value) or same(value))
    return same(_digits(literal_text(value), currency))


class _Speaker:
    def __init__(self, ruleset: RuleSet, currency: str) -> None:
        self.ruleset = ruleset
        self.currency = currency

    def tests(self, tests: Sequence[Mapping[str, Any]]) -> Iterator[Part]:
        singles = [test for test in tests if "is" in test]
        many = len(singles) > MANY and len(singles) == len(tests)
        for test in singles[:3] if many else tests:
            yield from self._test(test)
        if many:
            count = len(tests)
            yield _text(f"等 {count} 个", f"and {count - 3} more")

    def _test(self, test: Mapping[str, Any]) -> Iterator[Part]:
        if "is" in test:
            yield self._value(test["is"], chip=True)
        elif "operator" in test:
            yield _text(_SIGNS[test["operator"]], _SIGNS[test["operator"]])
            yield self._value(test["value"])
        elif "low" in test:
            yield from self._range(test)
        elif test.get("condition", {}).get("subject") == {"input": True}:
            operator = test["condition"]["operator"]
            known = {"is_missing": ("不知道", "Unknown"), "is_present": ("已知", "Known")}
            yield _text(*known[operator]) if operator in known else _code()
        else:
            yield _code()

    def _range(self, test: Mapping[str, Any]) -> Iterator[Part]:
        low, high = self._value(test["low"]), self._value(test["high"])
        closed = (test.get("low_closed", True), test.get("high_closed", True))
        joints = {
            (True, False): (("起，不到", ""), ("to under", "")),
            (True, True): (("到", ""), ("to", "")),
            (False, True): (("以上，到", ""), ("(excl.) to", "")),
            (False, False): (("以上，不到", ""), ("(excl.) to under", "")),
        }
        (zh, _), (en, _) = joints[closed]
        if "named" in (low.kind, high.kind):
            yield from (low, _text(zh, en), high)
            return
        words = {
            lang: f"{low.words[lang]} {joint} {high.words[lang]}"
            for lang, joint in (("zh", zh), ("en", en))
        }
        yield Part("code" if "code" in (low.kind, high.kind) else "text", words)

    def _value(self, form: Mapping[str, Any], chip: bool = False) -> Part:
        if "name" in form and len(form) == 1:
            return self._named(str(form["name"]))
        if "value" not in form or "type" not in form:
            return _code()
        kind, value = form["type"], form["value"]
        if kind == "boolean":
            words = {"zh": "是" if value else "否", "en": "Yes" if value else "No"}
            return Part("text", words, "true" if value else "false")
        if kind == "text":
            known = self.ruleset.vocabulary.reasons.get(str(value)) or same(str(value))
            return Part("chip" if chip else "text", dict(known), str(value))
        return Part("text", same(_digits(str(value), self.currency)), str(value))

    def _named(self, name: str) -> Part:
        parameter, listed = self.ruleset.parameters.get(name), self.ruleset.lists.get(name)
        if parameter is not None:
            said = constant_words(parameter.value, self.ruleset, self.currency)
            return Part("named", {k: f"{parameter.title[k]} {said[k]}" for k in ("zh", "en")}, name)
        if listed is not None:
            count = len(listed.values)
            zh, en = f"{listed.title['zh']}，{count} 个", f"{listed.title['en']}, {count}"
            return Part("named", {"zh": zh, "en": en}, name)
        derived = self.ruleset.derive.get(name)
        calendar = self.ruleset.vocabulary.calendars.get(name)
        title = derived.title if derived else calendar.title if calendar else None
        return Part("named", dict(title), name) if title else _code()


def _digits(text: str, currency: str) -> str:
    """1000 CNY as 1,000 where CNY is what everybody uses here."""
    number, _, unit = text.partition(" ")
    try:
        shown = f"{Decimal(number):,}"
    except InvalidOperation:
        return text
    return shown if not unit or unit == currency else f"{shown} {unit}"


def _text(zh: str, en: str) -> Part:
    return Part("text", {"zh": zh, "en": en})


def _code() -> Part:
    return Part("code", same(""))
