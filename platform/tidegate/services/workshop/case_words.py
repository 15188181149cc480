"""What a test expected and what came, in words, and what a test is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tidegate.engine.cases import CaseResult, Difference
from tidegate.engine.decisions import Decision
from tidegate.engine.language.sentences import sentence
from tidegate.engine.mutation import Mutant
from tidegate.engine.proposals import Proposal
from tidegate.engine.rulesets import Rule, RuleSet
from tidegate.engine.values import plain
from tidegate.services.view_names import Words, action_title, field_title, reason_title, same

LANGUAGES = ("zh", "en")
NOTHING = {"zh": "什么都不做", "en": "nothing"}
_KEYS: Mapping[str, Words] = {
    "actions": {"zh": "应当做", "en": "expected to do"},
    "fired": {"zh": "应当触发", "en": "expected to fire"},
    "not_fired": {"zh": "不应触发", "en": "expected not to fire"},
    "reasons": {"zh": "原因应为", "en": "expected reasons"},
    "missing": {"zh": "应当缺", "en": "expected to miss"},
}
_NOTHING = {"actions": NOTHING}
_NONE = {"zh": "无", "en": "none"}


def differences(ruleset: RuleSet, result: CaseResult) -> Iterator[tuple[str, Words]]:
    """(the key of the expectation, what was wanted and what came) for each that was not met."""
    for one in result.differences:
        told = _told(ruleset, one, result)
        yield one.key, told or {"zh": one.zh, "en": one.en}


def _told(ruleset: RuleSet, one: Difference, result: CaseResult) -> Words | None:
    decision, wanted = result.decision, result.case.expect.get(one.key)
    if decision is None:
        return None
    if one.key in _KEYS:
        want, came = _listed(wanted), _came(one.key, decision)
        lead = _KEYS[one.key]
        texts = {
            lang: (_names(ruleset, one.key, want, lang), _names(ruleset, one.key, came, lang))
            for lang in LANGUAGES
        }
    elif one.key in ruleset.vocabulary.actions:
        title = action_title(one.key)
        lead = {"zh": f"{title['zh']}应为", "en": f"expected {title['en'].lower()}"}
        came = [o.main for o in decision.actions if o.action == one.key]
        texts = {
            lang: (
                _names(ruleset, "main", _listed(wanted), lang),
                _names(ruleset, "main", came, lang),
            )
            for lang in LANGUAGES
        }
    else:
        return None
    return {
        "zh": f"{lead['zh']}：{texts['zh'][0]}；实际：{texts['zh'][1]}",
        "en": f"{lead['en'][:1].upper()}{lead['en'][1:]}: {texts['en'][0]}; came: {texts['en'][1]}",
    }


def _both(
    ruleset: RuleSet, key: str, want: Sequence[Any], came: Sequence[Any]
) -> Mapping[str, tuple[str, str]]:
    return {
        lang: (_names(ruleset, key, want, lang), _names(ruleset, key, came, lang))
        for lang in LANGUAGES
    }


def _listed(wanted: object) -> list[Any]:
    if wanted is None:
        return []
    return list(wanted) if isinstance(wanted, list | tuple) else [wanted]


def _came(key: str, decision: Decision) -> Sequence[Any]:
    found: Mapping[str, Sequence[Any]] = {
        "actions": [one.action for one in decision.actions],
        "fired": list(decision.fired),
        "not_fired": list(decision.fired),
        "reasons": [one.args["reason"] for one in decision.actions if "reason" in one.args],
        "missing": list(decision.missing),
    }
    return found[key]


def _names(ruleset: RuleSet, key: str, found: Sequence[Any], lang: str) -> str:
    if not found:
        return _NOTHING.get(key, _NONE)[lang]
    said = [_name(ruleset, key, str(plain(one)), lang) for one in found]
    return {"zh": "、", "en": ", "}[lang].join(said)


def _name(ruleset: RuleSet, key: str, one: str, lang: str) -> str:
    if key == "actions":
        return action_title(one)[lang]
    if key in ("fired", "not_fired"):
        return rule_title(ruleset, one)[lang]
    return field_title(one)[lang] if key == "missing" else reason_title(one)[lang]


def rule_title(ruleset: RuleSet, rule_id: str) -> Words:
    """A rule's title, its id where it has none."""
    rule = next((one for one in ruleset.written if one.id == rule_id), None)
    if rule is None or not rule.title.get("zh"):
        return same(rule_id)
    return {lang: rule.title.get(lang) or rule.title["zh"] for lang in LANGUAGES}


