"""A fact document (nested JSON, as in tests, files and the database) read as typed values, each
once, on demand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from tidegate.engine.limits import MAX_FACT_TEXT, MAX_LINES, MAX_WINDOWS
from tidegate.engine.values import (
    parse_date,
    parse_decimal,
    parse_duration,
    parse_instant,
    parse_money,
)
from tidegate.engine.vocabulary import Fact, Vocabulary
from tidegate.errors import InputError

DEFAULT_CURRENCY = "CNY"


class Line:
    """One element of a list fact. `number` counts from 1."""

    __slots__ = ("_cache", "_document", "_facts", "each", "number")

    def __init__(self, facts: Facts, each: str, number: int, document: Mapping[str, Any]) -> None:
        self._facts = facts
        self._document = document
        self._cache: dict[str, object] = {}
        self.each = each
        self.number = number

    def get(self, field: str) -> object:
        if field not in self._cache:
            fact = self._facts.vocabulary.facts[f"{self.each}.{field}"]
            self._cache[field] = self._facts.read(
                fact, self._document.get(field), f" {self.number}"
            )
        return self._cache[field]

    def label(self) -> tuple[str, object]:
        """The fact that names the line to a person (the first of its group) and its value."""
        first = self._facts.vocabulary.naming[self.each]
        return first.id, self.get(first.field_name)


class Facts:
    """Typed access to one document. `written` overlays facts that the evaluation itself wrote
    (tags).
    """

    def __init__(
        self,
        document: Mapping[str, Any],
        vocabulary: Vocabulary,
        custom: Mapping[str, Fact],
        currency: str = "",
    ) -> None:
        self.document = document
        self.vocabulary = vocabulary
        self.custom = custom
        self.written: dict[str, object] = {}
        self._cache: dict[str, object] = {}
        own = self._raw("order.currency")
        self.currency = own if isinstance(own, str) and own else currency or DEFAULT_CURRENCY

    def get(self, name: str) -> object:
        """The value of a fact or a list; None when unknown. Raises InputError for a value of
        the wrong kind.
        """
        if name in self.written:
            return self.written[name]
        if name not in self._cache:
            self._cache[name] = self._load(name)
        return self._cache[name]

    def _load(self, name: str) -> object:
        fact = self.custom.get(name) or self.vocabulary.facts.get(name)
        if fact:
            return self.read(fact, self._raw(name))
        group = self.vocabulary.groups[name]
        rows = self.rows(name)
        if rows is None:
            return None
        if isinstance(rows, (list, tuple)) and len(rows) > MAX_LINES:
            raise _too_much(name, f"{MAX_LINES} 行", f"{MAX_LINES} lines")
        if not isinstance(rows, (list, tuple)) or not all(isinstance(row, Mapping) for row in rows):
            raise _bad(name, "由对象组成的列表", "a list of objects")
        return tuple(Line(self, group.each, number, row) for number, row in enumerate(rows, 1))

    def rows(self, name: str) -> Any:
        """A list as the document has it, under its own name or inside the group it is `of`."""
        found = self._raw(name)
        owner = self.vocabulary.groups[name].of
        return self._raw(f"{owner}.{name}") if found is None and owner else found

    def window(self, name: str, span: timedelta) -> object:
        """A windowed fact: one number for any window, or a map from window to number."""
        fact = self.custom.get(name) or self.vocabulary.facts[name]
        raw = self._raw(name)
        if isinstance(raw, Mapping):
            _bounded(name, raw)
            for key, value in raw.items():
                try:
                    if parse_duration(key) == span:
                        return self.read(fact, value)
                except ValueError:
                    raise _bad_windows(name) from None
            return None
        return self.read(fact, raw)

    def check(self, names: Iterable[str]) -> None:
        """Read these facts (of every line, for those of a list), so that a value of the wrong
        kind is refused whether or not a rule gets to it. Raises InputError.
        """
        lists = self.vocabulary.variables
        for name in names:
            fact = self.custom.get(name) or self.vocabulary.facts.get(name)
            if fact is None:
                if name in self.vocabulary.groups:
                    self.get(name)
            elif fact.window:
                self._check_windows(fact)
            elif fact.group in lists:
                for line in self.get(lists[fact.group]) or ():  # type: ignore[attr-defined]  # a list of Line
                    line.get(fact.field_name)
            else:
                self.get(name)

    def _check_windows(self, fact: Fact) -> None:
        raw = self._raw(fact.id)
        if not isinstance(raw, Mapping):
            self.read(fact, raw)
            return
        _bounded(fact.id, raw)
        for key, value in raw.items():
            try:
                parse_duration(key)
            except ValueError:
                raise _bad_windows(fact.id) from None
            self.read(fact, value)

    def _raw(self, name: str) -> Any:
        value: Any = self.document
        for part in name.split("."):
            if value is None:
                return None
            if not isinstance(value, Mapping):
                raise _bad(name.rpartition(".")[0], "对象", "an object")
            value = value.get(part)
        return value

    def read(self, fact: Fact, raw: object, line: str = "") -> object:
        """A raw JSON value as this fact's type."""
        if raw is None:
            return None
        _bounded(fact.id + line, raw)
        reader: Callable[[Any], object] = _READERS.get(fact.type) or partial(
            parse_money, currency=self.currency
        )
        try:
            return reader(raw)
        except (ValueError, TypeError, OverflowError):
            zh, en = _WANTED[fact.type]
            raise _bad(fact.id + line, zh, en) from None


