"""The head of a set as a form: names, policy, what is missing, what happens otherwise, four eyes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tidegate.engine.rulesets import RuleSet
from tidegate.engine.vocabulary import Action
from tidegate.engine.writing import document_of
from tidegate.errors import InputError
from tidegate.services.context import Context
from tidegate.services.workshop import drafts, numbers
from tidegate.services.workshop.model import Draft, Words
from tidegate.services.workshop.set_names import SetNames
from tidegate.services.workshop.widgets import Choice, Widgets

POLICIES = ("first", "unique", "any", "priority", "collect")
ON_MISSING = ("hold", "skip", "fail")
NOTHING, KEPT = "", "as-it-is"  # answers to what happens otherwise, beside the ids of actions


@dataclass(frozen=True, slots=True)
class ActionChoice:
    """`main` is what its box asks for; empty where the action takes nothing. `values` are what that may be, in
    words; `closed` where nothing else makes sense: then one answer is `id:value`.
    """

    id: str
    title: Words
    main: Words | None
    values: Sequence[Choice] = ()
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """`staged`: policy, what is missing and what happens otherwise stand with each stage, in the text.

    `otherwise` is the id of an action, empty for none, or `as-it-is` where it is more than a box can say.
    """

    zh: str
    en: str
    note: str
    four_eyes: bool
    staged: bool
    policy: str
    on_missing: str
    otherwise: str
    value: str
    actions: Sequence[ActionChoice]


def settings_of(context: Context, ruleset: RuleSet) -> Settings:
    widgets = Widgets(context, SetNames(ruleset, {}))
    document = document_of(ruleset)
    chosen, value = _chosen(ruleset, document.get("otherwise") or [])
    return Settings(
        zh=ruleset.title.get("zh", ""),
        en=ruleset.title.get("en", ""),
        note=ruleset.note,
        four_eyes=ruleset.four_eyes,
        staged=ruleset.policy == "stages",
        policy=ruleset.policy,
        on_missing=str(document.get("on_missing", ON_MISSING[0])),
        otherwise=chosen,
        value=value,
        actions=[_choice(action, widgets) for action in _actions(ruleset)],
    )


def save_settings(
    context: Context, set_id: str, version: int, form: Mapping[str, str], actor: str
) -> Draft:
    """`form` has zh, en, note, four_eyes; policy, on_missing, otherwise and value unless the set has stages.

    Raises:
        InputError: `fields["field"]` is the box.
    """
    ruleset = drafts.working_set(context, set_id)
    zh, en = form.get("zh", "").strip(), form.get("en", "").strip()
    if not zh and not en:
        raise InputError(
            "rules.no_name", zh="请写规则集的名称。", en="Give the set a name.", field="zh"
        )
    changes: dict[str, Any] = {
        "title": {"zh": zh or en, "en": en or zh},
        "note": form.get("note", "").strip() or None,
        "four_eyes": True if form.get("four_eyes") == "on" else None,
    }
    if ruleset.policy != "stages":
        changes |= _deciding(ruleset, form)
    return numbers.tried(
        lambda: drafts.save_head(context, set_id, version, changes, actor), "settings"
    )


def _deciding(ruleset: RuleSet, form: Mapping[str, str]) -> dict[str, Any]:
    """What the form says about policy and otherwise; what it doesn't send stays."""
    changes: dict[str, Any] = {}
    policy = form.get("policy", ruleset.policy)
    if policy in POLICIES and policy != ruleset.policy:
        changes["policy"] = policy
        changes["severity"] = list(ruleset.gate_spec.actions) if policy == "priority" else None
    if form.get("on_missing") in ON_MISSING:
        changes["on_missing"] = form["on_missing"]
    if form.get("otherwise", KEPT) != KEPT:
        chosen, _, value = form["otherwise"].partition(":")
        changes["otherwise"] = _otherwise(ruleset, chosen, value or form.get("value", "").strip())
    return changes


def _otherwise(ruleset: RuleSet, chosen: str, value: str) -> list[Any]:
    """One action; its other arguments stay as they were."""
    if chosen == NOTHING:
        return []
    action = next((one for one in _actions(ruleset) if one.id == chosen), None)
    if action is None:
        raise InputError(
            "rules.no_such_action",
            zh=f"这一步没有动作 {chosen}；请从列表里选。",
            en=f"There is no action {chosen} here; choose one of the list.",
            field="otherwise",
        )
    if not action.main:
        return [chosen]
    if not value and action.args[action.main].required:
        title = action.args[action.main].title
        raise InputError(
            "rules.no_argument",
            zh=f"“{action.title['zh']}”要写明{title['zh']}。",
            en=f"“{action.title['en']}” needs its {title['en'].lower()}.",
            field="value",
        )
    before = _arguments(document_of(ruleset).get("otherwise") or [], action)
    args = before | ({action.main: value} if value else {})
    return [{chosen: args}] if args else [chosen]


def _chosen(ruleset: RuleSet, otherwise: Sequence[Any]) -> tuple[str, str]:
    if not otherwise:
        return NOTHING, ""
    one = otherwise[0]
    name = one if isinstance(one, str) else next(iter(one))
    action = next((each for each in _actions(ruleset) if each.id == name), None)
    if len(otherwise) > 1 or action is None:
        return KEPT, ""
    return name, str(_arguments(otherwise, action).get(action.main, ""))


def _arguments(otherwise: Sequence[Any], action: Action) -> dict[str, Any]:
    """Arguments of the one action, where it is this one."""
    one = otherwise[0] if len(otherwise) == 1 else None
    given = one.get(action.id) if isinstance(one, dict) else None
    if isinstance(given, dict):
        return dict(given)
    return {action.main: given} if given is not None and action.main else {}


def _actions(ruleset: RuleSet) -> list[Action]:
    known = ruleset.vocabulary.actions
    return [known[name] for name in ruleset.gate_spec.actions if name in known]


def _choice(action: Action, widgets: Widgets) -> ActionChoice:
    if not action.main:
        return ActionChoice(action.id, action.title, None)
    main = action.args[action.main]
    if main.type in ("number", "money", "duration", "date", "instant"):
        return ActionChoice(action.id, action.title, main.title)
    found = widgets.arguments(action.id, main.id, main.values)
    closed = bool(found.values) and (found.closed or main.id == "service")
    return ActionChoice(action.id, action.title, main.title, found.values, closed)
