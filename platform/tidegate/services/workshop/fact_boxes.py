"""Facts as boxes of a form: only those a set reads, each typed, lines of goods one below the other.

A box is called by the path of its fact: `order.total`, `items.0.sku`, `history.similar_orders@24h`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tidegate.engine.rulesets import RuleSet
from tidegate.engine.values import (
    duration_text,
    parse_decimal,
    parse_duration,
    parse_instant,
    parse_money,
    plain,
)
from tidegate.engine.vocabulary import Fact
from tidegate.errors import InputError
from tidegate.services.view_names import Words

LINES = 2  # lines of a list that a form offers at least
MOST = 20
PREFIX = "f."
YES, NO = "true", "false"
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Box:
    """`held`: there is a value that is not shown, since it is personal; left empty it stays."""

    name: str
    label: Words
    type: str
    unit: str
    sample: str
    choices: Sequence[str]
    value: str
    held: bool = False
    wrong: Words | None = None


@dataclass(frozen=True, slots=True)
class BoxGroup:
    """`line` counts the lines of a list from 1; 0 for a group that is none."""

    id: str
    title: Words
    line: int
    boxes: Sequence[Box]

    @property
    def filled(self) -> bool:
        return any(box.value or box.held for box in self.boxes)


@dataclass(frozen=True, slots=True)
class Filled:
    """The document a form makes, and what is wrong with which box."""

    document: Document
    wrong: Mapping[str, Words] = field(default_factory=dict)


# a document as boxes


def boxes(
    ruleset: RuleSet,
    document: Mapping[str, Any],
    timezone: str,
    *,
    personal: bool = False,
    typed: Mapping[str, str] | None = None,
    wrong: Mapping[str, Words] | None = None,
) -> list[BoxGroup]:
    """Groups in the vocabulary's order. `typed` is a form as it was posted, for boxes that are wrong;
    `personal` shows personal values too (of saved cases, which are invented).
    """
    making = _Making(ruleset, ZoneInfo(timezone), personal, typed or {}, wrong or {})
    found: list[BoxGroup] = []
    groups = ruleset.vocabulary.groups
    names = read_by_group(ruleset)
    lists = ruleset.vocabulary.variables
    for group in sorted(names, key=lambda one: list(groups).index(one) if one in groups else 99):
        title = groups[group].title if group in groups else {"zh": "自定义", "en": "Custom"}
        if group not in lists:
            given = document.get(group)
            found.append(making.group(group, title, 0, names[group], group, given))
            continue
        rows = document.get(lists[group])
        rows = list(rows)[:MOST] if isinstance(rows, Sequence) else []
        for place in range(min(MOST, max(LINES, len(rows) + 1))):
            given = rows[place] if place < len(rows) else {}
            path = f"{lists[group]}.{place}"
            found.append(making.group(group, title, place + 1, names[group], path, given))
    return found


def read_by_group(ruleset: RuleSet) -> dict[str, list[Fact]]:
    """What the set reads, by group, in the vocabulary's order."""
    facts = {**ruleset.vocabulary.facts, **ruleset.fields}
    read = set(ruleset.facts_checked)
    found: dict[str, list[Fact]] = {}
    for name, fact in facts.items():
        if name in read:
            found.setdefault(name.partition(".")[0], []).append(fact)
    return found


@dataclass(frozen=True, slots=True)
class _Making:
    ruleset: RuleSet
    zone: ZoneInfo
    personal: bool
    typed: Mapping[str, str]
    wrong: Mapping[str, Words]

    def group(
        self, group: str, title: Words, line: int, facts: Sequence[Fact], path: str, given: Any
    ) -> BoxGroup:
        known = given if isinstance(given, Mapping) else {}
        found = [
            box
            for fact in facts
            for box in self._boxes(fact, f"{path}.{fact.field_name}", known.get(fact.field_name))
        ]
        return BoxGroup(group, title, line, found)

    def _boxes(self, fact: Fact, name: str, value: Any) -> Iterator[Box]:
        if isinstance(value, Mapping):
            for window, count in value.items():
                label = {lang: f"{fact.title[lang]} ({window})" for lang in ("zh", "en")}
                yield self._box(fact, f"{name}@{window}", label, count)
        else:
            yield self._box(fact, name, fact.title, value)

    def _box(self, fact: Fact, name: str, label: Words, value: Any) -> Box:
        hidden = fact.personal and not self.personal and value not in (None, "")
        text = "" if hidden else box_text(value, fact, self.zone)
        return Box(
            name, label, fact.type, fact.unit, box_text(fact.sample, fact, self.zone),
            (YES, NO) if fact.type == "boolean" else fact.values,
            self.typed.get(PREFIX + name, text), hidden, self.wrong.get(name),
        )  # fmt: skip


def box_text(value: Any, fact: Fact, zone: ZoneInfo) -> str:
    """A value as its box takes it: 2026-11-11T09:30 on the shop's clock, commas between texts."""
    if value is None:
        return ""
    if fact.type == "instant":
        at = value if isinstance(value, datetime) else _or_none(parse_instant, str(value))
        return str(value) if at is None else at.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S")
    found = plain(value)
    if isinstance(found, bool):
        return YES if found else NO
    return ", ".join(map(str, found)) if isinstance(found, list) else str(found)


def window_text(span: timedelta) -> str:
    """A window as the document calls it: `24h`."""
    return duration_text(span)


def _or_none(read: Any, text: str) -> Any:
    try:
        return read(text)
    except ValueError:
        return None


# boxes as a document


