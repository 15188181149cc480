"""The check of a set as people use it: findings with their witness, how many recent orders each
touches, and those that somebody accepted with a reason.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from sqlalchemy import select, update

from tidegate.engine.checking import Finding, Witness, check
from tidegate.engine.compiled import compile_set
from tidegate.engine.rulesets import RuleSet
from tidegate.errors import NotFound, TidegateError
from tidegate.services.context import Context
from tidegate.services.people import required_reason
from tidegate.services.workshop import drafts
from tidegate.services.workshop.auditing import record
from tidegate.services.workshop.model import Words
from tidegate.store.tables import CarrierService, Decision
from tidegate.store.workshop_tables import AcceptedFinding

KEPT = 50
SAMPLE = 400  # recent decisions the findings are counted on
DAYS = 30
_ORDER = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class Accepted:
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Checked:
    """`touched` recent orders of the sample; `nearest` is one of them. `witness` shows the finding."""

    key: str
    severity: str
    code: str
    words: Words
    rules: tuple[str, ...]
    where: str
    witness: Sequence[tuple[str, str]]
    witness_at: datetime | None
    touched: int
    nearest: int | None
    accepted: Accepted | None = None


@dataclass(frozen=True, slots=True)
class CheckReport:
    """`sample` recent decisions were looked at; of a live set and its draft the draft is checked."""

    set_id: str
    hash: str
    rules: int
    sample: int
    findings: tuple[Checked, ...]

    def count(self, severity: str) -> int:
        """Findings of this severity that nobody has accepted."""
        return sum(1 for f in self.findings if f.severity == severity and f.accepted is None)


_found: OrderedDict[tuple[str, str], list[Finding]] = OrderedDict()
_lock = Lock()


def findings(context: Context, set_id: str) -> CheckReport:
    """All findings of the draft, or of the live set; what touches most orders first.

    Raises:
        NotFound: no such set.
    """
    ruleset = drafts.working_set(context, set_id)
    raw = _checked(context, ruleset)
    accepted = _accepted(context, set_id)
    subjects = _subjects(context, ruleset)
    fired = _fired(context, ruleset, subjects)
    found = [
        replace(one, accepted=accepted.get(one.key))
        for one in (_shown(finding, fired) for finding in raw)
    ]
    found.sort(key=lambda f: (f.accepted is not None, _ORDER.index(f.severity), -f.touched))
    return CheckReport(set_id, ruleset.hash, len(ruleset.rules), len(subjects), tuple(found))


def summary(context: Context, set_id: str) -> tuple[int, int, int] | None:
    """(errors, warnings, infos) nobody accepted, if this version has been checked; never waits."""
    ruleset = drafts.working_set(context, set_id)
    with _lock:
        raw = _found.get(_key(ruleset))
    if raw is None:
        return None
    accepted = _accepted(context, set_id)
    open_ = [one.severity for one in raw if key_of(one) not in accepted]
    return open_.count("error"), open_.count("warning"), open_.count("info")


def accept(context: Context, set_id: str, key: str, reason: str, actor: str) -> None:
    """From now on the finding blocks nothing.

    Raises:
        InputError: no reason.
        NotFound: the set has no such finding.
    """
    why = required_reason(reason)
    if key not in {one.key for one in findings(context, set_id).findings}:
        raise _gone(key)
    with context.store.begin(context.tenant_id) as work:
        work.add(
            AcceptedFinding(
                set_id=set_id, key=key, reason=why, accepted_by=actor, accepted_at=context.clock()
            )
        )
        record(work, context, set_id, actor, "finding_accepted", why, {"finding": key})
        work.commit()


def withdraw(context: Context, set_id: str, key: str, actor: str) -> None:
    """The finding counts again. Raises NotFound."""
    with context.store.begin(context.tenant_id) as work:
        done = work.session.execute(
            update(AcceptedFinding)
            .where(
                AcceptedFinding.set_id == set_id,
                AcceptedFinding.key == key,
                AcceptedFinding.withdrawn_at.is_(None),
            )
            .values(withdrawn_at=context.clock())
        )
        if not done.rowcount:  # type: ignore[attr-defined]  # an UPDATE has it
            raise _gone(key)
        record(work, context, set_id, actor, "finding_open_again", data={"finding": key})
        work.commit()


def key_of(finding: Finding) -> str:
    """The same for the same finding of later versions."""
    return f"{finding.code}:{finding.where}:{','.join(finding.rules)}"[:300]


# how


def _key(ruleset: RuleSet) -> tuple[str, str]:
    """Tests and reasons don't change the meaning, but what the check says."""
    more = "\n".join(
        [
            *(repr((c.name, c.given, c.expect)) for c in ruleset.cases),
            *(r.why for r in ruleset.rules),
        ]
    )
    return ruleset.hash, hashlib.sha256(more.encode()).hexdigest()


