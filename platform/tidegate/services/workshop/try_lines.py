"""What a set said, rule by rule, in the order in which a person wants to read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from tidegate.engine.decisions import INACTIVE, UNKNOWN, LeafTrace, RuleTrace
from tidegate.engine.decisions import Decision as Decided
from tidegate.engine.evaluation import Context as Evaluation
from tidegate.engine.evaluation import context_of
from tidegate.engine.reference import active, judge
from tidegate.engine.rulesets import Rule, RuleSet
from tidegate.services.context import Context
from tidegate.services.view_decisions import DecisionView, RuleLine, decision_view
from tidegate.services.view_lexicon import lexicon
from tidegate.services.view_names import Words
from tidegate.services.workshop.leaf_values import LineShown, line_values, short_values
from tidegate.services.workshop.trial_sets import Answer, Trial
from tidegate.services.workshop.try_subjects import Subject
from tidegate.store.tables import Decision

NEAR, LOST, RESTING, QUIET = 6, 10, 3, 200


@dataclass(frozen=True, slots=True)
class LeafShown:
    """One condition: `first` is the one the rule stopped at."""

    sentence: Words
    text: str
    result: str
    values: Words
    first: bool
    lines: Sequence[LineShown]


@dataclass(frozen=True, slots=True)
class Line:
    """One rule. `kind` is mine, fired, unknown, lost, near, resting (switched off or out of its days) or
    quiet; `off`: it is switched off; `since` is a first day yet to come, `until` a last day that is over.
    """

    rule: RuleLine
    kind: str
    leaves: Sequence[LeafShown]
    off: bool = False
    since: date | None = None
    until: date | None = None

    @property
    def short(self) -> Words | None:
        """What stopped it, for the end of its line."""
        first = next((leaf for leaf in self.leaves if leaf.first), None)
        if first is None or not first.lines:
            return first.values if first else None
        failed = [one for one in first.lines if one.result != "true"]
        return failed[0].values if len(failed) == 1 else None


@dataclass(frozen=True, slots=True)
class Said:
    """`lines` in reading order; `quiet` are rules far from firing, `more` counts those not even listed."""

    view: DecisionView
    lines: Sequence[Line]
    quiet: Sequence[Line]
    more: int


def lines_of(
    context: Context, trial: Trial, answer: Answer, subject: Subject, mine: str, whole: bool
) -> Said:
    """`mine` is the rule that is being edited; `whole` lists the quiet ones too where there are many."""
    making = _Making(context, trial, answer, subject)
    shown = making.chosen(mine)
    taken = {rule_id for rule_id, _ in shown}
    quiet = [rule.id for rule in trial.ruleset.written if rule.id not in taken]
    inline = quiet if whole or len(trial.ruleset.rules) <= 60 else []
    view = making.view([rule_id for rule_id, _ in shown] + inline[:QUIET])
    made = {line.id: line for line in view.rules}
    return Said(
        view,
        [making.line(made[rule_id], kind) for rule_id, kind in shown if rule_id in made],
        [making.line(made[rule_id], "quiet") for rule_id in inline[:QUIET] if rule_id in made],
        len(quiet) - len(inline[:QUIET]),
    )


def outcome(decision: Decided, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What a decision is shown from, with just these rules."""
    return {
        "actions": [one.as_document() for one in decision.actions],
        "overridden": [one.as_document() for one in decision.overridden],
        "missing": list(decision.missing),
        "rules": list(rows),
    }


