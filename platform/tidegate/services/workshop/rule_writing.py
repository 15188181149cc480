"""The rows of an editor back to a rule's document, as it stands in YAML. What is not finished is
reported with the part of the row it belongs to, and never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from tidegate.engine.forms import node_of
from tidegate.engine.language.rendering import render
from tidegate.engine.language.types import Type
from tidegate.engine.problems import ExpressionError, RuleProblems
from tidegate.engine.rulesets import one_or_two
from tidegate.engine.sourced import read_yaml
from tidegate.engine.values import parse_date
from tidegate.engine.vocabulary import Action
from tidegate.services.workshop.operators import Offer, offer
from tidegate.services.workshop.rule_rows import (
    ActionRow,
    Group,
    Lines,
    Part,
    Row,
    RuleRows,
    Text,
    Value,
)
from tidegate.services.workshop.rule_values import Unfinished, fixed, number, operand, typed
from tidegate.services.workshop.set_names import Name, SetNames

Form = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing to put right. `path` is the row's place (`c-0-1`), `part` which of its fields."""

    path: str
    part: str
    zh: str
    en: str

    def text(self, lang: str) -> str:
        return self.zh if lang == "zh" else self.en


@dataclass(frozen=True, slots=True)
class Written:
    """The rule's document from what is finished, what is not, and the row of each entry of `if`."""

    document: Form
    wrong: list[Wrong]
    places: dict[str, str]


class _Writing:
    def __init__(self, names: SetNames) -> None:
        self.names = names
        self.wrong: list[Wrong] = []
        self.places: dict[str, str] = {"pattern": "c"}


def document_of(rows: RuleRows, names: SetNames) -> Written:
    """The rule's document. With nothing wrong it is whole."""
    writing = _Writing(names)
    wrong = writing.wrong
    top = "if" if rows.condition.kind == "all" else f"if[0].{rows.condition.kind}"
    entries = _entries(rows.condition.parts, "c", top, writing)
    pattern = [
        entry["pattern"] for entry in entries if isinstance(entry, dict) and "pattern" in entry
    ]
    rest = [entry for entry in entries if not (isinstance(entry, dict) and "pattern" in entry)]
    if rows.condition.kind != "all":
        rest = [{rows.condition.kind: rest}] if rest else []
    document: Form = {"id": rows.id, **_title(rows)}
    document |= _texts("why", rows.why, rows.why_en)
    document |= {"note": rows.note} if rows.note else {}
    document |= {} if rows.enabled else {"enabled": False}
    document |= _active(rows, wrong)
    document |= {"if": rest} if rest or not pattern else {}
    document |= {"pattern": pattern[0]} if pattern else {}
    document["then"] = _actions(rows.actions, names, wrong)
    return Written(document, wrong, writing.places)


def _title(rows: RuleRows) -> Form:
    found = _texts("title", rows.zh, rows.en)
    return {} if found.get("title") == rows.id else found


def _texts(key: str, zh: str, en: str) -> Form:
    """One text where only one language has it, or both say the same; nothing without a text."""
    text = one_or_two({"zh": zh or en, "en": en or zh})
    return {key: text} if text else {}


def _active(rows: RuleRows, wrong: list[Wrong]) -> Form:
    days: Form = {}
    for key, part, text in (("from", "from", rows.active_from), ("to", "to", rows.active_to)):
        if not text:
            continue
        try:
            days[key] = parse_date(text).isoformat()
        except ValueError:
            wrong.append(Wrong("rule", part, f"“{text}”不是日期，请写成 2026-11-11",
                               f"“{text}” isn't a date; write it like 2026-11-11"))  # fmt: skip
    return {"active": days} if days else {}


# conditions


def _entries(parts: Iterable[Part], path: str, at: str, writing: _Writing) -> list[Any]:
    """Entries of `if` from the rows at `path`; `at` is their place in the document."""
    found: list[Any] = []
    listed = list(parts)
    for index, part in enumerate(listed):
        here, there = f"{path}-{index}", f"{at}[{len(found)}]"
        if isinstance(part, Group):
            found += _group(part, here, there, writing)
        elif isinstance(part, Text) and part.pattern:
            writing.places["pattern"] = here
            last = path == "c" and index == len(listed) - 1
            found += _pattern(part, here, writing.wrong, last)
        else:
            writing.places[there] = here
            found += _entry(part, here, writing)
    return found


