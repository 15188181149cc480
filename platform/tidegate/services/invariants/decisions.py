"""I12: the rules that decided are kept as they were, and asked again they say the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import func, select

from tidegate.services.full_traces import asked_again
from tidegate.services.invariants.checks import Invariant, Look
from tidegate.store.tables import Decision, RulesetContent

SAMPLE = 200  # decisions asked again a run: the newest, and as many spread over all


def _repeatable(look: Look) -> Iterator[str]:
    session = look.work.session
    kept = select(RulesetContent.hash).where(
        RulesetContent.hash == Decision.ruleset_hash, RulesetContent.content != ""
    )
    yield from look.ids("decision", select(Decision.id).where(~kept.exists()))
    for decision in session.scalars(select(Decision).where(Decision.id.in_(_sample(look)))):
        if asked_again(look.context, session, decision) is False:
            yield f"decision {decision.id}"


def _sample(look: Look) -> Sequence[int]:
    """The newest decisions and some of every age; a different part every day."""
    session = look.work.session
    newest = select(Decision.id).order_by(Decision.id.desc()).limit(SAMPLE)
    count, last = session.execute(select(func.count(), func.max(Decision.id))).one()
    step = max(1, (last or 0) // SAMPLE)
    spread = select(Decision.id).where(Decision.id % step == look.now.toordinal() % step)
    return [*session.scalars(newest), *(session.scalars(spread.limit(SAMPLE)) if count else ())]


INVARIANTS = (
    Invariant(
        "I12",
        {
            "zh": "每个决定用到的规则原文都在, 重新判断结果相同",
            "en": "The rules behind every decision are kept, and asked again they decide the same",
        },
        _repeatable,
    ),
)