def _bounded(name: str, raw: object) -> None:
    """Refuse what would take long to read or compare."""
    if isinstance(raw, Mapping) and len(raw) > MAX_WINDOWS:
        raise _too_much(name, f"{MAX_WINDOWS} 个时间窗", f"{MAX_WINDOWS} windows")
    parts = raw if isinstance(raw, (list, tuple)) else (raw,)
    if len(parts) > MAX_LINES:
        raise _too_much(name, f"{MAX_LINES} 项", f"{MAX_LINES} entries")
    if any(isinstance(part, str) and len(part) > MAX_FACT_TEXT for part in parts):
        raise _too_much(name, f"{MAX_FACT_TEXT} 个字符", f"{MAX_FACT_TEXT} characters")


def _too_much(name: str, zh: str, en: str) -> InputError:
    return InputError(
        "facts.too_much",
        zh=f"事实 {name} 超过 {zh}，规则不再判断；请检查来源",
        en=f"The fact {name} has more than {en}, which rules do not judge; check its source",
        fact=name,
    )


def _bad(name: str, zh: str, en: str) -> InputError:
    """The value itself is not shown: it may be personal."""
    return InputError(
        "facts.bad_value",
        zh=f"事实 {name} 的值不对，应为{zh}",
        en=f"The fact {name} should be {en}",
        fact=name,
    )


def _bad_windows(name: str) -> InputError:
    return _bad(name, "以时间窗（如 24h）为键的映射", "a map from windows such as 24h")


def _text(raw: Any) -> str:
    if isinstance(raw, bool) or not isinstance(raw, (str, int, Decimal)):
        raise ValueError("not text")
    return str(raw)


def _boolean(raw: Any) -> bool:
    if not isinstance(raw, bool):
        raise ValueError("not a boolean")
    return raw


def _texts(raw: Any) -> tuple[object, ...]:
    if not isinstance(raw, (list, tuple)):
        raise ValueError("not a list")
    return tuple(_text(member) for member in raw if member is not None)


_READERS: dict[str, Callable[[Any], object]] = {
    "text": _text,
    "choice": _text,
    "texts": _texts,
    "boolean": _boolean,
    "number": parse_decimal,
    "instant": parse_instant,
    "date": parse_date,
    "duration": parse_duration,
}
_WANTED = {
    "text": ("文字", "text"),
    "choice": ("文字", "text"),
    "texts": ("文字列表", "a list of texts"),
    "boolean": ("true 或 false", "true or false"),
    "number": ("十进制数", "a decimal number"),
    "money": ("金额，如 99.00 CNY", "money such as 99.00 CNY"),
    "instant": (
        "带时区偏移的时刻，如 2026-11-11T09:00:00+08:00",
        "an instant with offset, such as 2026-11-11T09:00:00+08:00",
    ),
    "date": ("日期，如 2026-11-11", "a date such as 2026-11-11"),
    "duration": ("时长，如 24h", "a duration such as 24h"),
}
