"""The check itself, done once per version of a set: at once where somebody waits for it, in a thread where a
page shows how far it is. What was found is kept; a long check can be cancelled.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from threading import Event, Lock, Thread

import structlog
from sqlalchemy import select

from tidegate.engine.checking import Finding, check
from tidegate.engine.mutation import Mutant, mutants
from tidegate.engine.rulesets import RuleSet
from tidegate.errors import TidegateError
from tidegate.services.context import Context
from tidegate.store.tables import CarrierService

log = structlog.get_logger()
KEPT = 50
MUTATIONS = 40_000  # evaluations spent on thresholds no test guards
_GUARDED = frozenset(("threshold", "operator", "range", "parameter"))
Key = tuple[str, ...]


_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Raw:
    """`unguarded` are changes of thresholds no test notices; not `surveyed` when that was cut short or
    has not been asked.
    """

    findings: tuple[Finding, ...]
    unguarded: tuple[Mutant, ...] = ()
    tried: int = 0
    surveyed: bool = False
    number: int = field(default_factory=_numbers.__next__)  # tells one run from another


@dataclass(frozen=True, slots=True)
class Progress:
    """`percent` of the check; `state` is running, cancelled or failed."""

    state: str
    percent: int


class _Cancelled(Exception):
    pass


@dataclass
class _Run:
    cancel: Event = field(default_factory=Event)
    finished: Event = field(default_factory=Event)
    percent: int = 0
    state: str = "running"

    def watch(self, done: int, total: int) -> None:
        if self.cancel.is_set():
            raise _Cancelled
        self.percent = min(95, 90 * done // max(total, 1))


_kept: OrderedDict[Key, Raw] = OrderedDict()
_runs: dict[Key, _Run] = {}
_lock = Lock()


def known(context: Context, ruleset: RuleSet) -> Raw | None:
    """What was found in exactly this version, if it has been checked."""
    with _lock:
        return _kept.get(_key(context, ruleset))


def found(context: Context, ruleset: RuleSet) -> Raw:
    """The findings, waiting for them where need be."""
    key = _key(context, ruleset)
    with _lock:
        done, run = _kept.get(key), _runs.get(key)
    if done is None and run is not None and run.state == "running":
        run.finished.wait()
        with _lock:
            done = _kept.get(key)
    return done or _keep(key, Raw(_checked(context, ruleset, None)))


def begin(context: Context, ruleset: RuleSet, wait_s: float) -> Raw | Progress:
    """The whole check, thresholds included, in a thread of its own; what it found if that takes no longer than
    `wait_s`.
    """
    key = _key(context, ruleset)
    with _lock:
        done = _kept.get(key)
        if done is not None and done.surveyed:
            return done
        run = _runs.get(key)
        if run is None or run.state != "running":
            run = _runs[key] = _Run()
            while len(_runs) > KEPT:
                _runs.pop(next(iter(_runs)))
            Thread(target=_work, args=(context, ruleset, key, run), daemon=True).start()
    run.finished.wait(wait_s)
    return _now(key, run)


def look(context: Context, ruleset: RuleSet) -> Raw | Progress | None:
    """What is there or how far it is; None when nobody has begun."""
    key = _key(context, ruleset)
    with _lock:
        done, run = _kept.get(key), _runs.get(key)
    if done is not None and done.surveyed:
        return done
    return _now(key, run) if run is not None else None


def cancel(context: Context, ruleset: RuleSet) -> None:
    """Stop the running check of this version; it can be begun again."""
    with _lock:
        run = _runs.get(_key(context, ruleset))
    if run is not None:
        run.cancel.set()
        run.finished.wait(2)


def _now(key: Key, run: _Run) -> Raw | Progress:
    with _lock:
        done = _kept.get(key)
    if done is not None and (done.surveyed or run.finished.is_set()):
        return done
    return Progress(run.state, run.percent)


def _work(context: Context, ruleset: RuleSet, key: Key, run: _Run) -> None:
    try:
        findings = _checked(context, ruleset, run)
        run.percent = 95
        run.watch(95, 90)
        survey = mutants(ruleset, ruleset.cases, MUTATIONS) if ruleset.cases else None
        unguarded = [m for m in survey.survivors if m.what in _GUARDED] if survey else []
        _keep(key, Raw(findings, tuple(unguarded), survey.tried if survey else 0, True))
    except _Cancelled:
        run.state = "cancelled"
    except TidegateError as error:
        run.state = "failed"
        log.warning("rules.check_failed", code=error.code)
    except Exception as error:  # a thread has nobody above it who would say so
        run.state = "failed"
        log.exception("rules.check_failed", error=type(error).__name__)
    else:
        run.state = "done"
    finally:
        run.finished.set()


def _keep(key: Key, raw: Raw) -> Raw:
    with _lock:
        _kept[key] = raw
        _kept.move_to_end(key)
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return raw


def _checked(context: Context, ruleset: RuleSet, run: _Run | None) -> tuple[Finding, ...]:
    others = [one for one in context.rules.for_gate(ruleset.gate) if one.id != ruleset.id]
    return tuple(
        check(
            ruleset, ruleset.cases, others, known=_names(context), now=context.clock(),
            timezone=context.timezone, watch=run.watch if run else None,
        )
    )  # fmt: skip


def _names(context: Context) -> Mapping[str, Sequence[str]]:
    """Names that an argument may have: what the shop has set up."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        services = list(work.session.scalars(select(CarrierService.code)))
    return {"service": services} if services else {}


def _key(context: Context, ruleset: RuleSet) -> Key:
    """Tests, reasons, titles, the neighbours, what is set up and the day don't change the meaning, but what the check
    says.
    """
    more = "\n".join(
        [
            repr(_names(context)),
            context.timezone,
            *(repr((c.name, c.given, c.expect, c.at)) for c in ruleset.cases),
            *(f"{r.id} {dict(r.why)} {dict(r.title)}" for r in ruleset.rules),
            *(one.hash for one in context.rules.for_gate(ruleset.gate)),
        ]
    )
    digest = hashlib.sha256(more.encode()).hexdigest()
    tenant, day = str(context.tenant_id), context.clock().date().isoformat()
    return (tenant, day, ruleset.hash, digest)
