"""The check of a set as people use it: findings with their example, how many recent orders each touches, the
real order nearest to it, and those that somebody accepted with a reason.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, update

from tidegate.engine.checking import INFO, Finding
from tidegate.engine.mutation import Mutant
from tidegate.engine.regions import OTHER_TEXT
from tidegate.engine.rulesets import RuleSet
from tidegate.errors import NotFound
from tidegate.services.context import Context
from tidegate.services.people import required_reason
from tidegate.services.view_decisions import shown
from tidegate.services.view_names import Words, field_title, is_personal, reason_title, same
from tidegate.services.workshop import check_running, drafts
from tidegate.services.workshop.auditing import record
from tidegate.services.workshop.check_running import Progress, Raw
from tidegate.services.workshop.check_touching import (
    Seen,
    Subject,
    flat,
    nearest,
    numbers,
    recent,
    seen,
    touches,
)
from tidegate.store.tables import Decision, Order
from tidegate.store.workshop_tables import AcceptedFinding

WAIT_S = 1.5  # a page waits this long before it says "checking…"
UNGUARDED = "check.unguarded"
MOST_UNGUARDED = 40
_KEPT = 30
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)\Z")
_ORDER = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class Accepted:
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """One value of a card."""

    path: str
    label: Words
    value: Words


@dataclass(frozen=True, slots=True)
class Near:
    """A real order: one the finding is about (`inside`), or the one most like the example. `lines` are the
    values the example names; `same` says which of them agree.
    """

    order_id: int
    number: str
    inside: bool
    lines: Sequence[Line]
    same: frozenset[str]


@dataclass(frozen=True, slots=True)
class About:
    """A rule that a finding names; `table` is empty for a rule that stands by itself."""

    id: str
    title: Words
    table: str


@dataclass(frozen=True, slots=True)
class Checked:
    """`touched` recent orders of the sample; `witness` shows the finding and was confirmed by the evaluator.
    `key` is the same for the same finding of later versions.
    """

    key: str
    severity: str
    code: str
    words: Words
    rules: tuple[str, ...]
    where: str
    witness: Sequence[Line]
    witness_at: datetime | None
    touched: int
    nearest: Near | None
    about: Sequence[About] = ()
    table: str = ""  # the table a finding is in
    accepted: Accepted | None = None


@dataclass(frozen=True, slots=True)
class CheckReport:
    """`sample` recent orders were looked at; of a live set and its draft the draft is checked. `tried` small
    changes of thresholds were tested; 0 while that has not been done.
    """

    set_id: str
    hash: str
    rules: int
    sample: int
    findings: tuple[Checked, ...]
    tried: int = 0
    tests: int = 0
    surveyed: bool = False

    def count(self, severity: str) -> int:
        """Findings of this severity that nobody has accepted."""
        return sum(1 for f in self.findings if f.severity == severity and f.accepted is None)


def findings(context: Context, set_id: str) -> CheckReport:
    """All findings of the draft, or of the live set; what touches most orders first. Waits for the check.

    Raises:
        NotFound: no such set.
    """
    ruleset = drafts.working_set(context, set_id)
    return _report(context, ruleset, check_running.found(context, ruleset))


def checked(
    context: Context, set_id: str, *, again: bool = False, wait_s: float = WAIT_S
) -> CheckReport | Progress:
    """The report, thresholds no test guards included, or how far the check is after `wait_s`; begun if nobody has.

    A cancelled check is begun again only where `again` asks for it.

    Raises:
        NotFound: no such set.
    """
    ruleset = drafts.working_set(context, set_id)
    before = check_running.look(context, ruleset)
    if isinstance(before, Progress) and before.state != "running" and not again:
        return before
    raw = check_running.begin(context, ruleset, wait_s)
    return raw if isinstance(raw, Progress) else _report(context, ruleset, raw)


def cancel(context: Context, set_id: str) -> None:
    """Stop a running check. Raises NotFound."""
    check_running.cancel(context, drafts.working_set(context, set_id))


def summary(context: Context, set_id: str) -> tuple[int, int, int] | None:
    """(errors, warnings, infos) nobody accepted, if this version has been checked; never waits."""
    found = _open(context, set_id)
    if found is None:
        return None
    open_ = [one.severity for one in found]
    return open_.count("error"), open_.count("warning"), open_.count("info")


def by_rule(context: Context, set_id: str) -> Mapping[str, str]:
    """Rules with an error or a warning nobody accepted, by the worse of the two; never waits."""
    worst: dict[str, str] = {}
    for one in _open(context, set_id) or ():
        for name in one.rules:
            if one.severity == "error" or (one.severity == "warning" and name not in worst):
                worst[name] = one.severity
    return worst


def _open(context: Context, set_id: str) -> list[Finding] | None:
    """Findings nobody accepted, if this version has been checked."""
    raw = check_running.known(context, drafts.working_set(context, set_id))
    if raw is None:
        return None
    accepted = _accepted(context, set_id)
    return [one for one in _all(raw) if key_of(one) not in accepted]


def accept(context: Context, set_id: str, key: str, reason: str, actor: str) -> None:
    """From now on the finding blocks nothing, in this version and in later ones. Safe to repeat.

    Raises:
        InputError: no reason.
        NotFound: the set has no such finding.
    """
    why = required_reason(reason)
    ruleset = drafts.working_set(context, set_id)
    if key not in {key_of(one) for one in _all(check_running.found(context, ruleset))}:
        raise _gone(key)
    if key in _accepted(context, set_id):
        return
    with context.store.begin(context.tenant_id) as work:
        work.add(
            AcceptedFinding(
                set_id=set_id, key=key, reason=why, accepted_by=actor,
                accepted_at=context.clock(), hash=ruleset.hash,
            )
        )  # fmt: skip
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
            .values(withdrawn_at=context.clock(), withdrawn_by=actor)
        )
        if not done.rowcount:  # type: ignore[attr-defined]  # an UPDATE has it
            raise _gone(key)
        record(work, context, set_id, actor, "finding_open_again", data={"finding": key})
        work.commit()


def key_of(finding: Finding) -> str:
    """The same for the same finding of later versions."""
    return f"{finding.code}:{finding.where}:{','.join(finding.rules)}"[:300]


# how

_reports: OrderedDict[tuple[Any, ...], tuple[list[Checked], int]] = OrderedDict()
_lock = Lock()


def _report(context: Context, ruleset: RuleSet, raw: Raw) -> CheckReport:
    made, sample = _shown(context, ruleset, raw)
    accepted = _accepted(context, ruleset.id)
    found = [replace(one, accepted=accepted.get(one.key)) for one in made]
    found.sort(key=lambda f: (f.accepted is not None, -f.touched, _ORDER.index(f.severity)))
    return CheckReport(
        ruleset.id, ruleset.hash, len(ruleset.rules), sample, tuple(found), raw.tried,
        len(ruleset.cases), raw.surveyed,
    )  # fmt: skip


def _shown(context: Context, ruleset: RuleSet, raw: Raw) -> tuple[list[Checked], int]:
    """Findings with their orders, kept until the gate decides again."""
    key = (
        str(context.store.engine.url), context.tenant_id, context.store.shops, ruleset.id, ruleset.hash, raw.number,
        _latest(context),
    )  # fmt: skip
    with _lock:
        if key in _reports:
            return _reports[key]
    subjects: Sequence[Subject] = recent(context, ruleset)
    everything = _all(raw)
    everyone = seen(context, ruleset, subjects, everything)
    drafted = [_one(context, ruleset, finding, everyone) for finding in everything]
    names = numbers(context, sorted({one.nearest.order_id for one in drafted if one.nearest}))
    made = [
        replace(one, nearest=replace(one.nearest, number=names.get(one.nearest.order_id, "")))
        if one.nearest
        else one
        for one in drafted
    ]
    with _lock:
        _reports[key] = made, len(everyone)
        while len(_reports) > _KEPT:
            _reports.popitem(last=False)
    return made, len(everyone)


def _latest(context: Context) -> tuple[int, int, str]:
    """Changes when an order comes in, something is decided, or a day goes by."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        decision = work.session.scalar(select(func.max(Decision.id))) or 0
        order = work.session.scalar(select(func.max(Order.id))) or 0
    return decision, order, context.clock().date().isoformat()