class _Making:
    def __init__(self, context: Context, trial: Trial, answer: Answer, subject: Subject) -> None:
        self.ruleset: RuleSet = trial.ruleset
        self.answer, self.subject = answer, subject
        self.evaluation: Evaluation = context_of(
            trial.ruleset, subject.facts, subject.at, context.timezone, context.currency
        )
        self.traces: dict[str, RuleTrace] = {one.rule.id: one for one in answer.decision.rules}
        self.off = {rule.id for stage in trial.ruleset.stages for _, rule in stage.off}
        self.rules: Mapping[str, Rule] = {rule.id: rule for rule in trial.ruleset.written}

    def chosen(self, mine: str) -> list[tuple[str, str]]:
        """(rule, kind), each rule once, in reading order."""
        lost = [one.outcome.rule for one in self.answer.decision.overridden]
        resting = [rule.id for rule in self.ruleset.written if self.rests(rule)]
        fired = [name for name in self.answer.fired if name not in lost]
        found: dict[str, str] = {}
        for kind, names in (
            ("mine", [mine] if mine in self.rules else []), ("fired", fired[:LOST]),
            ("unknown", self.answer.unknown[:LOST]), ("lost", lost[:LOST]),
            ("near", [name for name in self.answer.near if self.telling(name)][:NEAR]),
            ("resting", resting[:RESTING]),
        ):  # fmt: skip
            for name in names:
                if name in self.rules:
                    found.setdefault(name, kind)
        return list(found.items())

    def telling(self, name: str) -> bool:
        """A rule with one condition is always one condition away."""
        rule = self.rules.get(name)
        return rule is not None and len(rule.leaves) > 1 and name not in self.answer.unknown

    def rests(self, rule: Rule) -> bool:
        return rule.id in self.off or not active(rule, self.evaluation.now, self.evaluation.zone)

    def view(self, names: Iterable[str]) -> DecisionView:
        """The decision as a page shows it, with these rules; nothing of it is stored."""
        decision = self.answer.decision
        rows: list[dict[str, Any]] = []
        wanted = list(dict.fromkeys(names))
        for name in wanted:
            trace = self.trace(name)
            leaves = [decision.leaf(leaf, "zh") for leaf in trace.leaves]
            said = {"id": name, "title": trace.rule.title["zh"], "result": trace.result}
            rows.append({**said, "leaves": leaves})
        actions = decision.actions
        verdict = next(
            (a.action for a in actions if not a.many), actions[0].action if actions else "none"
        )
        deciding = [one.rule for one in actions] + [one.by for one in decision.overridden]
        words = lexicon(
            self.ruleset, [self.rules[n] for n in (*wanted, *deciding) if n in self.rules]
        )
        row = Decision(
            id=0, gate=self.ruleset.gate, ruleset_id=self.ruleset.id, ruleset_hash="", facts={},
            trigger="tried", verdict=verdict, decided_at=self.subject.at, result=outcome(decision, rows), applied=True,
        )  # fmt: skip
        return decision_view(row, words)

    def trace(self, name: str) -> RuleTrace:
        """Of any rule: also of one that is switched off, as if it were not."""
        rule = self.rules[name]
        known = self.traces.get(name)
        if known is None or known.result == INACTIVE:
            known, _ = judge(rule, self.evaluation)
        if self.rests(rule):
            known = RuleTrace(rule, INACTIVE, known.leaves, known.unknown)
        self.traces[name] = known
        return known

    def line(self, row: RuleLine, kind: str) -> Line:
        rule, trace = self.rules[row.id], self.traces[row.id]
        rests = self.rests(rule)
        if rests and kind != "mine":
            kind = "resting"
        leaves = [
            self.leaf(shown, own) for shown, own in zip(row.leaves, trace.leaves, strict=True)
        ]
        today = self.evaluation.now.astimezone(self.evaluation.zone).date()
        return Line(
            row, kind, leaves, rule.id in self.off,
            rule.active_from if rule.active_from and today < rule.active_from else None,
            rule.active_to if rule.active_to and rule.active_to < today else None,
        )  # fmt: skip

    def leaf(self, row: Any, trace: LeafTrace) -> LeafShown:
        short = short_values(self.ruleset, trace, self.evaluation)
        failed = row.first and row.result in ("false", UNKNOWN)
        lines = line_values(trace, self.evaluation, self.subject.lines) if failed else ()
        values = short if short["zh"] else row.values
        return LeafShown(row.sentence, row.text, row.result, values, row.first, lines)
