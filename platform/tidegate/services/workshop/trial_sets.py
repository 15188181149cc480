"""Sets to try with: the one that is being worked on, a rule in it that nobody has saved yet, and the quick
way to an answer where there are many rules.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from typing import Any

from tidegate.engine.compiled import Program, compile_set
from tidegate.engine.decisions import FIRED, UNKNOWN, Decision
from tidegate.engine.explain import near_misses
from tidegate.engine.language.tree import Node
from tidegate.engine.problems import RuleProblems
from tidegate.engine.reader import read_ruleset
from tidegate.engine.reference import evaluate
from tidegate.engine.rulesets import Rule, RuleSet, reads
from tidegate.engine.writing import document_of
from tidegate.errors import InputError, TidegateError
from tidegate.services.context import Context
from tidegate.services.view_names import Words
from tidegate.services.workshop import set_edits

COMPILED_FROM = 150  # rules; for fewer the reference is quick enough
KEPT = 12
NEW = "new-rule"

_programs: OrderedDict[str, Program] = OrderedDict()
_tried: OrderedDict[tuple[str, str], RuleSet] = OrderedDict()
_lock = Lock()


@dataclass(frozen=True, slots=True)
class Trial:
    """`rule` is the id of the rule being written, empty when there is none. `unsaved` is why it could
    not be put in (None: it was, or there was none).
    """

    ruleset: RuleSet
    rule: str = ""
    unsaved: Words | None = None
    saved: RuleSet | None = None  # the set without the rule being written, where there is one


@dataclass(frozen=True, slots=True)
class Answer:
    """What a set says. `decision` has the traces of the rules asked for; the rest is of all rules."""

    decision: Decision
    fired: Sequence[str]
    unknown: Sequence[str]
    near: Sequence[str]


# an unsaved rule


def with_rule(context: Context, ruleset: RuleSet, text: str) -> Trial:
    """The set with a rule put into it: its plain document as JSON, in place of the one with its id."""
    if not text:
        return Trial(ruleset)
    try:
        given = document_from(text)
        rule_id = str(given.setdefault("id", NEW) or NEW)
        key = (ruleset.hash, text)
        with _lock:
            found = _tried.get(key)
        found = found or _put_in(context, ruleset, rule_id, given)
    except RuleProblems as error:
        first = error.problems[0]
        return Trial(ruleset, unsaved={"zh": first.text("zh"), "en": first.text("en")})
    except TidegateError as error:
        return Trial(ruleset, unsaved={"zh": error.text("zh"), "en": error.text("en")})
    _keep(_tried, key, found)
    return Trial(found, rule_id, saved=ruleset)


def document_from(text: str) -> dict[str, Any]:
    """A mapping from JSON text. Raises InputError."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InputError(
            "try.no_document",
            zh="这里要一份 JSON 对象，像 {…}。",
            en="A JSON object is needed here, like {…}.",
        )
    return found


def _put_in(context: Context, ruleset: RuleSet, rule_id: str, given: Mapping[str, Any]) -> RuleSet:
    alone = _read_alone(context, ruleset, rule_id, given)
    if alone is not None:
        spliced = _spliced(ruleset, alone)
        if spliced is not None:
            return spliced
    document = document_of(ruleset)
    if rule_id in {rule.id for rule in ruleset.written if not rule.table}:
        set_edits.put_rule(document, rule_id, given)
    else:
        set_edits.add_rule(document, given)
    return read_ruleset(document, context.rules.vocabulary, ruleset.id, unfinished=True)


def _read_alone(
    context: Context, ruleset: RuleSet, rule_id: str, given: Mapping[str, Any]
) -> Rule | None:
    """The rule read with the set's names but without its other rules, which is quick; None when it is
    switched off.
    """
    document = document_of(ruleset)
    blocks = set_edits.blocks(document)
    home = next(
        (b for b in blocks if any(r["id"] == rule_id for r in b.get("rules") or [])), blocks[-1]
    )
    for block in blocks:
        block["rules"] = [dict(given)] if block is home else []
        block.pop("tables", None)
    document.pop("tests", None)
    read = read_ruleset(document, context.rules.vocabulary, ruleset.id, unfinished=True)
    return read.rules[0] if read.rules else None


