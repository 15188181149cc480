"""Named thresholds and lists as forms send them: text, checked by the language where they stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from tidegate.engine.problems import RuleProblems
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.sets import LIST_TYPES, PARAMETER_TYPES
from tidegate.engine.writing import document_of
from tidegate.errors import InputError
from tidegate.services.context import Context
from tidegate.services.workshop import drafts
from tidegate.services.workshop.model import DraftChanged

TYPES = PARAMETER_TYPES
__all__ = [
    "LIST_TYPES", "TYPES", "DraftChanged", "save_list", "save_threshold", "threshold_document", "tried",
    "value_text",
]  # fmt: skip
Made = TypeVar("Made")
_KEPT = ("value", "min", "max", "unit", "note")


def save_threshold(
    context: Context, set_id: str, version: int, name: str, form: Mapping[str, str], actor: str
) -> None:
    """`form` has value, min, max, unit, zh, en, note, and type for a new one; `remove` takes it away.

    Raises:
        InputError: the language refuses it; `fields["field"]` is the box.
    """
    if form.get("remove"):
        tried(lambda: drafts.save_parameter(context, set_id, version, name, None, actor), name)
        return
    document = threshold_document(drafts.working_set(context, set_id), name, form)
    tried(lambda: drafts.save_parameter(context, set_id, version, name, document, actor), name)


def threshold_document(ruleset: RuleSet, name: str, form: Mapping[str, str]) -> dict[str, Any]:
    """The threshold as it is written, with what the form changes.

    Raises:
        InputError: it has no value.
    """
    before = document_of(ruleset).get("parameters", {}).get(name, {})
    document: dict[str, Any] = {**before}
    document["type"] = before.get("type") or form.get("type", "number")
    for key in _KEPT:
        if key not in form:
            continue
        text = form[key].strip()
        document.pop(key, None)
        if text:
            document[key] = (
                _value(text, document["type"]) if key in ("value", "min", "max") else text
            )
    if form.get("zh") or form.get("en"):
        zh, en = form.get("zh", "").strip(), form.get("en", "").strip()
        document["title"] = {"zh": zh or en, "en": en or zh}
    if "value" not in document:
        raise InputError(
            "rules.no_value", zh="请填写数值。", en="Fill in the value.", field="value"
        )
    return document


def value_text(ruleset: RuleSet, name: str) -> str:
    """A threshold's value as it is written."""
    return str(document_of(ruleset).get("parameters", {}).get(name, {}).get("value", ""))


def save_list(
    context: Context, set_id: str, version: int, name: str, form: Mapping[str, str], actor: str
) -> list[str]:
    """`form` has values, one a line, zh, en, and type for a new one; `remove` takes it away. What stood
    there twice is kept once and returned.

    Raises:
        InputError: the language refuses it.
    """
    if form.get("remove"):
        tried(lambda: drafts.save_list(context, set_id, version, name, None, actor), name)
        return []
    before = _section(context, set_id, "lists").get(name, {})
    before = {"values": before} if isinstance(before, list) else before
    lines = [line.strip() for line in form.get("values", "").splitlines() if line.strip()]
    values = list(dict.fromkeys(lines))
    kind = before.get("type") or form.get("type") or "text"
    document: dict[str, Any] = {**before, "type": kind, "values": [_value(v, kind) for v in values]}
    if form.get("zh") or form.get("en"):
        zh, en = form.get("zh", "").strip(), form.get("en", "").strip()
        document["title"] = {"zh": zh or en, "en": en or zh}
    tried(lambda: drafts.save_list(context, set_id, version, name, document, actor), name)
    return sorted({line for line in lines if lines.count(line) > 1})


def _section(context: Context, set_id: str, section: str) -> dict[str, Any]:
    found: dict[str, Any] = document_of(drafts.working_set(context, set_id)).get(section, {})
    return found


def _value(text: str, kind: str) -> Any:
    """Booleans as such; everything else the language reads as it is written, thousands without commas."""
    if kind == "boolean":
        return {"true": True, "false": False, "是": True, "否": False}.get(text.lower(), text)
    return text.replace(",", "").replace("，", "") if kind in ("number", "money") else text


def tried(act: Callable[[], Made], name: str) -> Made:
    """A problem of the language, told at the box where it can be put right."""
    try:
        return act()
    except RuleProblems as error:
        first = error.problems[0]
        field = next(
            (key for key in ("min", "max", "value", "type") if f".{key}" in first.where), "value"
        )
        raise InputError(
            first.code, zh=first.text("zh"), en=first.text("en"), field=field, name=name
        ) from error
