"""A test as a form: its facts as boxes, and what is expected; what the form has no box for stays as it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tidegate.engine.cases import run_case
from tidegate.engine.rulesets import Case, RuleSet
from tidegate.engine.values import plain
from tidegate.engine.yaml_text import yaml_text
from tidegate.errors import InputError
from tidegate.services.context import Context
from tidegate.services.view_names import Words, action_title
from tidegate.services.workshop import case_words, fact_boxes
from tidegate.services.workshop.case_keeping import expected
from tidegate.services.workshop.fact_boxes import BoxGroup
from tidegate.services.workshop.try_subjects import instant_of

LISTS = ("reasons", "fired", "not_fired", "missing")
NONE = "-"  # in a box: the list is expected to be empty
AT = "%Y-%m-%dT%H:%M:%S"


@dataclass(frozen=True, slots=True)
class ActionBox:
    """An action that may be expected; `main` is the title of the argument that says most (None: it has none),
    `value` what is expected of it.
    """

    id: str
    title: Words
    on: bool
    main: Words | None
    value: str
    wrong: Words | None


@dataclass(frozen=True, slots=True)
class ListBox:
    """A list that may be expected, comma between the entries."""

    key: str
    value: str
    wrong: Words | None


@dataclass(frozen=True, slots=True)
class CaseForm:
    """`name` is empty for a new test; `checks_actions`: exactly these actions are expected; `rest` is YAML of what has
    no box; `wrong` are messages that belong to no box of the expectation.
    """

    name: str
    shown_name: str
    at: str
    groups: Sequence[BoxGroup]
    checks_actions: bool
    actions: Sequence[ActionBox]
    actions_wrong: Words | None
    lists: Sequence[ListBox]
    rest: str
    wrong: Sequence[Words]
    text: str


def form_of(
    context: Context,
    ruleset: RuleSet,
    case: Case,
    name: str,
    *,
    typed: Mapping[str, str] | None = None,
    wrong: Mapping[str, Words] | None = None,
) -> CaseForm:
    """`name` is the saved test that this changes, empty for a new one."""
    zone = ZoneInfo(context.timezone)
    told = dict(case_words.differences(ruleset, run_case(ruleset, case, context.timezone)))
    if not case.expect:
        told = {}
    actions = [
        ActionBox(
            one, action_title(one), one in _listed(case.expect.get("actions")), _main(ruleset, one),
            _joined(case.expect.get(one)), told.pop(one, None),
        )
        for one in ruleset.gate_spec.actions
    ]  # fmt: skip
    actions_wrong = told.pop("actions", None)
    lists = [
        ListBox(
            key, (_joined(case.expect[key]) or NONE) if key in case.expect else "",
            told.pop(key, None),
        )
        for key in LISTS
    ]  # fmt: skip
    rest = {k: v for k, v in case.expect.items() if not _boxed(ruleset, k)}
    return CaseForm(
        name, case.name, instant_of(case, context).astimezone(zone).strftime(AT),
        fact_boxes.boxes(
            ruleset, case.given, context.timezone, personal=True, typed=typed, wrong=wrong
        ),
        "actions" in case.expect, actions, actions_wrong, lists,
        yaml_text(_mapping(rest)) if rest else "", list(told.values()),
        yaml_text(document_of_case(case)),
    )  # fmt: skip


def document_of_case(case: Case) -> dict[str, Any]:
    """As it stands under `tests:`."""
    found = {"name": case.name}
    if case.at is not None:
        found["at"] = plain(case.at)  # type: ignore[assignment]  # an instant as text
    return {**found, "given": _mapping(case.given), "expect": _mapping(case.expect)}


def read_form(
    context: Context, ruleset: RuleSet, form: Mapping[str, str], base: Case | None
) -> tuple[Case, Mapping[str, Words]]:
    """The test a form makes over the one it began with, and the boxes that could not be read. With `result` in the form
    what is expected is what the set says now.

    Raises:
        InputError: the instant is none, or the facts cannot be judged.
    """
    found = fact_boxes.filled(
        ruleset, form, context.timezone, context.currency, base.given if base else None,
        keep_personal=False,
    )  # fmt: skip
    at = _instant(form.get("at", ""), context)
    expect: dict[str, Any] = dict(_mapping(base.expect)) if base else {}
    for key in [key for key in expect if _boxed(ruleset, key)]:
        del expect[key]
    expect = _expected(ruleset, form) | expect
    case = Case(form.get("name", "").strip(), found.document, expect, at)
    if form.get("result") and not found.wrong:
        case = with_result(context, ruleset, case)
    return case, found.wrong


def with_result(context: Context, ruleset: RuleSet, case: Case) -> Case:
    """The test expecting what the set says about its facts now.

    Raises:
        InputError: the facts cannot be judged.
    """
    result = run_case(
        ruleset, Case(case.name, case.given, {"actions": []}, case.at), context.timezone
    )
    if result.decision is None:
        told = result.differences[0]
        raise InputError("tests.no_result", zh=told.zh, en=told.en, field="given")
    return Case(case.name, case.given, expected(result.decision), case.at)


def _expected(ruleset: RuleSet, form: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if form.get("e.actions") == "exactly":
        found["actions"] = [one for one in ruleset.gate_spec.actions if form.get(f"e.on.{one}")]
    for action in ruleset.gate_spec.actions:
        main = _split(form.get(f"e.main.{action}", ""))
        if main:
            found[action] = main[0] if len(main) == 1 else main
    for key in LISTS:
        text = form.get(f"e.{key}", "").strip()
        if text:
            found[key] = [] if text == NONE else _split(text)
    return found


def _boxed(ruleset: RuleSet, key: str) -> bool:
    in_gate = key in ruleset.gate_spec.actions and _main(ruleset, key) is not None
    return key == "actions" or key in LISTS or in_gate


def _main(ruleset: RuleSet, action: str) -> Words | None:
    found = ruleset.vocabulary.actions[action]
    return found.args[found.main].title if found.main in found.args else None


def _instant(text: str, context: Context) -> str | None:
    if not text.strip():
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InputError(
            "tests.no_instant",
            zh=f"“{text[:30]}”不是日期时间；请照这样写：2026-11-11T12:00。",
            en=f"“{text[:30]}” is no date and time; write it like 2026-11-11T12:00.",
            field="at",
        ) from None
    return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(context.timezone))).isoformat()


def _listed(value: object) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _joined(value: object) -> str:
    return ", ".join(str(plain(one)) for one in _listed(value))


def _split(text: str) -> list[str]:
    return [
        one.strip() for one in text.replace("，", ",").replace("、", ",").split(",") if one.strip()
    ]


def _mapping(value: Mapping[str, Any]) -> dict[str, Any]:
    found = plain(dict(value))
    return dict(found) if isinstance(found, Mapping) else {}
