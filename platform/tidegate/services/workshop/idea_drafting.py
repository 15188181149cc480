"""An idea as a change to the draft of its set: a new rule with a test, an exception in the rule that held, or that
rule switched off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from tidegate.engine.cases import DEFAULT_NOW
from tidegate.engine.language.sentences import rule_sentence
from tidegate.engine.reader import read_ruleset
from tidegate.engine.reference import evaluate
from tidegate.engine.rulesets import OTHERWISE, Rule, RuleSet
from tidegate.engine.writing import document_of
from tidegate.errors import InputError, NotFound
from tidegate.services.context import Context
from tidegate.services.view_names import Words, reason_title, same
from tidegate.services.workshop import drafts, set_edits
from tidegate.services.workshop.hand_acts import CARRIER, REJECT
from tidegate.services.workshop.idea_facts import documents, example_facts
from tidegate.services.workshop.idea_shapes import Idea

NEW, EXCEPT, OFF = "new", "except", "off"
DONE = {  # what people did, as the title of the rule says it
    "release": ("放行", "released"),
    "reject": ("拒绝", "rejected"),
    "carrier": ("改快递", "sent by another service"),
}


def said(context: Context, idea: Idea) -> Idea | None:
    """The idea in words; None where its set, its rule or its service is gone, or a rule does it already."""
    try:
        ruleset = drafts.working_set(context, idea.set_id)
    except NotFound:
        return None
    held = next((rule for rule in ruleset.written if rule.id == idea.target), None)
    way = _way(idea, held)
    if way is None:
        return None
    rule_id = f"by-hand-{idea.key[:8]}" if way == NEW else idea.target
    told = replace(
        idea,
        way=way,
        rule_id=rule_id,
        set_title=ruleset.title if ruleset.title.get("zh") else same(idea.set_id),
        target_title=_target(idea, held),
    )
    if _is_there(told, ruleset, held):
        return None
    return replace(told, sentence=_sentence(context, told, ruleset))


def make(context: Context, idea: Idea, actor: str) -> tuple[str, str]:
    """Change the draft (begun if there is none). Raises DraftChanged."""
    draft = drafts.draft_of(context, idea.set_id)
    version = draft.version if draft else 0

    def change(document: set_edits.Document) -> None:
        if idea.way == NEW:
            _put_new(context, document, idea)
        elif idea.way == EXCEPT:
            _put_exception(context, document, idea)
        else:
            set_edits.switch_rule(document, idea.rule_id, False)

    drafts.change_document(context, idea.set_id, version, actor, "idea", change, idea.rule_id)
    return idea.set_id, idea.rule_id


def why(context: Context, idea: Idea) -> Words:
    """The reason of the rule: how often, when, and how many exceptions."""
    zone = ZoneInfo(context.timezone)
    begin, end = (at.astimezone(zone).date().isoformat() for at in (idea.first_at, idea.last_at))
    zh, en = DONE[idea.act]
    return {
        "zh": f"{begin} 至 {end} 人工{zh} {idea.support} 单，例外 {idea.exceptions} 单",
        "en": f"{begin} to {end}, {en} by hand: {idea.support}, exceptions: {idea.exceptions}",
    }


def _way(idea: Idea, held: Rule | None) -> str | None:
    if idea.act in (REJECT, CARRIER):
        return NEW
    if idea.target == OTHERWISE:
        return NEW if idea.conditions else None
    if held is None or held.table or not held.enabled:
        return None
    return EXCEPT if idea.conditions else OFF


def _target(idea: Idea, held: Rule | None) -> Words:
    if idea.act == REJECT:
        return reason_title(idea.target)
    if held is not None and held.title.get("zh"):
        return held.title
    return same(idea.target)


def _is_there(idea: Idea, ruleset: RuleSet, held: Rule | None) -> bool:
    if idea.way == NEW:
        return any(rule.id == idea.rule_id for rule in ruleset.written)
    if held is None or idea.way == OFF:
        return False
    document = document_of(ruleset)
    found = next(rule for block in set_edits.blocks(document) for rule in block.get("rules") or ()
                 if rule["id"] == held.id)  # fmt: skip
    return any(
        isinstance(part, dict) and part == written
        for part in found["if"]
        for written in (_canonical(ruleset, idea),)
    )


def _canonical(ruleset: RuleSet, idea: Idea) -> dict[str, Any]:
    """The exception as the writer would write it."""
    small = _small(ruleset, idea, [_exception(idea)], [])
    return document_of(small)["rules"][0]["if"][0]  # type: ignore[no-any-return]


def _exception(idea: Idea) -> dict[str, Any]:
    conditions = documents(idea.conditions)
    return {"none": conditions if len(conditions) == 1 else [{"all": conditions}]}


def _actions(idea: Idea) -> list[Any]:
    if idea.act == REJECT:
        return [{"reject": {"reason": idea.target}}]
    if idea.act == CARRIER:
        return [{"use_service": {"service": idea.target}}]
    return ["approve"]


def _conditions(idea: Idea) -> list[str]:
    """A service is named only where it was quoted: else the parcel would wait."""
    if idea.act != CARRIER:
        return documents(idea.conditions)
    offered = f'some quote in quotes satisfies quote.service = "{idea.target}"'
    return [*documents(idea.conditions), offered]


def _sentence(context: Context, idea: Idea, ruleset: RuleSet) -> Words:
    small = _small(ruleset, idea, documents(idea.conditions, guarded=False), _actions(idea))
    return {lang: rule_sentence(small.rules[0], small, lang) for lang in ("zh", "en")}


def _small(ruleset: RuleSet, idea: Idea, conditions: Sequence[Any], then: Sequence[Any]) -> RuleSet:
    """A set of this rule alone."""
    document = {
        "tidegate": "ruleset/1", "id": "idea", "gate": ruleset.gate, "policy": "collect",
        "rules": [{"id": "idea", "title": "idea", "why": "idea", "if": list(conditions), "then": list(then)}],
    }  # fmt: skip
    return read_ruleset(document, ruleset.vocabulary, "idea", unfinished=True)


def _put_new(context: Context, document: set_edits.Document, idea: Idea) -> None:
    """A rule at the head of the place where such choices are made, and a test in which it fires."""
    done = DONE[idea.act]
    rule = {
        "id": idea.rule_id,
        "title": {
            "zh": f"人工常{done[0]}：{idea.target_title['zh']}",
            "en": f"Often {done[1]} by hand: {idea.target_title['en']}",
        },
        "why": why(context, idea),
        "if": _conditions(idea),
        "then": _actions(idea),
    }
    block = _place(document, idea)
    block["rules"] = [rule, *(block.get("rules") or ())]
    ruleset = read_ruleset(document, context.rules.vocabulary, idea.set_id, unfinished=True)
    facts = example_facts(idea.conditions, context.currency)
    if idea.act == CARRIER:
        facts["quotes"] = [{"service": idea.target}]
    found = evaluate(ruleset, facts, DEFAULT_NOW, context.timezone, currency=context.currency)
    expect = {"actions": [one.action for one in found.actions], "fired": list(found.fired)}
    case = {"name": f"{idea.rule_id}：触发", "given": facts, "expect": expect}
    set_edits.put_cases(document, [*(document.get("tests") or ()), case])


def _place(document: set_edits.Document, idea: Idea) -> set_edits.Document:
    """The stage whose rules do what this one does; the last stage where none does."""
    (action,) = [next(iter(one)) if isinstance(one, dict) else one for one in _actions(idea)]
    alike = {"use_service", "choose"} if idea.act == CARRIER else {action}
    blocks = set_edits.blocks(document)
    for block in blocks:
        for rule in block.get("rules") or ():
            for then in rule.get("then") or ():
                if (next(iter(then)) if isinstance(then, dict) else then) in alike:
                    return block
    return blocks[-1]


def _put_exception(context: Context, document: set_edits.Document, idea: Idea) -> None:
    for block in set_edits.blocks(document):
        for place, rule in enumerate(block.get("rules") or ()):
            if rule["id"] == idea.rule_id:
                conditions = [*rule["if"], _exception(idea)]
                told = _and_except(rule.get("why") or "", why(context, idea))
                block["rules"][place] = {**rule, "why": told, "if": conditions}
                return
    raise InputError(
        "ideas.rule_gone",
        zh=f"规则 {idea.rule_id} 已不在草稿里；请刷新。",
        en=f"The rule {idea.rule_id} is no longer in the draft; reload.",
        rule=idea.rule_id,
    )


def _and_except(before: str | Words, why: Words) -> Words:
    """The reason of a rule, one text or two, with that of its exception behind it."""
    own = same(before) if isinstance(before, str) else before
    return {
        "zh": f"{own['zh']}；除外：{why['zh']}".removeprefix("；"),
        "en": f"{own['en']}; except: {why['en']}".removeprefix("; "),
    }
