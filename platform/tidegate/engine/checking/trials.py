"""Findings about the cases of a set, its titles and reasons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tidegate.engine.cases import CaseResult, coverage
from tidegate.engine.checking.findings import ERROR, WARNING, Finding, about
from tidegate.engine.rulesets import RuleSet


def untested(ruleset: RuleSet, results: Sequence[CaseResult]) -> Iterator[Finding]:
    """Cases that fail, and rules no case fires or stops just short of."""
    if not results:
        yield Finding(WARNING, "check.no_tests", ruleset.id, "没有任何用例", "the set has no tests")
        return
    for result in results:
        for difference in result.differences:
            name = result.case.name
            yield Finding(
                ERROR,
                "check.test_fails",
                ruleset.id,
                f"用例“{name}”未通过：{difference.zh}",
                f"the case “{name}” fails: {difference.en}",
                result.case.line,
            )
    covered = coverage(ruleset, results)
    rules = {rule.id: rule for rule in ruleset.rules}
    for name in covered.never_fired:
        yield about(WARNING, "check.never_fired", rules[name], "没有用例触发它", "no test fires it")
    for name in covered.never_short:
        if rules[name].leaves:
            yield about(
                WARNING,
                "check.never_short",
                rules[name],
                "没有恰好不触发的用例",
                "no test stops just short of it",
            )


def undocumented(ruleset: RuleSet) -> Iterator[Finding]:
    for rule in ruleset.rules:
        if not rule.title["zh"]:
            severity = WARNING if rule.table else ERROR
            yield about(severity, "check.no_title", rule, "缺少标题", "it has no title")
        if not rule.why:
            yield about(
                WARNING, "check.no_why", rule, "缺少 why（为什么有这条规则）", "it has no why"
            )
