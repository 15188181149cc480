"""Fact documents for `rules decide`: one JSON object, a list of them, or JSON lines.

Decimals stay exact.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any, NoReturn

from tidegate.engine.problems import hint, nearest
from tidegate.engine.rulesets import RuleSet
from tidegate.errors import InputError

LINES = (".jsonl", ".ndjson", ".jl")


@dataclass(frozen=True, slots=True)
class Subject:
    """One document, or what is wrong with it; `place` is `facts.jsonl:12` or `facts.json[3]`."""

    place: str
    facts: Mapping[str, Any]
    error: InputError | None = None


@dataclass(frozen=True, slots=True)
class FactFile:
    """`many` is whether the answer is a list. Subjects of JSON lines are read one by one, each time
    they are gone through, so that a large file does not stand in memory as objects.
    """

    subjects: Collection[Subject]
    many: bool


class Lines(Collection[Subject]):
    """The subjects of JSON lines; empty lines are passed over."""

    def __init__(self, text: str, label: str) -> None:
        self._raw = text.encode()
        self._label = label

    def __len__(self) -> int:
        return sum(1 for line in BytesIO(self._raw) if line.strip())

    def __contains__(self, one: object) -> bool:
        return any(one == subject for subject in self)

    def __iter__(self) -> Iterator[Subject]:
        for number, line in enumerate(BytesIO(self._raw), 1):
            if line.strip():
                yield _of_line(line.decode(), f"{self._label}:{number}")


def read_facts(name: str) -> FactFile:
    """The documents of a file, or of standard input for `-`.

    Raises:
        InputError: it can't be read, holds nothing, or (as one document) is no JSON.
    """
    text = _text(name)
    label = "stdin" if name == "-" else name
    if not text.strip():
        raise _wrong("facts.empty", label, "里没有内容", "holds nothing")
    if Path(name).suffix.lower() in LINES:
        return FactFile(Lines(text, label), True)
    try:
        return _whole(_parse(text), label)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and _first_line_is_object(text):
            return FactFile(Lines(text, label), True)
        raise _syntax(f"{label}:{error.lineno}:{error.colno}", error.msg) from error
    except (_Refused, RecursionError) as error:
        raise _syntax(label, _said(error)) from error


def strange_facts(facts: Mapping[str, Any], ruleset: RuleSet) -> list[tuple[str, str]]:
    """Names the vocabulary doesn't have, as (zh, en) sentences: most likely typing errors."""
    vocabulary = ruleset.vocabulary
    found = []
    for group, value in facts.items():
        if group not in vocabulary.groups and group != "custom":
            tip = hint(nearest(group, vocabulary.groups))
            found.append((f"没有事实组 {group}{tip[0]}", f"there is no fact group {group}{tip[1]}"))
            continue
        each = vocabulary.groups[group].each if group in vocabulary.groups else ""
        rows = value if each and isinstance(value, list) else [value]
        for name in dict.fromkeys(key for row in rows if isinstance(row, Mapping) for key in row):
            fact = f"{each or group}.{name}"
            if fact not in vocabulary.facts and fact not in ruleset.fields:
                tip = hint(nearest(fact, [*vocabulary.facts, *ruleset.fields]))
                found.append((f"没有事实 {fact}{tip[0]}", f"there is no fact {fact}{tip[1]}"))
    return found


class _Refused(ValueError):
    """Valid for Python's reader, not for us; args are the sentence in zh and en."""


def _text(name: str) -> str:
    try:
        raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        what = error.strerror or "?"
        zh, en = f"读不了（{what}）；检查路径", f"can't be read ({what}); check the path"
        raise _wrong("facts.unreadable", name, zh, en) from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        zh, en = "不是 UTF-8；请另存为 UTF-8", "isn't UTF-8; save it as UTF-8"
        raise _wrong("facts.encoding", name, zh, en) from error


def _parse(text: str) -> Any:
    return json.loads(
        text, parse_float=Decimal, parse_constant=_not_a_number, object_pairs_hook=_pairs
    )


def _not_a_number(word: str) -> NoReturn:
    raise _Refused(
        f"{word} 不是数；未知请写 null", f"{word} isn't a number; write null for unknown"
    )


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Refused(f"键 {twice} 出现两次；留一个", f"the key {twice} stands twice; keep one")
    return found


def _whole(document: Any, label: str) -> FactFile:
    if isinstance(document, dict):
        return FactFile([Subject(label, document)], False)
    if isinstance(document, list) and document:
        return FactFile(
            [_subject(value, f"{label}[{n}]") for n, value in enumerate(document, 1)], True
        )
    zh = "应为一个对象（{…}）、对象的列表，或 JSON lines"
    raise _wrong(
        "facts.shape", label, zh, "should be one object ({…}), a list of them, or JSON lines"
    )


def _of_line(line: str, place: str) -> Subject:
    try:
        return _subject(_parse(line), place)
    except json.JSONDecodeError as error:
        return Subject(place, {}, _syntax(f"{place}:{error.colno}", error.msg))
    except (_Refused, RecursionError, ValueError) as error:
        return Subject(place, {}, _syntax(place, _said(error)))


def _subject(value: Any, place: str) -> Subject:
    if isinstance(value, dict):
        return Subject(place, value)
    wrong = _wrong("facts.shape", place, "应为对象（{…}）", "should be an object ({…})")
    return Subject(place, {}, wrong)


def _first_line_is_object(text: str) -> bool:
    try:
        return isinstance(_parse(text.strip().split("\n")[0]), dict)
    except (ValueError, RecursionError):
        return False


def _said(error: Exception) -> tuple[str, str]:
    if isinstance(error, _Refused):
        return str(error.args[0]), str(error.args[1])
    if isinstance(error, RecursionError):
        return "嵌套过深", "it is nested too deeply"
    return "数字过长", "a number is too long"


def _syntax(place: str, what: str | tuple[str, str]) -> InputError:
    zh, en = (what, what) if isinstance(what, str) else what
    return _wrong(
        "facts.syntax",
        place,
        f"不是有效的 JSON（{zh}）；检查引号、逗号和括号",
        f"isn't valid JSON ({en}); check quotes, commas and brackets",
    )


def _wrong(code: str, place: str, zh: str, en: str) -> InputError:
    shown = "标准输入" if place == "-" else place
    return InputError(
        code, zh=f"事实文件 {shown} {zh}。", en=f"The fact file {place} {en}.", file=place
    )
