"""The outcome of a stage when nothing is in doubt, without building a verdict.

Returns None where the general way (`settling.py`) must look: conflicts, equal actions, exclusions,
unknown rules that could matter, arguments to compute. What is returned is what the general way
would return; tests hold the two against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tidegate.engine.decisions import Outcome
from tidegate.engine.language import tree
from tidegate.engine.rulesets import OTHERWISE, ActionCall, Rule, RuleSet, Stage
from tidegate.engine.settling import MISSING_REASON, held_calls, held_over

Outcomes = tuple[Outcome, ...]
# indexes of rules that fired, bits of rules known to be unknown, bits of rules that may be
Judgement = tuple[list[int], int, int]


class Doubter(Protocol):
    """Whoever can tell which rules are really unknown."""

    def really(self, maybe: int) -> int:
        """Those of the rules (bits)."""
        ...


Conclude = Callable[[Judgement, Doubter], Outcomes | None]


def constant_outcome(call: ActionCall, rule: str) -> Outcome | None:
    """The outcome of an action without computed arguments."""
    if any(isinstance(value, tree.Node) for value in call.args.values()):
        return None
    args = dict(call.args)
    main = args.get(call.action.main) if call.action.main else True
    return Outcome(call.action.id, args, rule, main, call.action.writes, call.action.many)


def constant_outcomes(calls: Sequence[ActionCall], rule: str) -> Outcomes | None:
    found = tuple(outcome for call in calls if (outcome := constant_outcome(call, rule)))
    return found if len(found) == len(calls) else None


def quick(ruleset: RuleSet, stage: Stage, rules: Sequence[Rule]) -> Conclude | None:
    """The short way for a stage; None when it has none."""
    if any(rule.table_policy for rule in rules):
        return None
    plan = _Plan(ruleset, stage, rules)
    if plan.otherwise is None:
        return None
    return {
        "first": plan.first,
        "unique": plan.single,
        "any": plan.single,
        "priority": plan.priority,
        "collect": plan.collect,
    }[stage.policy]


@dataclass(frozen=True)
class Apart:
    """What each rule says (none at 0), where that is all there is to it: those of `standing` that fired say their own,
    whatever the others do, if one of `deciding` fired and none of `meeting`. All are bits of rules.
    """

    said: list[Outcomes]
    deciding: int
    standing: int
    meeting: int
    always: bool  # nothing else can come


def apart(ruleset: RuleSet, stage: Stage, rules: Sequence[Rule]) -> Apart | None:
    """None for stages in which rules have to look at each other."""
    if stage.policy not in ("collect", "priority") or any(rule.table_policy for rule in rules):
        return None
    plan = _Plan(ruleset, stage, rules)
    every = (1 << len(rules)) - 1
    if stage.policy == "priority":  # with the most severe outcome no doubt about others matters
        deciding, standing = plan.of_rank[0] if plan.of_rank else 0, every
        for bits in plan.of_rank[1:]:
            standing &= ~bits
    elif plan.fails:
        return None
    else:
        deciding = standing = every
    own = [say if standing >> index & 1 else None for index, say in enumerate(plan.outcomes)]
    alone = _never_meet(own)
    meeting = 0
    for index, outcomes in enumerate(plan.outcomes):
        mixed = stage.policy == "priority" and not plan.one_rank[index]
        if outcomes is None or mixed or (standing >> index & 1 and not alone[index]):
            meeting |= 1 << index
    if not deciding & ~meeting:
        return None
    always = stage.policy == "collect" and not meeting and not stage.otherwise
    return Apart([(), *(say or () for say in own)], deciding, standing, meeting, always)


class _Plan:
    def __init__(self, ruleset: RuleSet, stage: Stage, rules: Sequence[Rule]) -> None:
        self.otherwise = constant_outcomes(stage.otherwise, OTHERWISE)
        self.strict = stage.on_missing != "skip"
        self.fails = stage.on_missing == "fail"
        self.outcomes = [constant_outcomes(rule.actions, rule.id) for rule in rules]
        self.clean = [_clean(outcomes) for outcomes in self.outcomes]
        self.alone = _never_meet(self.outcomes)
        self.marks = _marks(self.outcomes)
        rank = {action: index for index, action in enumerate(stage.severity)}
        self.none = len(rank)
        ranks = [{rank.get(call.action.id, self.none) for call in rule.actions} for rule in rules]
        self.rank = [min(own, default=self.none) for own in ranks]
        self.one_rank = [len(own) <= 1 for own in ranks]
        self.of_rank = [0] * self.none  # rules that could give the outcome of a rank
        for index, own in enumerate(ranks):
            for place in own:
                if place < self.none:
                    self.of_rank[place] |= 1 << index
        self.ids = [rule.id for rule in rules]
        self.holding = held_calls(ruleset, stage, MISSING_REASON)
        self.held: dict[int, Outcomes | None] = {}

    def collect(self, judged: Judgement, doubter: Doubter) -> Outcomes | None:
        fired, unclear, maybe = judged
        if self.fails and (unclear or doubter.really(maybe)):
            return None
        if not fired:
            return self.otherwise
        found: Outcomes = ()
        for index in fired:
            if not self.alone[index]:
                return self._together(fired)
            found += self.outcomes[index]  # type: ignore[operator]  # alone only if constant
        return found

    def _together(self, fired: list[int]) -> Outcomes | None:
        """All their actions; of equal ones the first."""
        if len(fired) == 1:
            index = fired[0]
            return self.outcomes[index] if self.clean[index] else None
        found: Outcomes = ()
        written: dict[str, str] = {}
        said: set[int] = set()
        for index in fired:
            if self.alone[index]:
                found += self.outcomes[index]  # type: ignore[operator]  # alone only if constant
                continue
            for own, way, outcome in self.marks[index]:
                if own in said:
                    continue
                if way and written.setdefault(outcome.writes, way) != way:
                    return None
                said.add(own)
                found += (outcome,)
            if self.outcomes[index] is None:
                return None
        return found

    def first(self, judged: Judgement, doubter: Doubter) -> Outcomes | None:
        fired, unclear, maybe = judged
        if self.strict and (unclear or maybe):
            above = (1 << fired[0]) - 1 if fired else -1
            blocker = self._lowest(unclear & above, maybe & above, doubter)
            if blocker >= 0:
                return self._hold((), blocker)
        if not fired:
            return self.otherwise
        for index in fired:  # an argument that can't be known would make the rule unknown
            if self.outcomes[index] is None:
                return None
        return self.outcomes[fired[0]] if self.clean[fired[0]] else None

    def single(self, judged: Judgement, doubter: Doubter) -> Outcomes | None:
        fired, unclear, maybe = judged
        if len(fired) > 1:
            return None
        if fired:
            return self.outcomes[fired[0]] if self.clean[fired[0]] else None
        if self.strict and (unclear or maybe):
            blocker = self._lowest(unclear, maybe, doubter)
            if blocker >= 0:
                return self._hold((), blocker)
        return self.otherwise

    def priority(self, judged: Judgement, doubter: Doubter) -> Outcomes | None:
        fired, unclear, maybe = judged
        best, standing = self.none, []
        for index in fired:
            own = self.rank[index]
            if self.outcomes[index] is None or not self.one_rank[index]:
                return None
            if own < best:
                best = own
        for index in fired:
            if self.rank[index] == best or self.rank[index] == self.none:
                standing.append(index)
        found = self._together(standing) if standing else ()
        if found is None:
            return None
        if self.strict and (unclear or maybe):
            for bits in self.of_rank[:best]:
                blocker = self._lowest(unclear & bits, maybe & bits, doubter)
                if blocker >= 0:
                    return self._hold(found, blocker)
        if best == self.none:
            return found + self.otherwise if self.otherwise else found
        return found

    def _lowest(self, unclear: int, maybe: int, doubter: Doubter) -> int:
        """The first of these rules that is really unknown; -1 for none."""
        waiting = unclear | maybe
        while waiting:
            bit = waiting & -waiting
            if unclear & bit or doubter.really(bit):
                return bit.bit_length() - 1
            waiting ^= bit
        return -1

    def _hold(self, standing: Outcomes, blocker: int) -> Outcomes | None:
        """Held because of an unknown rule; None when that refuses, or has to be computed."""
        if self.fails:
            return None
        if blocker not in self.held:
            self.held[blocker] = constant_outcomes(self.holding, self.ids[blocker])
        held = self.held[blocker]
        if held is None:
            return None
        return tuple(held_over(standing, held, MISSING_REASON)[0])


def _clean(outcomes: Outcomes | None) -> bool:
    """Whether a rule's own actions are all different (one rule may write a thing twice)."""
    if outcomes is None:
        return False
    return not any(
        (one.action, one.args) == (other.action, other.args)
        for place, one in enumerate(outcomes)
        for other in outcomes[place + 1 :]
    )


