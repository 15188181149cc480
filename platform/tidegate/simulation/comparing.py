"""Chunks of subjects judged by two versions, here or in a process beside this one.

What comes back says per subject what would happen, what it costs and which rules made the
difference; it is small and can be pickled.
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from tidegate.engine.decisions import Outcome
from tidegate.engine.ledgers import Ledger
from tidegate.engine.operations import wildcard
from tidegate.engine.simulation import (
    NONE,
    REFUSED,
    Answer,
    Refusal,
    error_of,
    judge,
    reader_of,
    same_actions,
)
from tidegate.engine.values import fold, parse_money
from tidegate.simulation.orphans import end_with_parent
from tidegate.simulation.pool import Versions, versions_of
from tidegate.simulation.world import service_chosen

SERVICE, RAISE, HOLD = "service:", "raise:", "hold"
MUST_ANSWER = ("review", "inventory", "routing")  # without an answer the order stops here
AHEAD = 2  # chunks waiting in the other process


@dataclass(frozen=True, slots=True)
class Asked:
    """One subject's facts and the instant at which it is judged."""

    facts: Mapping[str, Any]
    now: datetime


@dataclass(frozen=True, slots=True)
class Side:
    """What one version would have done. `cost` is the freight of the service it comes to."""

    outcome: str
    held: bool
    undecided: bool
    cost: tuple[Decimal, str] | None
    short: tuple[str, ...] = ()  # keys of resources it asked for when nothing was left


@dataclass(frozen=True, slots=True)
class Compared:
    before: Side
    after: Side
    changed: bool
    rules: tuple[str, ...]  # whose actions stand in one answer only
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    error: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which terms subjects are judged."""

    gate: str
    timezone: str
    currency: str


def compare(versions: Versions, chunk: Sequence[Asked], terms: Terms) -> list[Compared]:
    """Every subject by itself."""
    read = reader_of(versions.live.ruleset, versions.draft.ruleset, terms.currency)
    found = []
    for asked in chunk:
        facts = read(asked.facts)
        answers = [
            judge(program, facts, asked.now, terms.timezone, terms.currency)
            for program in (versions.live, versions.draft)
        ]
        sides = [side_of(answer, asked.facts, terms.gate) for answer in answers]
        found.append(_compared(answers, sides))
    return found


def compare_in_order(
    versions: Versions, ledgers: tuple[Ledger, Ledger], chunk: Sequence[Asked], terms: Terms
) -> list[Compared]:
    """One after the other: what a version's actions use up is gone for the subjects after."""
    found = []
    for asked in chunk:
        answers, sides = [], []
        for program, ledger in zip((versions.live, versions.draft), ledgers, strict=True):
            facts = ledger.shown(asked.facts)
            answer = judge(program, facts, asked.now, terms.timezone, terms.currency)
            short = _short(ledger, answer, facts)
            ledger.take(answer.actions, facts)
            answers.append(answer)
            sides.append(side_of(answer, facts, terms.gate, short))
        found.append(_compared(answers, sides))
    return found


def compare_all(
    versions: Versions,
    chunks: Iterable[tuple[Any, list[Asked]]],
    terms: Terms,
    *,
    ledgers: tuple[Ledger, Ledger] | None = None,
    apart: bool = False,
) -> Iterator[tuple[Any, list[Compared]]]:
    """Each chunk's companion with its answers, in order. `apart`: in another process, so that this
    one stays quick; with ledgers always here.
    """
    if ledgers is not None:
        for companion, chunk in chunks:
            yield companion, compare_in_order(versions, ledgers, chunk, terms)
    elif apart:
        yield from _apart(versions, chunks, terms)
    else:
        for companion, chunk in chunks:
            yield companion, compare(versions, chunk, terms)


def side_of(
    answer: Answer, facts: Mapping[str, Any], gate: str, short: tuple[str, ...] = ()
) -> Side:
    """What the platform would do with this answer."""
    if isinstance(answer, Refusal):
        return Side(REFUSED, gate in MUST_ANSWER, False, None, short)
    main = _main(answer.actions)
    if main is None:
        return Side(NONE, gate in MUST_ANSWER, gate in MUST_ANSWER, None, short)
    undecided = main.rule == "otherwise" and gate in MUST_ANSWER
    if gate == "routing" and main.action in ("use_service", "choose"):
        service = _service(main, facts, answer.actions)
        if not service:
            return Side(HOLD, True, undecided, None, short)
        return Side(SERVICE + service, False, undecided, _cost(service, facts), short)
    if main.action == "raise":
        return Side(RAISE + str(main.args.get("kind", "")), False, undecided, None, short)
    return Side(main.action, main.action == HOLD, undecided, None, short)


