"""What can be said of a stage before any facts are known: who could give the wanted outcome, and
how."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tidegate.engine.changes.trial import Judged
from tidegate.engine.changes.wants import Want, same
from tidegate.engine.language import tree
from tidegate.engine.rulesets import ActionCall, RuleSet, Stage
from tidegate.engine.settling import CONFLICT_REASON, MISSING_REASON


@dataclass(frozen=True)
class Sources:
    """Where the wanted outcome can come from in one stage: its rules, its `otherwise`, or the
    hold over missing facts or a conflict. `overrides` is whether that hold would displace it.
    """

    stage: Stage
    rules: tuple[Judged, ...]
    otherwise: bool
    missing: bool
    conflict: bool
    overrides: bool
    own_tables: bool  # some table settles its rows by itself
    clashes: bool  # two rules could write one thing at once

    @property
    def any(self) -> bool:
        return bool(self.rules) or self.otherwise or self.missing or self.conflict


def sources_of(ruleset: RuleSet, stage: Stage, rules: Sequence[Judged], want: Want) -> Sources:
    own = any(
        rule.table_policy and not rule.table_policy == stage.policy == "first"
        for rule in stage.rules
    )
    held = _held(ruleset, stage, MISSING_REASON)
    writes = ruleset.vocabulary.actions[want.action].writes
    rival = next((call.action.id for call in held if call.action.writes == writes), want.action)
    clashes = own or _may_clash(stage)
    in_doubt = stage.on_missing == "hold" and stage.policy != "collect"
    contradict = clashes or stage.policy in ("unique", "any")
    return Sources(
        stage,
        tuple(judged for judged in rules if judged.fits is not None),
        _may_ask(stage.otherwise, want),
        (in_doubt or own) and _may_ask(held, want),
        contradict and _may_ask(_held(ruleset, stage, CONFLICT_REASON), want),
        rival != want.action,
        own,
        clashes,
    )


def _held(ruleset: RuleSet, stage: Stage, reason: str) -> Sequence[ActionCall]:
    """What the stage does when facts are missing or rules contradict each other."""
    calls = [call for call in stage.otherwise if "reason" in call.action.args]
    hold = ruleset.vocabulary.actions.get("hold")
    if not calls and hold and "hold" in ruleset.gate_spec.actions:
        defaults = {name: arg.default for name, arg in hold.args.items() if arg.default is not None}
        calls = [ActionCall(hold, defaults)]
    with_reason = [ActionCall(call.action, {**call.args, "reason": reason}) for call in calls]
    return with_reason or stage.otherwise


def _may_ask(calls: Iterable[ActionCall], want: Want) -> bool:
    return any(
        call.action.id == want.action
        and all(
            isinstance(call.args.get(name), tree.Node) or same(call.args.get(name), value)
            for name, value in want.args.items()
        )
        for call in calls
    )


def _may_clash(stage: Stage) -> bool:
    """Whether two rules could stand side by side that write one thing differently."""
    if stage.policy == "first":
        return False
    ranked = set(stage.severity) if stage.policy == "priority" else set()
    writers: dict[str, dict[str, set[str]]] = {}  # what is written, by which action, in which rules
    for rule in stage.rules:
        for call in rule.actions:
            if not call.action.many:
                by_action = writers.setdefault(call.action.writes, {})
                by_action.setdefault(call.action.id, set()).add(rule.id)
    return any(_contradict(by_action, ranked, stage) for by_action in writers.values())


def _contradict(by_action: Mapping[str, set[str]], ranked: set[str], stage: Stage) -> bool:
    """Of the ranked actions only equal ones stand together; several reasons may."""
    for action, rules in by_action.items():
        reasoned = any(
            "reason" in call.action.args
            for rule in stage.rules
            for call in rule.actions
            if call.action.id == action
        )
        if len(rules) > 1 and not reasoned:
            return True
        for other, others in by_action.items():
            if other != action and not {action, other} <= ranked and len(rules | others) > 1:
                return True
    return False