def _never_meet(all_outcomes: Sequence[Outcomes | None]) -> list[bool]:
    """For each rule, whether none of its actions equals one of another rule's, or writes, not as
    one of many, what another rule writes too.
    """
    said: dict[Hashable, set[int]] = {}
    written: dict[str, set[int]] = {}
    ways: dict[str, set[tuple[str, bool]]] = {}
    for index, outcomes in enumerate(all_outcomes):
        for outcome in outcomes or ():
            said.setdefault(_said(outcome), set()).add(index)
            written.setdefault(outcome.writes, set()).add(index)
            ways.setdefault(outcome.writes, set()).add((outcome.action, "reason" in outcome.args))
    return [
        _clean(outcomes)
        and all(
            len(said[_said(one)]) == 1
            and (
                one.many
                or len(written[one.writes]) == 1
                or ways[one.writes] == {(one.action, True)}  # several holds all stand
            )
            for one in outcomes or ()
        )
        for outcomes in all_outcomes
    ]


def _marks(all_outcomes: Sequence[Outcomes | None]) -> list[list[tuple[int, str, Outcome]]]:
    """For each action: a number equal for equal actions, the way in which it writes (equal ways
    go together, empty goes with any), and the outcome.
    """
    numbers: dict[Hashable, int] = {}

    def mark(one: Outcome) -> tuple[int, str, Outcome]:
        own = numbers.setdefault(_said(one), len(numbers))
        if one.many:
            return own, "", one
        return own, one.action if "reason" in one.args else str(own), one

    return [[mark(one) for one in outcomes or ()] for outcomes in all_outcomes]


def _said(outcome: Outcome) -> Hashable:
    """Equal for actions that are equal."""
    args = tuple(sorted(outcome.args.items(), key=lambda item: item[0]))
    try:
        hash(args)
    except TypeError:
        return outcome.action, repr(args)
    return outcome.action, args