def _main(actions: Sequence[Outcome]) -> Outcome | None:
    """The action that says what happens; a hold stops whatever else was chosen."""
    held = next((one for one in actions if one.action == HOLD), None)
    single = held or next((one for one in actions if not one.many), None)
    return single or (actions[0] if actions else None)


def _service(main: Outcome, facts: Mapping[str, Any], actions: Sequence[Outcome]) -> str:
    """The service the parcel gets; empty where it can't be had for this parcel."""
    if main.action == "choose":
        return service_chosen(main, facts, actions)
    named = str(main.args["service"])
    quoted = [fold(str(row.get("service", ""))) for row in facts.get("quotes") or ()]
    patterns = [fold(str(one.args["service"])) for one in actions if one.action == "exclude"]
    excluded = any(wildcard(fold(named), pattern) for pattern in patterns)
    return "" if excluded or (quoted and fold(named) not in quoted) else named


def _cost(service: str, facts: Mapping[str, Any]) -> tuple[Decimal, str] | None:
    for row in facts.get("quotes") or ():
        if fold(str(row.get("service", ""))) == fold(service) and row.get("cost") is not None:
            cost = parse_money(row["cost"])
            return cost.amount, cost.currency
    return None


def _short(ledger: Ledger, answer: Answer, facts: Mapping[str, Any]) -> tuple[str, ...]:
    found = []
    for outcome in answer.actions:
        use = ledger.consumptions.get(outcome.action)
        if use is None or use.what not in ledger.left:
            continue
        for key, amount in ledger.wanted(use, outcome, facts, answer.actions):
            if ledger.left[use.what].get(key, amount) < amount:
                found.append(f"{use.what}:{key}")
    return tuple(found)


def _compared(answers: Sequence[Answer], sides: Sequence[Side]) -> Compared:
    before, after = answers
    if isinstance(before, Refusal) or isinstance(after, Refusal):
        changed = error_of(before) != error_of(after)
    else:
        changed = not same_actions(before.actions, after.actions)
    changed = changed or sides[0].outcome != sides[1].outcome
    return Compared(
        sides[0],
        sides[1],
        changed,
        tuple(sorted(_causes(before, after))) if changed else (),
        tuple(rule for rule in after.fired if rule not in before.fired),
        tuple(rule for rule in before.fired if rule not in after.fired),
        error_of(before) or error_of(after),
    )


def _causes(before: Answer, after: Answer) -> set[str]:
    old = [(one.action, one.args) for one in before.actions]
    new = [(one.action, one.args) for one in after.actions]
    gone = {one.rule for one in before.actions if (one.action, one.args) not in new}
    return gone | {one.rule for one in after.actions if (one.action, one.args) not in old}


# another process

_there: Versions | None = None


def _apart(
    versions: Versions, chunks: Iterable[tuple[Any, list[Asked]]], terms: Terms
) -> Iterator[tuple[Any, list[Compared]]]:
    context = multiprocessing.get_context("spawn")  # threads of this process may hold locks
    waiting: deque[tuple[Any, Future[list[Compared]]]] = deque()
    given = (versions.texts, versions.vocabularies)
    pool = ProcessPoolExecutor(1, context, _make, given)
    try:
        for companion, chunk in chunks:
            waiting.append((companion, pool.submit(_compare_there, chunk, terms)))
            if len(waiting) > AHEAD:
                companion, future = waiting.popleft()
                yield companion, future.result()
        while waiting:
            companion, future = waiting.popleft()
            yield companion, future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _make(texts: tuple[str, str], vocabularies: tuple[str, str]) -> None:
    global _there
    end_with_parent()
    _there = versions_of(texts, vocabularies)


def _compare_there(chunk: list[Asked], terms: Terms) -> list[Compared]:
    assert _there is not None  # noqa: S101  set before the worker began
    return compare(_there, chunk, terms)
