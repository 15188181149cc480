"""Conditions, rules and whole sets as sentences for people, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping

from tidegate.engine.language import tree
from tidegate.engine.language.speaking import Speaker
from tidegate.engine.language.wording import constant, join
from tidegate.engine.rulesets import ActionCall, Condition, Leaf, Rule, RuleSet, Stage
from tidegate.engine.vocabulary import Action

_POLICIES = {
    "first": ("从上到下，第一条成立的规则生效", "the first rule that holds, top to bottom, acts"),
    "unique": (
        "最多一条规则成立，成立的那条生效；同时成立两条即为冲突",
        "at most one rule may hold, and it acts; two at once are a conflict",
    ),
    "any": (
        "成立的规则结论必须一致，不一致即为冲突",
        "the rules that hold must say the same; otherwise it is a conflict",
    ),
    "priority": (
        "每条规则都判断，最严重的结论生效（从重到轻：{0}）",
        "every rule is tried, and the most severe outcome stands (most severe first: {0})",
    ),
    "collect": ("所有成立的规则都生效", "all rules that hold act"),
    "stages": ("分阶段依次判断", "its stages are decided one after another"),
}
_ON_MISSING = {
    "hold": ("关键信息缺失时转人工", "when facts that matter are missing, it is held"),
    "skip": (
        "信息缺失的规则当作不成立",
        "a rule whose facts are missing counts as not holding",
    ),
    "fail": ("信息缺失时拒绝判断", "when facts are missing, deciding is refused"),
}


def sentence(node: tree.Node, ruleset: RuleSet, lang: str = "zh") -> str:
    """One condition in words, with the values of parameters put in."""
    return _speaker(ruleset, lang).condition(node)


def rule_sentence(rule: Rule, ruleset: RuleSet, lang: str = "zh") -> str:
    """A rule or a table's row: `如果 … ，则 …` / `If …, then …`."""
    speaker = _speaker(ruleset, lang)
    condition = group_said(speaker, rule.condition)
    actions = actions_said(speaker, rule.actions)
    period = _period(rule, speaker.zh)
    if speaker.zh:
        then = actions or "什么都不做"
        return period + (f"如果{condition}，则{then}" if condition else f"总是{then}")
    then = actions or "nothing happens"
    said = f"if {condition}, then {then}" if condition else f"always {then}"
    return f"{period}{said}" if period else said[:1].upper() + said[1:]


def condition_sentence(condition: Condition, ruleset: RuleSet, lang: str = "zh") -> str:
    """A whole `if`, without its actions; empty when there is no condition."""
    return group_said(_speaker(ruleset, lang), condition)


def action_sentence(call: ActionCall, ruleset: RuleSet, lang: str = "zh") -> str:
    """One action with its arguments: `转人工：地址可疑（队列：人工审核）`."""
    return _action(_speaker(ruleset, lang), call)


def derived_sentence(name: str, ruleset: RuleSet, lang: str = "zh") -> str:
    """What a derived fact stands for."""
    derived = ruleset.derive[name]
    title = derived.title["zh" if _chinese(lang) else "en"]
    said = sentence(derived.node, ruleset, lang)
    return f"“{title}”指：{said}" if _chinese(lang) else f"“{title}” means: {said}"


def stage_sentences(stage: Stage, ruleset: RuleSet, lang: str = "zh") -> tuple[str, ...]:
    """How a stage (or a set without stages) decides: its policy, what happens when no rule
    decides, what a missing fact means.
    """
    speaker = _speaker(ruleset, lang)
    titles = [speaker.title(ruleset.vocabulary.actions[a].title) for a in stage.severity]
    policy = speaker.pick(_POLICIES[stage.policy]).format(
        ("、" if speaker.zh else ", ").join(titles)
    )
    otherwise = actions_said(speaker, stage.otherwise)
    rest = (
        f"没有规则给出结论时：{otherwise or '什么都不做'}"
        if speaker.zh
        else f"when no rule decides: {otherwise or 'nothing happens'}"
    )
    found = (policy, rest, speaker.pick(_ON_MISSING[stage.on_missing]))
    return found if speaker.zh else tuple(text[:1].upper() + text[1:] for text in found)


def group_said(speaker: Speaker, condition: Condition) -> str:
    """A group of conditions; `any` and `none` stand in brackets inside a longer sentence."""
    last = condition.parts[-1] if condition.parts else None
    parts = [
        speaker.part(part.node, part is last or len(condition.parts) == 1)
        if isinstance(part, Leaf)
        else group_said(speaker, part)
        for part in condition.parts
    ]
    if condition.kind == "none":
        return _none(speaker, parts)
    word = ("且", "and") if condition.kind == "all" else ("或", "or")
    said = speaker.joined(parts, word)
    return speaker.bracketed(said) if condition.kind == "any" and len(parts) > 1 else said


def _none(speaker: Speaker, parts: list[str]) -> str:
    listed = ("；" if speaker.zh else "; ").join(parts)
    if len(parts) == 1:
        return f"并非（{listed}）" if speaker.zh else f"it is not so that ({listed})"
    return f"以下都不成立（{listed}）" if speaker.zh else f"none of these holds ({listed})"


def actions_said(speaker: Speaker, calls: tuple[ActionCall, ...]) -> str:
    said = [_action(speaker, call) for call in calls]
    return ("，" if speaker.zh else " and ").join(said)


def _action(speaker: Speaker, call: ActionCall) -> str:
    action = call.action
    title = speaker.title(action.title)
    args = {name: _argument(speaker, value) for name, value in call.args.items()}
    main = args.pop(action.main, "")
    rest = [_named(speaker, action, name, said) for name, said in args.items()]
    text = title + ((f"：{main}" if speaker.zh else f": {main}") if main else "")
    if not rest:
        return text
    return f"{text}（{'，'.join(rest)}）" if speaker.zh else f"{text} ({', '.join(rest)})"


def _named(speaker: Speaker, action: Action, name: str, said: str) -> str:
    title = speaker.title(action.args[name].title)
    return f"{title}：{said}" if speaker.zh else f"{title}: {said}"


def _argument(speaker: Speaker, value: object) -> str:
    """A constant as people call it: codes of reasons, queues and services by their titles."""
    if isinstance(value, tree.Node):
        return speaker.say(value)
    if isinstance(value, str):
        return speaker.ruleset.vocabulary.reason(value, "zh" if speaker.zh else "en")
    if isinstance(value, tuple):
        return ("、" if speaker.zh else ", ").join(str(member) for member in value)
    if isinstance(value, (Mapping, list)):
        return str(value)
    return constant(value, speaker.zh)


def _period(rule: Rule, zh: bool) -> str:
    start, end = rule.active_from, rule.active_to
    if start and end:
        return f"{start} 至 {end} 期间，" if zh else f"From {start} to {end}, "
    if start:
        return f"自 {start} 起，" if zh else f"From {start} on, "
    if end:
        return join("截至", str(end), "，") if zh else f"Until {end}, "
    return ""


def _chinese(lang: str) -> bool:
    return lang.lower().startswith("zh")


def _speaker(ruleset: RuleSet, lang: str) -> Speaker:
    return Speaker(ruleset, _chinese(lang))
