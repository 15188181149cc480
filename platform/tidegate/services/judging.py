"""Live decisions by the compiled sets, watched by the reference.

A share of the decisions is made twice; where the two differ, or the compiled set breaks, an alarm is
logged, the reference's answer stands, and that version is left to the reference from then on.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from threading import Lock
from typing import Any

import structlog

from tidegate.engine.agreement import compare
from tidegate.engine.compiled import FactDocument, Program, Ruling, compile_set
from tidegate.engine.decisions import Decision
from tidegate.engine.patterns.matcher import Matcher
from tidegate.engine.reference import evaluate
from tidegate.engine.rulesets import RuleSet
from tidegate.errors import TidegateError
from tidegate.telemetry.meters import meters

log = structlog.get_logger()
SHARE = 0.01
KEPT = 200  # compiled versions in memory
Answer = Ruling | Decision


class Judges:
    """Compiled sets by content hash, for all threads of a process.

    `share` of the decisions are compared; `chance` gives numbers in [0, 1); `match` searches
    patterns in place of the engine's own matcher.
    """

    def __init__(
        self,
        share: float = SHARE,
        chance: Callable[[], float] = random.random,
        match: Matcher | None = None,
    ) -> None:
        self.share = share
        self.fallen: set[str] = set()  # hashes left to the reference
        self._chance = chance
        self._match = match
        self._programs: OrderedDict[str, Program] = OrderedDict()
        self._lock = Lock()

    def decide(
        self,
        ruleset: RuleSet,
        facts: Mapping[str, Any],
        now: datetime,
        timezone: str,
        currency: str,
    ) -> Answer:
        """Decide one subject; `facts` are the platform's own, of the engine's types.

        Raises:
            InputError: a fact of the wrong kind, or facts are missing under `on_missing: fail`.
        """
        program = self._program(ruleset)
        if program is None:
            meters().evaluation_fallbacks.labels(ruleset.gate).inc()
            return evaluate(ruleset, facts, now, timezone, currency=currency, match=self._match)
        given = facts if isinstance(facts, FactDocument) else FactDocument(facts)
        try:
            if self._chance() < self.share:
                self._compare(program, given, now, timezone, currency)
            if ruleset.hash not in self.fallen:
                return program.decide(given, now, timezone, currency=currency)
        except TidegateError:
            raise
        except Exception as error:  # a defect of ours must not stop an order
            self._fall(ruleset, type(error).__name__)
        meters().evaluation_fallbacks.labels(ruleset.gate).inc()
        return evaluate(ruleset, facts, now, timezone, currency=currency, match=self._match)

    def traced(
        self,
        ruleset: RuleSet,
        facts: Mapping[str, Any],
        now: datetime,
        timezone: str,
        currency: str,
        rules: Collection[str],
    ) -> Decision:
        """What is decided, with the traces of at least these rules. Errors as `decide`."""
        program = self._program(ruleset)
        if program is None:
            return evaluate(ruleset, facts, now, timezone, currency=currency, match=self._match)
        return program.decide(facts, now, timezone, currency=currency).traced(rules)

    def _program(self, ruleset: RuleSet) -> Program | None:
        key = ruleset.hash
        if key in self.fallen:
            return None
        with self._lock:
            found = self._programs.get(key)
            if found is None:
                try:
                    found = compile_set(ruleset, self._match)
                except Exception as error:  # the reference can decide what can't be compiled
                    self._fall(ruleset, type(error).__name__)
                    return None
                self._programs[key] = found
                while len(self._programs) > KEPT:
                    self._programs.popitem(last=False)
            else:
                self._programs.move_to_end(key)
        return found

    def _compare(
        self,
        program: Program,
        facts: Mapping[str, Any],
        now: datetime,
        timezone: str,
        currency: str,
    ) -> None:
        difference = compare(program, facts, now, timezone, currency=currency, details=False)
        if difference:
            self._fall(program.ruleset, difference.part)

    def _fall(self, ruleset: RuleSet, why: str) -> None:
        """The alarm names the version and what differed, never a fact."""
        self.fallen.add(ruleset.hash)
        log.error(
            "engine.evaluators_differ", ruleset=ruleset.id, version=ruleset.hash[:12], part=why
        )


def in_brief(answer: Answer) -> Decision:
    """The decision with the traces of the rules that mattered, and what each near miss missed by."""
    return answer if isinstance(answer, Decision) else answer.brief()