def _spliced(ruleset: RuleSet, rule: Rule) -> RuleSet | None:
    """The set with the rule in the old one's place; None where it is new, or where what it writes or reads of
    what rules write is something else, so that the order of judging may change.
    """
    old = next((one for one in ruleset.rules if one.id == rule.id), None)
    if old is None or _ties(ruleset, old) != _ties(ruleset, rule):
        return None
    placed = replace(rule, stratum=old.stratum)
    stages = tuple(
        replace(stage, rules=tuple(placed if one is old else one for one in stage.rules))
        for stage in ruleset.stages
    )
    spliced = replace(ruleset, stages=stages)
    # what the old set read and what the rule reads: walking a thousand rules again takes long
    vars(spliced)["facts_read"] = ruleset.facts_read | _facts(ruleset, rule)
    return spliced


def _facts(ruleset: RuleSet, rule: Rule) -> frozenset[str]:
    nodes = [leaf.node for leaf in rule.leaves]
    nodes += [arg for call in rule.actions for arg in call.args.values() if isinstance(arg, Node)]
    return frozenset(name for node in nodes for name in reads(node) if name not in ruleset.derive)


def _ties(ruleset: RuleSet, rule: Rule) -> object:
    """What a rule's place among the others depends on: what it writes that is read, and what it reads that is
    written.
    """
    written = {name for one in ruleset.rules for name in one.writes} | set(ruleset.derive)
    read = {name for leaf in rule.leaves for name in reads(leaf.node)}
    return set(rule.writes) & ruleset.facts_read, read & written


# asking


def ask(
    trial: Trial,
    facts: Mapping[str, Any],
    at: datetime,
    context: Context,
    traced: Collection[str] | None = None,
) -> Answer:
    """What the set says; `traced` None: the traces of all rules.

    Raises:
        InputError: a fact has a value of the wrong kind.
    """
    ruleset, zone, currency = trial.ruleset, context.timezone, context.currency
    if traced is None or len(ruleset.rules) < COMPILED_FROM or _entangled(trial):
        decision = evaluate(ruleset, facts, at, zone, currency=currency)
        return Answer(
            decision, decision.fired,
            [trace.rule.id for trace in decision.rules if trace.result == UNKNOWN],
            [one.rule for one in near_misses(decision)],
        )  # fmt: skip
    ruling = program(trial.saved or ruleset).decide(facts, at, zone, currency=currency)
    near = ruling.near_misses
    lost = {one.outcome.rule for one in ruling.overridden}
    if trial.saved is not None:
        few = _only(ruleset, {*traced, trial.rule, *ruling.fired, *ruling.unknown, *lost})
        decision = evaluate(few, facts, at, zone, currency=currency)
        unknown = [trace.rule.id for trace in decision.rules if trace.result == UNKNOWN]
        return Answer(decision, decision.fired, unknown, [n for n in near if n != trial.rule])
    shown = {*traced, *ruling.fired[:MOST], *ruling.unknown[:MOST], *near[:MOST]}
    shown |= {one.outcome.rule for one in ruling.overridden[:MOST]}
    shown |= {one.rule for one in ruling.actions}
    return Answer(ruling.traced(shown), ruling.fired, ruling.unknown, near)


def _entangled(trial: Trial) -> bool:
    """Whether the rule being written may change what other rules see, or stands where none stood."""
    if trial.saved is None:
        return False
    rule = next((one for one in trial.ruleset.rules if one.id == trial.rule), None)
    old = next((one for one in trial.saved.rules if one.id == trial.rule), None)
    if rule is None or old is None or trial.saved.policy == "stages":
        return True
    return bool({*rule.writes, *old.writes} & trial.ruleset.facts_read)


def _only(ruleset: RuleSet, names: set[str]) -> RuleSet:
    """The set with these rules alone: one that neither fires nor is unknown has no say in the outcome."""
    stages = tuple(
        replace(stage, rules=tuple(rule for rule in stage.rules if rule.id in names), off=())
        for stage in ruleset.stages
    )
    return replace(ruleset, stages=stages)


MOST = 20  # traces of a kind that a large set is asked for


def program(ruleset: RuleSet) -> Program:
    """The compiled set; the last few are kept."""
    with _lock:
        found = _programs.get(ruleset.hash)
    if found is None:
        found = compile_set(ruleset)
    _keep(_programs, ruleset.hash, found)
    return found


def _keep(kept: Any, key: Any, value: Any) -> None:
    with _lock:
        kept[key] = value
        kept.move_to_end(key)
        while len(kept) > KEPT:
            kept.popitem(last=False)


__all__ = ["FIRED", "Answer", "Trial", "ask", "with_rule"]