def _group(part: Group, path: str, at: str, writing: _Writing) -> list[Any]:
    inner = _entries(part.parts, path, f"{at}.{part.kind}", writing)
    writing.places[at] = path
    if not part.parts:
        zh = "这一组还没有条件，请加一条或删除这一组"
        en = "This group holds no condition yet; add one or remove the group"
        writing.wrong.append(Wrong(path, "t", zh, en))
    return [{part.kind: inner}] if inner else []


def _entry(part: Row | Text | Lines, path: str, writing: _Writing) -> list[Any]:
    names, wrong = writing.names, writing.wrong
    if isinstance(part, Lines):
        broken = len(wrong)
        for index, inner in enumerate(part.parts):
            _tried(partial(_condition, inner, names), f"{path}-{index}", wrong)
        if len(wrong) > broken:
            return []
    text = _tried(partial(expression_of, part, names), path, wrong)
    return [{"true": True, "false": False}.get(text, text)] if text else []


def _tried(make: Callable[[], Any], path: str, wrong: list[Wrong]) -> Any:
    try:
        return make()
    except Unfinished as error:
        wrong.append(Wrong(path, error.part, error.zh, error.en))
    except ExpressionError as error:
        wrong.append(Wrong(path, "t", error.problem.zh, error.problem.en))
    return None


def _pattern(part: Text, path: str, wrong: list[Wrong], last: bool) -> list[Any]:
    if not last:
        wrong.append(Wrong(path, "t", "模式要放在最后，请把它移到最下面",
                           "A pattern stands last; move it to the end"))  # fmt: skip
        return []
    try:
        return [{"pattern": read_yaml(part.text, "pattern").data}]
    except RuleProblems as error:
        wrong.append(Wrong(path, "t", error.problems[0].zh, error.problems[0].en))
        return []


def expression_of(part: Row | Text | Lines, names: SetNames) -> str:
    """A condition's canonical text.

    Raises:
        Unfinished: something is missing or not readable.
        ExpressionError: a formula or text can't be read.
    """
    return render(node_of(_condition(part, names)))


def _condition(part: Row | Text | Lines, names: SetNames) -> Form:
    if isinstance(part, Text):
        if not part.text.strip():
            raise Unfinished(
                "t",
                "这里还是空的，请写条件或删除这一行",
                "This is empty; write a condition or remove it",
            )
        return {"text": part.text}
    if isinstance(part, Lines):
        if not part.parts:
            raise Unfinished("t", "同一行商品的条件还是空的", "Nothing is asked of the line yet")
        inner = [_condition(one, names) for one in part.parts]
        where = inner[0] if len(inner) == 1 else {part.join: inner}
        return _quantified(where, part.over, part.quant, part.count, names)
    return _row(part, names)


def _row(row: Row, names: SetNames) -> Form:
    name = names.get(row.subject)
    if name is None:
        zh, en = "还没选字段", "No field is chosen yet"
        if row.subject:
            zh, en = (
                f"没有字段 {row.subject}，请重新选",
                f"There is no field {row.subject}; choose again",
            )
        raise Unfinished("f", zh, en)
    found = offer(name.type, row.op)
    if found is None:
        raise Unfinished("o", "请选比较方式", "Choose how to compare")
    form = _test(row, found, name, names)
    if row.missing == "no":
        form = {"and": [{"subject": _base(row, name, names), "operator": "is_present"}, form]}
    if row.quant:
        return _quantified(form, name.over, row.quant, row.count, names)
    return form


def _quantified(where: Form, over: str, quant: str, count: str, names: SetNames) -> Form:
    if quant == "at_least":
        least = number(count, "n")
        return {"subject": {"count": {"name": over}, "where": where}, "operator": ">=",
                "value": {"type": "number", "value": least}}  # fmt: skip
    return {"subject": {"name": over}, "operator": quant,
            "variable": names.variable(over), "where": where}  # fmt: skip