def _one(context: Context, ruleset: RuleSet, finding: Finding, everyone: Sequence[Seen]) -> Checked:
    touched = [one for one in everyone if touches(finding, one)]
    near = nearest(context, finding, everyone, touched)
    rules = {rule.id: rule for rule in ruleset.written}
    about = [
        About(name, rules[name].title, rules[name].table) for name in finding.rules if name in rules
    ]
    table = finding.where if finding.where in ruleset.tables else about[0].table if about else ""
    witness = finding.witness
    return Checked(
        key=key_of(finding),
        severity=finding.severity,
        code=finding.code,
        words={"zh": finding.zh, "en": finding.en},
        rules=finding.rules,
        where=finding.where,
        witness=card(witness.facts, context.timezone) if witness else (),
        witness_at=witness.now if witness else None,
        touched=len(touched),
        nearest=_near(finding, *near[:2], context.timezone) if near else None,
        about=about,
        table=table,
    )


def _near(finding: Finding, one: Seen, inside: bool, zone: str) -> Near:
    example = flat(finding.witness.facts) if finding.witness else {}
    real = flat(one.subject.facts)
    wanted = {path: real.get(path) for path in example} or dict(list(real.items())[:4])
    alike = frozenset(p for p, value in example.items() if str(real.get(p)) == str(value))
    return Near(
        one.subject.order_id or 0,
        "",
        inside,
        [_line(*pair, zone) for pair in wanted.items()],
        alike,
    )


