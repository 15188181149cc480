"""One subject tried on the set as it stands in the draft: an order of the shop, a saved case, or facts by hand.

Nothing is written: no order, stock, decision or job.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from tidegate.engine.decisions import FIRED, UNKNOWN
from tidegate.errors import InputError, NotFound
from tidegate.services.context import Context
from tidegate.services.view_decisions import DecisionView, decision_view
from tidegate.services.view_lexicon import lexicon
from tidegate.services.view_names import Words, action_title
from tidegate.services.workshop import drafts, fact_boxes, trial_sets, try_subjects, try_ways
from tidegate.services.workshop.fact_boxes import BoxGroup
from tidegate.services.workshop.live_sets import live_set
from tidegate.services.workshop.trial_sets import Answer, Trial
from tidegate.services.workshop.try_lines import Line, Said, lines_of, outcome
from tidegate.services.workshop.try_subjects import (
    Subject,
    base_subject,
    case_subject,
    order_subject,
)
from tidegate.store.tables import Decision

__all__ = [
    "Subject", "case_subject", "first_order", "hand", "hand_subject", "order_subject", "row_marks",
    "run", "subject_of", "ways",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tried:
    """`live` is what decides now says where the two differ; `unsaved` why a rule that is being written could
    not be tried with it (None: it was, or there was none); `mine` is the rule being edited.
    """

    subject: Subject
    view: DecisionView
    live: DecisionView | None
    lines: Sequence[Line]
    quiet: Sequence[Line]
    more: int
    outcomes: Sequence[tuple[str, Words]]
    unsaved: Words | None
    rules: int
    mine: str


def subject_of(context: Context, set_id: str, form: Mapping[str, str]) -> Subject | None:
    """What a form of the panel asks to try: `tab` with `subject`, `case` or boxes; None when nothing is chosen.

    Raises:
        NotFound: the order or the case is gone.
    """
    tab = form.get("tab", "orders")
    if tab == "cases":
        return case_subject(context, set_id, form["case"]) if form.get("case") else None
    if tab == "hand":
        return hand(context, set_id, form)
    chosen = form.get("subject", "")
    if not chosen.isdigit() or len(chosen) > 18:
        return None
    return order_subject(context, set_id, int(chosen))


def hand_subject(
    context: Context, set_id: str, form: Mapping[str, str], facts: str = ""
) -> Subject:
    """Facts by hand: the boxes of a form, or a whole document as JSON text.

    Raises:
        InputError: the text is no fact document.
    """
    if not facts:
        return try_subjects.hand_subject(context, set_id, form)
    return Subject("hand", "", trial_sets.document_from(facts), context.clock())


def ways(
    context: Context, set_id: str, subject: Subject, want: str, rule: str = ""
) -> try_ways.Ways:
    """What would give the outcome; see `try_ways`. Raises InputError."""
    return try_ways.ways(context, set_id, subject, want, rule)


def first_order(context: Context, set_id: str, ids: Sequence[int]) -> Subject | None:
    """The first of some orders that can be tried here."""
    for order_id in ids:
        with suppress(InputError):
            return order_subject(context, set_id, order_id)
    return None


def hand(context: Context, set_id: str, form: Mapping[str, str]) -> Subject:
    """Facts by hand, over the order, the case or the changed order they began with. Raises NotFound."""
    base = base_subject(context, set_id, form.get("base", ""))
    number, want = form.get("way", ""), form.get("way_want", "")
    if base is not None and number.isdigit() and want:
        rule = form.get("rule_document", "")
        base = try_ways.made(context, set_id, base, want, int(number[:3]), rule)
    return try_subjects.hand_subject(context, set_id, form, base)


def boxes(
    context: Context, set_id: str, subject: Subject | None, typed: Mapping[str, str]
) -> list[BoxGroup]:
    """The form for facts by hand, filled with the subject's; what was typed wrong stays."""
    wrong = subject.wrong if subject else {}
    return fact_boxes.boxes(
        drafts.working_set(context, set_id), subject.facts if subject else {}, context.timezone,
        typed=typed if wrong else {}, wrong=wrong,
    )  # fmt: skip


def run(
    context: Context,
    set_id: str,
    subject: Subject,
    rule: str = "",
    mine: str = "",
    whole: bool = False,
) -> Tried:
    """What the set says about the subject, rule by rule. `rule` is the plain document of a rule that is
    being written, as JSON, tried in its place; `mine` the id of the edited one; `whole` lists all rules.

    Raises:
        NotFound: no such set.
        InputError: a fact has a value of the wrong kind.
    """
    trial = trial_sets.with_rule(context, drafts.working_set(context, set_id), rule)
    mine = trial.rule or mine
    answer = trial_sets.ask(trial, subject.facts, subject.at, context, [mine] if mine else ())
    said = lines_of(context, trial, answer, subject, mine, whole)
    actions = context.rules.vocabulary.gates[trial.ruleset.gate].actions
    return Tried(
        subject, said.view, _live(context, set_id, trial, subject, said), said.lines, said.quiet,
        said.more, [(name, action_title(name)) for name in actions], trial.unsaved,
        len(trial.ruleset.rules), mine,
    )  # fmt: skip


def _live(
    context: Context, set_id: str, trial: Trial, subject: Subject, said: Said
) -> DecisionView | None:
    """What decides now says of it, where that is something else."""
    live = live_set(context, set_id)
    if live is None or (trial.saved is None and live.hash == trial.ruleset.hash):
        return None
    answer = trial_sets.ask(Trial(live), subject.facts, subject.at, context, ())
    actions = answer.decision.actions
    verdict = next(
        (a.action for a in actions if not a.many), actions[0].action if actions else "none"
    )
    deciding = {one.rule for one in actions}
    row = Decision(
        id=0, gate=live.gate, ruleset_id=live.id, ruleset_hash=live.hash, facts={}, trigger="tried",
        verdict=verdict, decided_at=subject.at, applied=True,
        result=outcome(answer.decision, [
            {"id": rule.id, "title": rule.title["zh"], "result": FIRED, "leaves": []}
            for rule in live.rules if rule.id in deciding
        ]),
    )  # fmt: skip
    view = decision_view(row, lexicon(live, [rule for rule in live.rules if rule.id in deciding]))
    here = said.view
    same = (view.verdict, view.headline, view.deciding_rule) == (
        here.verdict, here.headline, here.deciding_rule,
    )  # fmt: skip
    return None if same else view


def row_marks(context: Context, set_id: str, table: str, subject: Subject) -> Mapping[str, str]:
    """What each row of a table did on the subject, by row id: won, lost (it matched, another won), unknown or
    not.

    Raises:
        NotFound: no such set or table.
        InputError: a fact has a value of the wrong kind.
    """
    ruleset = drafts.working_set(context, set_id)
    if table not in ruleset.tables:
        raise NotFound(
            "rules.no_rule",
            zh=f"没有 {table}；可能已改名或删除。",
            en=f"There is no {table}; it may have been renamed or removed.",
            id=table,
        )
    rows = [rule.id for rule in ruleset.rules if rule.table == table]
    answer = trial_sets.ask(Trial(ruleset), subject.facts, subject.at, context, rows)
    return {name.partition(".")[2]: _mark(answer, name) for name in rows}


def _mark(answer: Answer, name: str) -> str:
    lost = {one.outcome.rule for one in answer.decision.overridden}
    if name in lost:
        return "lost"
    trace = answer.decision.trace(name)
    return {FIRED: "won", UNKNOWN: "unknown"}.get(trace.result, "not")
