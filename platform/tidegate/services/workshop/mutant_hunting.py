"""Which small change of a set no test would notice: looked for in a thread of its own, kept by content, so that a
reload finds it again; it can be stopped.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Event, Lock, Thread

import structlog

from tidegate.engine.mutation import Mutant, Survey, mutants
from tidegate.engine.rulesets import RuleSet
from tidegate.errors import TidegateError

log = structlog.get_logger()
KEPT = 40
RUNS = 4_000_000  # evaluations of one rule or case, at most
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Progress:
    """`percent` of the rules are done; `state` is running, stopped or failed."""

    state: str
    percent: int


class _Stopped(Exception):
    pass


@dataclass
class _Hunt:
    stop: Event = field(default_factory=Event)
    finished: Event = field(default_factory=Event)
    percent: int = 0
    state: str = "running"

    def watch(self, done: int, total: int) -> None:
        if self.stop.is_set():
            raise _Stopped
        self.percent = min(99, 100 * done // max(total, 1))


_kept: OrderedDict[Key, Survey] = OrderedDict()
_hunts: OrderedDict[Key, _Hunt] = OrderedDict()
_lock = Lock()


def key_of(ruleset: RuleSet) -> Key:
    """The meaning of a set and of its tests."""
    cases = "\n".join(repr((c.name, c.given, c.expect, c.at)) for c in ruleset.cases)
    return ruleset.hash, hashlib.sha256(cases.encode()).hexdigest()


def begin(ruleset: RuleSet, wait_s: float, again: bool = False) -> Survey | Progress:
    """The survey if it is there or takes no longer than `wait_s`, else how far it is; `again` begins one that was
    stopped anew.
    """
    key = key_of(ruleset)
    with _lock:
        done = _kept.get(key)
        if done is not None:
            return done
        hunt = _hunts.get(key)
        if hunt is None or (again and hunt.state != "running"):
            hunt = _hunts[key] = _Hunt()
            while len(_hunts) > KEPT:
                _hunts.popitem(last=False)
            Thread(target=_work, args=(ruleset, key, hunt), daemon=True).start()
    hunt.finished.wait(wait_s)
    with _lock:
        done = _kept.get(key)
    return done or Progress(hunt.state, hunt.percent)


def known(ruleset: RuleSet) -> Survey | None:
    """The survey of exactly this version, if it has been made."""
    with _lock:
        return _kept.get(key_of(ruleset))


def stop(ruleset: RuleSet) -> None:
    with _lock:
        hunt = _hunts.get(key_of(ruleset))
    if hunt is not None:
        hunt.stop.set()
        hunt.finished.wait(2)


def _work(ruleset: RuleSet, key: Key, hunt: _Hunt) -> None:
    try:
        survey = mutants(ruleset, ruleset.cases, RUNS, watch=hunt.watch)
        with _lock:
            _kept[key] = survey
            while len(_kept) > KEPT:
                _kept.popitem(last=False)
        hunt.state = "done"
    except _Stopped:
        hunt.state = "stopped"
    except TidegateError as error:
        hunt.state = "failed"
        log.warning("rules.mutants_failed", code=error.code)
    except Exception as error:  # a thread has nobody above it who would say so
        hunt.state = "failed"
        log.exception("rules.mutants_failed", error=type(error).__name__)
    finally:
        hunt.finished.set()


def noticing(ruleset: RuleSet, number: int) -> Mutant | None:
    """The survivor of this number in the known survey."""
    survey = known(ruleset)
    if survey is None or number >= len(survey.survivors):
        return None
    return survey.survivors[number]