def _test(row: Row, found: Offer, name: Name, names: SetNames) -> Form:
    subject = _subject(row, found, name, names)
    form: Form = {"subject": subject, "operator": found.operator}
    if found.takes == "words":
        return _words(row, found, subject, names)
    if found.takes == "calendar":
        form["tests"] = [{"is": {"name": _calendar(row.value.text, names)}}]
    elif found.takes == "tests":
        form["tests"] = [{"is": member} for member in _members(row, found.type, names)]
    elif found.takes == "range":
        form["low"] = operand(row.value, found.type, names, "v")
        form["high"] = operand(row.high, found.type, names, "h")
    elif found.takes == "value":
        form["value"] = operand(row.value, found.type, names, "v")
    return form | ({"negated": True} if found.negated else {})


def _subject(row: Row, found: Offer, name: Name, names: SetNames) -> Form:
    base = _base(row, name, names)
    if row.missing == "as":
        if not row.default.strip():
            raise Unfinished("d", "请写缺失时当作什么", "Say what a missing value counts as")
        base = {"call": "coalesce", "args": [base, {"text": row.default}]}
    if found.wrap in ("since", "until"):
        calendar = {"calendar": _calendar(row.calendar, names)} if row.calendar else {}
        return {found.wrap: base, **calendar}
    if found.wrap == "count":
        return {"count": base}
    return {"call": found.wrap, "args": [base]} if found.wrap else base


def _base(row: Row, name: Name, names: SetNames) -> Form:
    if not name.window:
        return {"name": name.id}
    return {"name": name.id, "window": operand(row.window, Type("duration"), names, "w")}


def _calendar(name: str, names: SetNames) -> str:
    found = names.get(name)
    if found is None or found.kind != "calendar":
        raise Unfinished("v", "请选一个日历", "Choose a calendar")
    return name


def _words(row: Row, found: Offer, subject: Form, names: SetNames) -> Form:
    word = row.word or "word"
    members = _members(row, found.type, names)
    named = row.value.source == "named"
    listed = members[0] if named else {"list": members}
    where = {"subject": subject, "operator": found.operator, "value": {"name": word}}
    return {"subject": listed, "operator": found.words, "variable": word, "where": where}


def _members(row: Row, kind: Type, names: SetNames) -> list[Form]:
    if row.value.source == "named":
        found = names.get(row.value.text)
        if found is None:
            raise Unfinished("v", "请选一个名单", "Choose a list")
        return [{"name": row.value.text}]
    if not row.chosen:
        raise Unfinished("m", "请至少选一个值", "Choose at least one value")
    return [_constant(text, kind) for text in row.chosen]


def _constant(text: str, kind: Type) -> Form:
    """A member of a list, which carries its unit with it (`2000 CNY`, `24h`)."""
    if kind.kind == "money":
        amount, _, unit = text.strip().partition(" ")
        return fixed(Value(amount, unit=unit), kind, "m")
    if kind.kind == "duration":
        amount, unit = text.strip()[:-1], text.strip()[-1:]
        return fixed(Value(amount, unit=unit), kind, "m")
    return fixed(Value(text), kind, "m")


# actions


def _actions(rows: Iterable[ActionRow], names: SetNames, wrong: list[Wrong]) -> list[Any]:
    known = names.ruleset.vocabulary.actions
    found: list[Any] = []
    for index, row in enumerate(rows):
        action = known.get(row.action)
        if action is None:
            wrong.append(Wrong(f"a-{index}", "action", "请选要做什么", "Choose what to do"))
            continue
        for name, spec in action.args.items():
            if spec.required and spec.default is None and not row.args.get(name):
                wrong.append(Wrong(f"a-{index}", name, f"请填“{spec.title['zh']}”",
                                   f"Fill in “{spec.title['en']}”"))  # fmt: skip
        found.append(_action(row, action))
    return found


def _action(row: ActionRow, action: Action) -> Any:
    given = {
        name: typed(row.args[name], spec.type)
        for name, spec in action.args.items()
        if row.args.get(name, "") != ""
    }
    if not given:
        return action.id
    main = given.get(action.main)
    if list(given) == [action.main] and isinstance(main, (str, bool, int, Decimal)):
        return {action.id: main}
    return {action.id: given}