def card(facts: Mapping[str, Any], zone: str) -> list[Line]:
    """A document as labelled values; personal ones are left out."""
    return [_line(path, value, zone) for path, value in flat(facts).items()]


def _on_the_wall(value: Any, zone: str) -> Any:
    """An instant in the shop's time; anything else as it is."""
    if not isinstance(value, str) or not _INSTANT.match(value):
        return value
    return datetime.fromisoformat(value).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


def _line(path: str, value: Any, zone: str) -> Line:
    if is_personal(path):
        return Line(path, field_title(path), same("-"))
    if isinstance(value, str) and value.startswith(OTHER_TEXT):
        return Line(path, field_title(path), {"zh": "其他", "en": "another"})
    words = {lang: shown(path, _on_the_wall(value, zone), lang) for lang in ("zh", "en")}
    if isinstance(value, str):
        known = reason_title(value)
        words = dict(known) if known["zh"] != value else words
    return Line(path, field_title(path), words)


def _all(raw: Raw) -> list[Finding]:
    """Findings, and one for each threshold that no test guards."""
    by: dict[tuple[str, str], list[Mutant]] = {}
    for mutant in raw.unguarded:
        by.setdefault((mutant.rule, mutant.before), []).append(mutant)
    more = [_unguarded(group) for group in list(by.values())[:MOST_UNGUARDED]]
    return [*raw.findings, *more]


def _unguarded(group: Sequence[Mutant]) -> Finding:
    first = group[0]
    after_zh, after_en = "、".join(m.after for m in group), ", ".join(m.after for m in group)
    zh = f"“{first.before}”没有测试守着：改成 {after_zh}，没有测试会发现"
    en = f"no test guards “{first.before}”: with {after_en} none would notice"
    where = first.rule or first.before.partition(" ")[0]
    prefix_zh, prefix_en = (
        (f"规则 {first.rule}：", f"rule {first.rule}: ") if first.rule else ("", "")
    )
    rules = (first.rule,) if first.rule else ()
    return Finding(
        INFO, UNGUARDED, f"{where} {first.before}", prefix_zh + zh, prefix_en + en, 0, rules
    )


def _accepted(context: Context, set_id: str) -> dict[str, Accepted]:
    statement = select(AcceptedFinding).where(
        AcceptedFinding.set_id == set_id, AcceptedFinding.withdrawn_at.is_(None)
    )
    with context.store.begin(context.tenant_id, readonly=True) as work:
        rows = work.session.scalars(statement.order_by(AcceptedFinding.id))
        return {row.key: Accepted(row.reason, row.accepted_by, row.accepted_at) for row in rows}


def _gone(key: str) -> NotFound:
    return NotFound(
        "rules.no_finding",
        zh="没有这条检查结果；规则可能已经改过，请重新检查。",
        en="There is no such finding; the rules may have changed. Check again.",
        key=key,
    )