# proposals


def proposal_name(ruleset: RuleSet, proposal: Proposal) -> Words:
    """`《大额转人工》差一点：订单金额大于 500 元`."""
    titles = [rule_title(ruleset, rule) for rule in proposal.rules]
    about = _condition(ruleset, proposal)
    zh, en = titles[0]["zh"], titles[0]["en"]
    tail = {
        lang: f"{ {'zh': '：', 'en': ': '}[lang] }{about[lang]}" if about else ""
        for lang in LANGUAGES
    }
    if proposal.kind == "overlap":
        return {
            "zh": f"《{zh}》和《{titles[-1]['zh']}》同时满足",
            "en": f"“{en}” and “{titles[-1]['en']}” together",
        }
    if proposal.kind == "fires":
        return {"zh": f"《{zh}》触发", "en": f"“{en}” fires"}
    if proposal.kind == "short":
        return {"zh": f"《{zh}》差一点{tail['zh']}", "en": f"just short of “{en}”{tail['en']}"}
    beyond = " at or beyond: " in proposal.case.name
    return {
        "zh": f"《{zh}》{'刚好到' if beyond else '刚好不到'}{tail['zh']}",
        "en": f"“{en}” {'at or beyond' if beyond else 'just before'}{tail['en']}",
    }


def _condition(ruleset: RuleSet, proposal: Proposal) -> Words | None:
    """The condition a proposal is about, in words."""
    text = proposal.case.name.partition(": ")[2]
    rule: Rule | None = next((r for r in ruleset.rules if r.id == proposal.rules[0]), None)
    leaf = next((leaf for leaf in rule.leaves if leaf.text == text), None) if rule else None
    if leaf is None:
        return None
    return {lang: sentence(leaf.node, ruleset, lang) for lang in LANGUAGES}


# mutants


def mutant_sentence(ruleset: RuleSet, mutant: Mutant) -> Words:
    """`如果把“订单金额大于 500 元”改成“订单金额不小于 500 元”，没有测试会发现`."""
    before, after = ({"zh": text, "en": text} for text in (mutant.before, mutant.after))
    said = [{lang: sentence(node, ruleset, lang) for lang in LANGUAGES} for node in mutant.nodes]
    if said:
        before, after = said[0], said[-1]
    where = rule_title(ruleset, mutant.rule) if mutant.rule else None
    zh = f"《{where['zh']}》" if where else ""
    en = f" in “{where['en']}”" if where else ""
    if mutant.what == "condition":
        return {
            "zh": f"{zh}如果去掉“{before['zh']}”，没有测试会发现",
            "en": f"If “{before['en']}” were left out{en}, no test would notice",
        }
    if mutant.what == "argument":
        action, value = _argument(ruleset, mutant)
        return {
            "zh": f"{zh}如果“{action['zh']}”不再是“{value}”，没有测试会发现",
            "en": f"If “{action['en']}” were no longer “{value}”{en}, no test would notice",
        }
    if mutant.what == "list":
        name, _, member = mutant.before.partition(": ")
        title = ruleset.lists[name].title if name in ruleset.lists else same(name)
        return {
            "zh": f"如果名单“{title.get('zh') or name}”里没有“{member}”，没有测试会发现",
            "en": f"If “{member}” were not in the list “{title.get('en') or name}”, no test would notice",
        }
    return {
        "zh": f"{zh}如果“{before['zh']}”变成“{after['zh']}”，没有测试会发现",
        "en": f"If “{before['en']}” became “{after['en']}”{en}, no test would notice",
    }


def _argument(ruleset: RuleSet, mutant: Mutant) -> tuple[Words, str]:
    """`转人工的队列` and the value it has."""
    path, _, value = mutant.before.partition(": ")
    name, _, argument = path.partition(".")
    action = ruleset.vocabulary.actions.get(name)
    spec = action.args.get(argument) if action else None
    if action is None or spec is None:
        return same(path), value
    title = spec.title or same(argument)
    return {
        "zh": f"{action.title['zh']}的{title.get('zh', argument)}",
        "en": f"{action.title['en']}: {str(title.get('en', argument)).lower()}",
    }, value