def filled(
    ruleset: RuleSet,
    form: Mapping[str, str],
    timezone: str,
    currency: str,
    base: Mapping[str, Any] | None = None,
    *,
    keep_personal: bool = True,
) -> Filled:
    """The base with what the form says: an empty box makes the fact unknown, an empty box of a personal
    fact keeps what the base has (unless not `keep_personal`); what has no box in the form stays.
    """
    document = _plain(base or {})
    wrong: dict[str, Words] = {}
    given = {name[len(PREFIX) :]: text.strip() for name, text in form.items() if name[:2] == PREFIX}
    for name, text in given.items():
        fact = _fact(ruleset, name)
        if fact is None:
            continue
        if not text:
            if not (fact.personal and keep_personal):
                _drop(document, name)
            continue
        try:
            value = typed_value(fact, text, ZoneInfo(timezone), currency)
        except InputError as error:
            wrong[name] = {"zh": error.text("zh"), "en": error.text("en")}
            value = text
        _put(document, name, value)
    return Filled(_without_empty_lines(ruleset, document), wrong)


def typed_value(fact: Fact, text: str, zone: ZoneInfo, currency: str) -> Any:
    """What a person typed as the plain value of a document.

    Raises:
        InputError: it is no such value; the message gives an example.
    """
    try:
        return _READ[fact.type](text, zone, currency) if fact.type in _READ else text
    except (ValueError, ArithmeticError):
        sample = box_text(fact.sample, fact, zone)
        raise InputError(
            "try.wrong_value",
            zh=f"“{text[:40]}”不是{_KINDS.get(fact.type, ('有效的值', ''))[0]}；请照这样写：{sample}",
            en=f"“{text[:40]}” is not {_KINDS.get(fact.type, ('', 'a valid value'))[1]}; write it like {sample}",
            field=fact.id,
        ) from None


_KINDS = {
    "number": ("数字", "a number"),
    "money": ("金额", "an amount"),
    "instant": ("日期时间", "a date and time"),
    "duration": ("时长", "a length of time"),
    "boolean": ("是或否", "yes or no"),
}


def _number(text: str, zone: ZoneInfo, currency: str) -> Any:
    return plain(parse_decimal(text.replace(",", "").replace("，", "")))


def _money(text: str, zone: ZoneInfo, currency: str) -> str:
    cleaned = text.replace(",", "").replace("，", "").removesuffix("元").lstrip("¥￥").strip()
    if cleaned.replace(".", "", 1).lstrip("-").isdigit():
        cleaned = f"{cleaned} {currency}"
    return str(plain(parse_money(cleaned)))


def _instant(text: str, zone: ZoneInfo, currency: str) -> str:
    found = datetime.fromisoformat(text.replace(" ", "T", 1) if "T" not in text else text)
    return (found if found.tzinfo else found.replace(tzinfo=zone)).isoformat()


def _duration(text: str, zone: ZoneInfo, currency: str) -> str:
    parse_duration(text)
    return text


def _boolean(text: str, zone: ZoneInfo, currency: str) -> bool:
    found = {"true": True, "yes": True, "是": True, "false": False, "no": False, "否": False}
    if text.lower() not in found:
        raise ValueError(text)
    return found[text.lower()]


def _texts(text: str, zone: ZoneInfo, currency: str) -> list[str]:
    return [
        one.strip() for one in text.replace("，", ",").replace("、", ",").split(",") if one.strip()
    ]


_READ = {
    "number": _number, "money": _money, "instant": _instant, "duration": _duration,
    "boolean": _boolean, "texts": _texts,
}  # fmt: skip


def _fact(ruleset: RuleSet, name: str) -> Fact | None:
    """The fact a box is of; None when the set reads no such fact."""
    path = name.partition("@")[0].split(".")
    listed = ruleset.vocabulary.groups.get(path[0])
    each = listed.each if listed else ""
    if len(path) == 3 and path[1].isdigit() and int(path[1]) < MOST and each:
        fact_id = f"{each}.{path[2]}"
    elif len(path) == 2:
        fact_id = ".".join(path)
    else:
        return None
    if fact_id not in ruleset.facts_checked:
        return None
    return ruleset.fields.get(fact_id) or ruleset.vocabulary.facts.get(fact_id)


def _put(document: Document, name: str, value: Any) -> None:
    path, _, window = name.partition("@")
    row, key = _row(document, path.split("."))
    if window:
        known = row.get(key)
        row[key] = {**(known if isinstance(known, dict) else {}), window: value}
    else:
        row[key] = value


def _drop(document: Document, name: str) -> None:
    path, _, window = name.partition("@")
    row, key = _row(document, path.split("."))
    if window and isinstance(row.get(key), dict):
        row[key].pop(window, None)
    else:
        row.pop(key, None)


def _row(document: Document, path: Sequence[str]) -> tuple[Document, str]:
    """The mapping that holds the fact, made where it is missing."""
    if len(path) == 2:
        group = document.setdefault(path[0], {})
        return group, path[1]
    rows = document.setdefault(path[0], [])
    while len(rows) <= int(path[1]):
        rows.append({})
    return rows[int(path[1])], path[2]


def _without_empty_lines(ruleset: RuleSet, document: Document) -> Document:
    lists = set(ruleset.vocabulary.variables.values())
    found: Document = {}
    for name, value in document.items():
        if name in lists and isinstance(value, list):
            value = [row for row in value if row]
        if value not in ({}, []):
            found[name] = value
    return found


def _plain(document: Mapping[str, Any]) -> Document:
    found = copy.deepcopy(plain(dict(document)))
    return dict(found) if isinstance(found, Mapping) else {}
