"""What keeps a draft from being published, each with its remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from tidegate.engine.cases import run_cases
from tidegate.engine.gate import agree
from tidegate.engine.reference import evaluate
from tidegate.engine.rulesets import RuleSet
from tidegate.errors import TidegateError
from tidegate.services.context import Context
from tidegate.services.workshop import checking
from tidegate.services.workshop.live_sets import live_set
from tidegate.services.workshop.model import APPROVED, Draft, Words
from tidegate.store.tables import Decision

SUBJECTS = 60  # recent decisions both evaluators are asked about
MUTATIONS = 300


@dataclass(frozen=True, slots=True)
class Blocker:
    """`page` is where it is put right: tests, check, review or rules."""

    code: str
    words: Words
    page: str


@dataclass(frozen=True, slots=True)
class Readiness:
    tests_passed: int
    tests_total: int
    errors: int
    warnings: int
    four_eyes: bool
    subjects: int
    blockers: tuple[Blocker, ...]

    @property
    def ready(self) -> bool:
        return not self.blockers

    def as_summary(self) -> dict[str, Any]:
        return {
            "tests_passed": self.tests_passed,
            "tests_total": self.tests_total,
            "errors": self.errors,
            "warnings": self.warnings,
            "subjects": self.subjects,
        }


def readiness(context: Context, draft: Draft) -> Readiness:
    """Everything that publishing asks for, at once."""
    ruleset = draft.ruleset
    results = run_cases(ruleset, ruleset.cases, context.timezone)
    failed = [result.case.name for result in results if not result.passed]
    report = checking.findings(context, ruleset.id)
    open_errors = [one for one in report.findings if one.severity == "error" and not one.accepted]
    warnings = sum(1 for one in report.findings if one.severity == "warning" and not one.accepted)
    demanded = demands_four_eyes(context, ruleset)
    subjects = recent_facts(context, ruleset)
    blockers = [
        *_tests(ruleset, failed),
        *_unexplained(ruleset),
        *_errors(len(open_errors)),
        *_approval(draft, demanded),
        *_agreement(context, ruleset, subjects),
    ]
    total = len(ruleset.cases)
    return Readiness(
        total - len(failed), total, len(open_errors), warnings, demanded, len(subjects),
        tuple(blockers),
    )  # fmt: skip


def demands_four_eyes(context: Context, ruleset: RuleSet) -> bool:
    """Whether the draft or what decides now asks for a second person: nobody lifts that alone."""
    live = live_set(context, ruleset.id)
    return ruleset.four_eyes or (live is not None and live.four_eyes)


def recent_facts(
    context: Context, ruleset: RuleSet, limit: int = SUBJECTS
) -> list[tuple[Mapping[str, Any], datetime]]:
    """What the gate was asked lately."""
    statement = (
        select(Decision.plain_facts, Decision.packed_facts, Decision.decided_at)
        .where(Decision.gate == ruleset.gate)
        .order_by(Decision.id.desc())
        .limit(limit)
    )
    with context.store.begin(context.tenant_id, readonly=True) as work:
        return [(packed or plain, at) for plain, packed, at in work.session.execute(statement)]


def _tests(ruleset: RuleSet, failed: list[str]) -> Iterator[Blocker]:
    if not ruleset.rules:
        zh, en = "还没有启用的规则；至少写一条。", "No rule is switched on; write at least one."
        yield Blocker("publish.no_rules", {"zh": zh, "en": en}, "rules")
    if not ruleset.cases:
        zh = "还没有测试；至少存一个会触发的例子和一个差一点的例子。"
        en = "There are no tests; save at least an example that fires and one just short of it."
        yield Blocker("publish.untested", {"zh": zh, "en": en}, "tests")
    if failed:
        shown = "、".join(failed[:3])
        zh = f"{len(failed)} 个测试没通过：{shown}；改规则或改期望。"
        en = f"{len(failed)} tests fail: {', '.join(failed[:3])}; change the rule or what is expected."
        yield Blocker("publish.tests_fail", {"zh": zh, "en": en}, "tests")


def _unexplained(ruleset: RuleSet) -> Iterator[Blocker]:
    silent = [rule.id for rule in ruleset.rules if not rule.why and not rule.table]
    if silent:
        zh = f"{len(silent)} 条规则没写“为什么”：{'、'.join(silent[:3])}；补一句话。"
        en = f"{len(silent)} rules don't say why: {', '.join(silent[:3])}; add a line."
        yield Blocker("publish.no_why", {"zh": zh, "en": en}, "rules")


def _errors(count: int) -> Iterator[Blocker]:
    if count:
        zh = f"检查发现 {count} 处错误；改掉，或写明理由后接受。"
        en = f"The check found {count} errors; mend them, or accept them with a reason."
        yield Blocker("publish.errors", {"zh": zh, "en": en}, "check")


def _approval(draft: Draft, demanded: bool) -> Iterator[Blocker]:
    if demanded and draft.state != APPROVED:
        zh = "这个规则集要求双人复核；请另一个人批准。"
        en = "This set demands four eyes; ask another person to approve it."
        yield Blocker("publish.not_approved", {"zh": zh, "en": en}, "review")


def _agreement(
    context: Context, ruleset: RuleSet, subjects: list[tuple[Mapping[str, Any], datetime]]
) -> Iterator[Blocker]:
    """Both evaluators say the same of recent subjects and of changed copies of them."""
    fitting = [one for one in subjects if _readable(context, ruleset, one)]
    if not fitting or not ruleset.rules:
        return
    report = agree(
        ruleset, fitting, timezone=context.timezone, currency=context.currency,
        mutations=MUTATIONS,
    )  # fmt: skip
    differs = bool(report.failures)
    if differs:
        zh = "两套判断程序对最近的订单说法不同；这是程序的错误，请把规则集发给我们。"
        en = "Our two evaluators differ on recent orders; that is our mistake, send us the set."
        yield Blocker("publish.evaluators_differ", {"zh": zh, "en": en}, "check")


def _readable(
    context: Context, ruleset: RuleSet, subject: tuple[Mapping[str, Any], datetime]
) -> bool:
    """Whether the draft can judge these facts at all: they are what an older set read."""
    facts, at = subject
    try:
        evaluate(ruleset, facts, at, context.timezone, currency=context.currency)
    except TidegateError:
        return False
    return True
