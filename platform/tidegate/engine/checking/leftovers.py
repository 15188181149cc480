"""What a set names and nothing uses: parameters, lists, derived facts, outcomes; and names that
mean nothing any more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from tidegate.engine.checking.findings import ERROR, WARNING, Finding, about
from tidegate.engine.language import tree
from tidegate.engine.operations import wildcard
from tidegate.engine.problems import hint, nearest
from tidegate.engine.rulesets import ActionCall, Rule, RuleSet
from tidegate.engine.values import fold

Known = Mapping[str, Collection[str]]


def unused(ruleset: RuleSet) -> Iterator[Finding]:
    used = {
        (type(part), part.id)
        for node in _nodes(ruleset)
        for part in tree.walk(node)
        if hasattr(part, "id")
    }
    groups: list[tuple[type[tree.Node], str, str, Iterable[str]]] = [
        (tree.Parameter, "参数", "parameter", ruleset.parameters),
        (tree.ListName, "列表", "list", ruleset.lists),
        (tree.Derived, "派生事实", "derived fact", ruleset.derive),
    ]
    for kind, zh, en, names in groups:
        for name in names:
            if (kind, name) not in used:
                yield Finding(
                    WARNING,
                    "check.unused",
                    name,
                    f"{zh} {name} 没有被任何规则使用",
                    f"no rule uses the {en} {name}",
                )


def _nodes(ruleset: RuleSet) -> Iterator[tree.Node]:
    yield from (derived.node for derived in ruleset.derive.values())
    for stage in ruleset.stages:
        for rule in stage.rules:
            yield from (leaf.node for leaf in rule.leaves)
        for call in (call for rule in stage.rules for call in rule.actions):
            yield from (value for value in call.args.values() if isinstance(value, tree.Node))
        for call in stage.otherwise:
            yield from (value for value in call.args.values() if isinstance(value, tree.Node))


def impossible_outcomes(ruleset: RuleSet) -> Iterator[Finding]:
    """Outcomes the set names and that no rule gives."""
    for stage in ruleset.stages:
        given = {call.action.id for rule in stage.rules for call in rule.actions}
        given |= {call.action.id for call in stage.otherwise}
        if stage.on_missing == "hold":
            given.add("hold")
        for action in stage.severity:
            if action not in given:
                yield Finding(
                    WARNING,
                    "check.outcome_impossible",
                    stage.id or ruleset.id,
                    f"severity 中的 {action} 没有规则能给出",
                    f"severity names {action}, but no rule gives it",
                )


def expired(ruleset: RuleSet, now: datetime, zone: ZoneInfo) -> Iterator[Finding]:
    """Rules whose last day has passed."""
    today = now.astimezone(zone).date()
    for rule in ruleset.rules:
        if rule.active_to is not None and rule.active_to < today:
            yield about(
                WARNING,
                "check.expired",
                rule,
                f"只到 {rule.active_to} 有效，不会再起作用；请删除或改日期",
                f"it was active until {rule.active_to} and decides nothing any more; remove it or "
                f"change the date",
            )


def dead_references(ruleset: RuleSet, known: Known) -> Iterator[Finding]:
    """Arguments that name something which isn't there. `known` maps an argument (`service`, or
    `use_service.service` for one action only) to the names that exist.
    """
    for stage in ruleset.stages:
        for rule in stage.rules:
            for call in rule.actions:
                yield from _dead(ruleset, rule, call, known)
        for call in stage.otherwise:
            yield from _dead(ruleset, None, call, known)


def _dead(ruleset: RuleSet, rule: Rule | None, call: ActionCall, known: Known) -> Iterator[Finding]:
    for name, value in call.args.items():
        names = known.get(f"{call.action.id}.{name}", known.get(name))
        if names is None or not isinstance(value, str) or _exists(call, value, names):
            continue
        zh, en = hint(nearest(value, names))
        said = (
            f"动作 {call.action.id} 的 {name}“{value}”已不存在{zh}",
            f"the {name} “{value}” of {call.action.id} doesn't exist any more{en}",
        )
        if rule is not None:
            yield about(ERROR, "check.dead_reference", rule, *said)
        else:
            where = f"otherwise：{said[0]}", f"otherwise: {said[1]}"
            yield Finding(ERROR, "check.dead_reference", ruleset.id, *where)


def _exists(call: ActionCall, value: str, names: Collection[str]) -> bool:
    if call.action.excludes:  # an exclusion may name several at once
        return any(wildcard(fold(name), fold(value)) for name in names)
    return any(fold(name) == fold(value) for name in names)
