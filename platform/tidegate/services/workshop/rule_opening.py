"""A rule of the engine as rows for an editor. A condition becomes a row only if the row says exactly
the same again; everything else stays text, so that opening and saving loses nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tidegate.engine.form_reading import Builder
from tidegate.engine.forms import form_of
from tidegate.engine.language import tree
from tidegate.engine.language.rendering import render
from tidegate.engine.patterns.reading import document as pattern_document
from tidegate.engine.problems import ExpressionError
from tidegate.engine.rulesets import ActionCall, Condition, Leaf, Rule
from tidegate.engine.writing import action_document
from tidegate.engine.yaml_text import yaml_text
from tidegate.services.workshop.operators import WORDS, offer, offer_id
from tidegate.services.workshop.rule_rows import (
    NO_WINDOW,
    ActionRow,
    Group,
    Lines,
    Part,
    Row,
    RuleRows,
    Text,
    Value,
)
from tidegate.services.workshop.rule_values import Unfinished, loose, typed
from tidegate.services.workshop.rule_writing import expression_of
from tidegate.services.workshop.set_names import SetNames

Form = Mapping[str, Any]
SPAN = re.compile(r"(\d+(?:\.\d+)?)(d|h|m|s)\Z")
_WRAPPED = ("sum", "weekday", "hour")


def rows_of(rule: Rule, names: SetNames) -> RuleRows:
    """The whole rule. One title or why for both languages is written once."""
    zh, en = rule.title.get("zh", ""), rule.title.get("en", "")
    why, why_en = rule.why.get("zh", ""), rule.why.get("en", "")
    untitled = zh == en == rule.id
    return RuleRows(
        id=rule.id,
        zh="" if untitled else zh,
        en="" if en == zh else en,
        why=why,
        why_en="" if why_en == why else why_en,
        note=rule.note,
        enabled=rule.enabled,
        active_from=rule.active_from.isoformat() if rule.active_from else "",
        active_to=rule.active_to.isoformat() if rule.active_to else "",
        condition=group_of(rule.condition, names),
        actions=tuple(map(action_row, rule.actions)),
    )


def group_of(condition: Condition, names: SetNames) -> Group:
    parts: list[Part] = [
        part_of(part.node, part.text, names) if isinstance(part, Leaf) else group_of(part, names)
        for part in condition.parts
    ]
    return Group(condition.kind, tuple(parts))


def part_of(node: tree.Node, text: str, names: SetNames) -> Row | Text | Lines:
    """One condition as a row, or its text where no row says the same."""
    if isinstance(node, tree.Sequence):
        return Text(yaml_text(pattern_document(node)), pattern=True)
    found = _part(form_of(node), names)
    try:
        same = found is not None and expression_of(found, names) == text
    except (Unfinished, ExpressionError):
        same = False
    return found if found is not None and same else Text(text)


def action_row(call: ActionCall) -> ActionRow:
    written = action_document(call)
    if isinstance(written, str):
        return ActionRow(written)
    ((name, given),) = written.items()
    args = given if isinstance(given, Mapping) else {call.action.main: given}
    return ActionRow(
        name, {key: shown(value, call.action.args[key].type) for key, value in args.items()}
    )


def shown(value: object, kind: str) -> str:
    """An argument as it is typed: text as it stands, everything else as JSON or its digits. Where any
    kind of value may stand, a text that looks like JSON is quoted.
    """
    if isinstance(value, str) and kind == "number" and not isinstance(typed(value, kind), str):
        return f"= {value}"  # a formula that looks like a number
    if isinstance(value, str):
        plain = kind not in ("any", "texts") or loose(value) == value
        return value if plain else json.dumps(value, ensure_ascii=False)
    if isinstance(value, (bool, list, dict)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


# conditions


def _part(form: Form, names: SetNames) -> Row | Lines | None:
    operator = form.get("operator")
    if operator in ("some", "every", "no") and not form.get("negated"):
        over = form["subject"].get("name", "")
        if names.variable(over) and names.variable(over) == form["variable"]:
            return _about_lines(over, str(operator), form["where"], names)
    counted = form.get("subject", {})
    if operator == ">=" and "count" in counted and "where" in counted:
        over = counted["count"].get("name", "")
        value = form["value"]
        if names.variable(over) and value.get("type") == "number" and not form.get("negated"):
            found = _about_lines(over, "at_least", counted["where"], names)
            return replace(found, count=value["value"]) if found else None
    return _row(form, names, "")


def _about_lines(over: str, quant: str, where: Form, names: SetNames) -> Row | Lines | None:
    variable = names.variable(over)
    single = _row(where, names, variable)
    if single is not None:
        return replace(single, quant=quant)
    join = next((key for key in ("and", "or") if key in where), "")
    if not join:
        return None
    parts: list[Row | Text] = []
    for form in where[join]:
        row = _row(form, names, variable)
        parts.append(row if row is not None else Text(render(Builder().condition(form))))
    return Lines(over, quant, join, tuple(parts))


def _row(form: Form, names: SetNames, variable: str) -> Row | None:
    """A row about a fact, or about a field of the line called `variable`."""
    if set(form) == {"and"} and len(form["and"]) == 2:
        known, rest = form["and"]
        inner = _row(rest, names, variable)
        if known.get("operator") != "is_present" or known.get("negated") or inner is None:
            return None
        asked = _subject(known["subject"], names, variable)
        same = asked is not None and (asked.name, asked.window) == (inner.subject, inner.window)
        return replace(inner, missing="no") if same and not inner.missing else None
    if "operator" not in form:
        return None
    words = _word_row(form, names, variable)
    if words is not None:
        return words
    subject = _subject(form["subject"], names, variable)
    if subject is None:
        return None
    op = offer_id(form["operator"], subject.wrap, bool(form.get("negated")))
    found = names.get(subject.name)
    known_op = offer(found.type, op) if found else None
    if known_op is None:
        return None
    row = Row(
        subject.name, op, window=subject.window, calendar=subject.calendar,
        missing="as" if subject.default else "", default=subject.default,
    )  # fmt: skip
    return _with_values(row, form, names, known_op.takes)


def _with_values(row: Row, form: Form, names: SetNames, takes: str) -> Row | None:
    if "value" in form:
        return replace(row, value=value_of(form["value"], names))
    if "low" in form:
        return replace(row, value=value_of(form["low"], names), high=value_of(form["high"], names))
    if "tests" not in form:
        return row
    return _among(row, form["tests"], names, takes)


def _among(row: Row, tests: list[Form], names: SetNames, takes: str) -> Row | None:
    """One-of: a calendar, a named list, or constants."""
    one = tests[0].get("is", {}) if len(tests) == 1 else {}
    named = names.get(one.get("name", ""))
    if named is not None and named.kind == "calendar":
        return replace(row, op=_calendar_op(row.op), value=Value(named.id, "named"))
    if named is not None and takes == "tests":
        return replace(row, value=Value(named.id, "named"))
    chosen: list[str] = []
    for test in tests:
        constant = test.get("is", {})
        if constant.get("type") not in ("text", "number", "money", "duration", "date", "time"):
            return None
        chosen.append(constant["value"])
    return replace(row, chosen=tuple(chosen))


def _calendar_op(op: str) -> str:
    return op.replace("in", "within", 1) if op in ("in", "not-in") else op


@dataclass(frozen=True, slots=True)
class _Subject:
    name: str
    window: Value = NO_WINDOW
    wrap: str = ""
    calendar: str = ""
    default: str = ""


def _subject(form: Form, names: SetNames, variable: str) -> _Subject | None:
    for wrap in ("since", "until"):
        if wrap in form:
            inner = _subject(form[wrap], names, variable)
            calendar = form.get("calendar", "")
            plain = inner is not None and not inner.wrap
            return replace(inner, wrap=wrap, calendar=calendar) if inner and plain else None
    if set(form) == {"count"}:
        inner = _subject(form["count"], names, variable)
        return replace(inner, wrap="count") if inner and not inner.wrap else None
    if form.get("call") in _WRAPPED and len(form["args"]) == 1:
        inner = _subject(form["args"][0], names, variable)
        return replace(inner, wrap=form["call"]) if inner and not inner.wrap else None
    if form.get("call") == "coalesce" and len(form["args"]) == 2:
        inner = _subject(form["args"][0], names, variable)
        default = render(Builder().operand(form["args"][1]))
        plain = inner is not None and not inner.wrap and not inner.default
        return replace(inner, default=default) if inner and plain else None
    return _plain_subject(form, names, variable)


def _plain_subject(form: Form, names: SetNames, variable: str) -> _Subject | None:
    found = names.get(form.get("name", ""))
    if found is None or (found.over and found.variable != variable):
        return None
    if found.kind not in ("fact", "derived", "lines"):
        return None
    if "window" in form:
        return _Subject(found.id, value_of(form["window"], names))
    return None if found.window else _Subject(found.id)


def _word_row(form: Form, names: SetNames, variable: str) -> Row | None:
    """`some word in LIST satisfies contains(FIELD, word)` as “contains any of”."""
    if form["operator"] not in ("some", "no") or form.get("negated"):
        return None
    where, word = form["where"], form["variable"]
    plain = where.get("operator") in WORDS and where.get("value") == {"name": word}
    if not plain or where.get("negated"):
        return None
    subject = _subject(where["subject"], names, variable)
    found = names.get(subject.name) if subject else None
    op = offer_id(where["operator"], words=form["operator"])
    if subject is None or found is None or subject.wrap or offer(found.type, op) is None:
        return None
    row = Row(
        subject.name, op, window=subject.window, word=word,
        missing="as" if subject.default else "", default=subject.default,
    )  # fmt: skip
    listed = form["subject"]
    named = names.get(listed.get("name", ""))
    if named is not None and named.kind == "list":
        return replace(row, value=Value(named.id, "named"))
    members = listed.get("list", [])
    if not members or any(member.get("type") != "text" for member in members):
        return None
    return replace(row, chosen=tuple(member["value"] for member in members))


def value_of(form: Form, names: SetNames) -> Value:
    """A value as it is typed; what has no widget is a formula."""
    kind, value = form.get("type"), form.get("value")
    if kind == "boolean":
        return Value("true" if value else "false")
    if kind == "money":
        amount, _, currency = str(value).partition(" ")
        return Value(amount, unit=currency)
    if kind == "duration":
        span = SPAN.match(str(value))
        return Value(span.group(1), unit=span.group(2)) if span else _formula(form)
    if kind in ("number", "text", "date", "time", "instant"):
        return Value(str(value))
    if form.get("call") == "exact" and form["args"][0].get("type") == "text":
        return Value(form["args"][0]["value"], exact=True)
    named = names.get(form.get("name", ""))
    if named is not None and "window" not in form:
        return Value(named.id, "named" if named.kind in ("parameter", "list") else "field")
    return _formula(form)


def _formula(form: Form) -> Value:
    return Value(render(Builder().operand(form)), "formula")
