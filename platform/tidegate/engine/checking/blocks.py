"""Rules that compete under one policy: a stage's own, and each table with a policy of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tidegate.engine.language import tree
from tidegate.engine.operations import wildcard
from tidegate.engine.rulesets import ActionCall, Rule, RuleSet, Stage
from tidegate.engine.values import fold


@dataclass(frozen=True)
class Block:
    """`rules` compete under `policy`. `everyone` are all rules that may decide in the block: with
    the rows of tables which settle among themselves first.
    """

    stage: Stage
    where: str
    policy: str
    on_missing: str
    rules: tuple[Rule, ...]
    everyone: tuple[Rule, ...]
    table: str = ""

    @property
    def patient(self) -> bool:
        """Whether an unknown rule is passed over."""
        return self.on_missing == "skip"


def blocks_of(ruleset: RuleSet) -> Iterator[Block]:
    for stage in ruleset.stages:
        where = stage.id or ruleset.id
        own = tuple(rule for rule in stage.rules if not settles_itself(rule, stage))
        yield Block(stage, where, stage.policy, stage.on_missing, own, stage.rules)
        tables = dict.fromkeys(rule.table for rule in stage.rules if settles_itself(rule, stage))
        for table in tables:
            rows = tuple(rule for rule in stage.rules if rule.table == table)
            passing = stage.policy == "collect" and stage.on_missing == "hold"
            on_missing = "skip" if passing else stage.on_missing
            yield Block(stage, table, rows[0].table_policy, on_missing, rows, rows, table)


def settles_itself(rule: Rule, stage: Stage) -> bool:
    """Whether the rule is a row of a table whose own policy comes before the stage's."""
    return bool(rule.table_policy) and not (rule.table_policy == stage.policy == "first")


def may_be_excluded(ruleset: RuleSet, stage: Stage, rule: Rule) -> bool:
    """Whether an earlier stage may forbid what the rule asks for, so that the next rule gets its
    chance.
    """
    earlier = ruleset.stages[: ruleset.stages.index(stage)]
    calls = [call for s in earlier for r in s.rules for call in r.actions if call.action.excludes]
    return any(_forbids(call, asked) for call in calls for asked in rule.actions)


def _forbids(exclusion: ActionCall, asked: ActionCall) -> bool:
    target = exclusion.action.excludes
    if asked.action.writes != target or asked.action.main != target.partition(".")[2]:
        return False
    pattern, value = exclusion.args.get(exclusion.action.main), asked.args.get(asked.action.main)
    if isinstance(pattern, tree.Node) or isinstance(value, tree.Node):
        return True
    return wildcard(fold(str(value)), fold(str(pattern)))


def rank(stage: Stage, rule: Rule) -> int | None:
    """How severe the rule's outcome is, 0 for the most severe; None if it has none of `severity`."""
    ranks = [
        stage.severity.index(call.action.id)
        for call in rule.actions
        if call.action.id in stage.severity
    ]
    return min(ranks, default=None)


def held_by(ruleset: RuleSet, stage: Stage) -> Sequence[ActionCall]:
    """The actions that hold a subject whose facts are missing."""
    calls = [call for call in stage.otherwise if "reason" in call.action.args]
    hold = ruleset.vocabulary.actions.get("hold")
    if not calls and hold and "hold" in ruleset.gate_spec.actions:
        return [ActionCall(hold, {})]
    return calls or stage.otherwise


def clash(one: ActionCall, other: ActionCall) -> bool:
    """Whether two actions write one thing differently, as far as it can be seen without facts."""
    if one.action.writes != other.action.writes or one.action.many or other.action.many:
        return False
    if one.action.id != other.action.id:
        return True
    return "reason" not in one.args and one.text() != other.text()