def _checked(context: Context, ruleset: RuleSet) -> list[Finding]:
    key = _key(ruleset)
    with _lock:
        if key in _found:
            _found.move_to_end(key)
            return _found[key]
    others = [one for one in context.rules.for_gate(ruleset.gate) if one.id != ruleset.id]
    found = check(
        ruleset, ruleset.cases, others, known=_known(context), now=context.clock(),
        timezone=context.timezone,
    )  # fmt: skip
    with _lock:
        _found[key] = found
        while len(_found) > KEPT:
            _found.popitem(last=False)
    return found


def _known(context: Context) -> Mapping[str, Sequence[str]]:
    """Names that an argument may have: what the shop has set up."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        services = list(work.session.scalars(select(CarrierService.code)))
    return {"service": services} if services else {}


def _accepted(context: Context, set_id: str) -> dict[str, Accepted]:
    statement = select(AcceptedFinding).where(
        AcceptedFinding.set_id == set_id, AcceptedFinding.withdrawn_at.is_(None)
    )
    with context.store.begin(context.tenant_id, readonly=True) as work:
        rows = work.session.scalars(statement.order_by(AcceptedFinding.id))
        return {row.key: Accepted(row.reason, row.accepted_by, row.accepted_at) for row in rows}


Subject = tuple[int | None, Mapping[str, Any], datetime]


def _subjects(context: Context, ruleset: RuleSet) -> list[Subject]:
    since = context.clock() - timedelta(days=DAYS)
    statement = (
        select(Decision.order_id, Decision.facts, Decision.decided_at)
        .where(Decision.gate == ruleset.gate, Decision.decided_at >= since)
        .order_by(Decision.id.desc())
        .limit(SAMPLE)
    )
    with context.store.begin(context.tenant_id, readonly=True) as work:
        return [(order, facts, at) for order, facts, at in work.session.execute(statement)]


def _fired(
    context: Context, ruleset: RuleSet, subjects: Sequence[Subject]
) -> list[tuple[int | None, frozenset[str]]]:
    """For each subject its order and the rules that fire on it."""
    if not ruleset.rules:
        return []
    program = compile_set(ruleset)
    found = []
    for order, facts, at in subjects:
        try:
            ruling = program.decide(facts, at, context.timezone, currency=context.currency)
            found.append((order, frozenset(ruling.fired)))
        except TidegateError:
            continue
    return found


def _shown(finding: Finding, fired: Sequence[tuple[int | None, frozenset[str]]]) -> Checked:
    gap = finding.code.endswith("gap")
    touched = [
        order
        for order, rules in fired
        if (not rules if gap else not rules.isdisjoint(finding.rules))
    ]
    witness = finding.witness
    return Checked(
        key=key_of(finding),
        severity=finding.severity,
        code=finding.code,
        words={"zh": finding.zh, "en": finding.en},
        rules=finding.rules,
        where=finding.where,
        witness=_card(witness) if witness else (),
        witness_at=witness.now if witness else None,
        touched=len(touched),
        nearest=next((order for order in touched if order), None),
    )


def _card(witness: Witness) -> list[tuple[str, str]]:
    return list(_flat(witness.facts, ""))


def _flat(value: Any, name: str) -> list[tuple[str, str]]:
    if isinstance(value, Mapping):
        return [one for key, v in value.items() for one in _flat(v, f"{name}.{key}".lstrip("."))]
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return [one for n, row in enumerate(value, 1) for one in _flat(row, f"{name}[{n}]")]
    return [(name, "、".join(map(str, value)) if isinstance(value, list) else str(value))]


def _gone(key: str) -> NotFound:
    return NotFound(
        "rules.no_finding",
        zh="没有这条检查结果；规则可能已经改过，请重新检查。",
        en="There is no such finding; the rules may have changed. Check again.",
        key=key,
    )
