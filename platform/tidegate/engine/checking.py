"""What is wrong or doubtful in a set that can be read: findings an author sees before
publishing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tidegate.engine.cases import CaseResult, coverage, run_cases
from tidegate.engine.language import tree
from tidegate.engine.problems import RuleProblems
from tidegate.engine.rulesets import Case, Rule, RuleSet, Stage

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True)
class Finding:
    """`where` is the rule, parameter or stage. An error blocks publishing; a warning needs a
    reason.
    """

    severity: str
    code: str
    where: str
    zh: str
    en: str
    line: int = 0

    def text(self, lang: str = "en") -> str:
        return self.zh if lang.lower().startswith("zh") else self.en

    def as_document(self, lang: str = "en") -> dict[str, object]:
        return {
            "severity": self.severity,
            "code": self.code,
            "where": self.where,
            "line": self.line,
            "message": self.text(lang),
        }


def findings_of(problems: RuleProblems) -> list[Finding]:
    """The reader's problems as findings, so that one list shows everything."""
    return [Finding(ERROR, p.code, p.where, p.zh, p.en, p.line) for p in problems.problems]


def check(ruleset: RuleSet, cases: Sequence[Case] | None = None) -> list[Finding]:
    """All findings of a set with its cases (by default those inside it), errors first."""
    results = run_cases(ruleset, cases)
    found = [
        *_tests(ruleset, results),
        *_documentation(ruleset),
        *_duplicates(ruleset),
        *_unreachable(ruleset),
        *_unused(ruleset),
        *_outcomes(ruleset),
    ]
    return sorted(found, key=lambda finding: finding.severity != ERROR)


def _rule(severity: str, code: str, rule: Rule, zh: str, en: str) -> Finding:
    return Finding(
        severity, code, rule.id, f"规则 {rule.id}：{zh}", f"rule {rule.id}: {en}", rule.line
    )


def _tests(ruleset: RuleSet, results: Sequence[CaseResult]) -> Iterator[Finding]:
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
        yield _rule(WARNING, "check.never_fired", rules[name], "没有用例触发它", "no test fires it")
    for name in covered.never_short:
        if rules[name].leaves:
            yield _rule(
                WARNING,
                "check.never_short",
                rules[name],
                "没有恰好不触发的用例",
                "no test stops just short of it",
            )


def _documentation(ruleset: RuleSet) -> Iterator[Finding]:
    for rule in ruleset.rules:
        if not rule.title["zh"]:
            severity = WARNING if rule.table else ERROR
            yield _rule(severity, "check.no_title", rule, "缺少标题", "it has no title")
        if not rule.why:
            yield _rule(
                WARNING, "check.no_why", rule, "缺少 why（为什么有这条规则）", "it has no why"
            )


def _duplicates(ruleset: RuleSet) -> Iterator[Finding]:
    for stage in ruleset.stages:
        seen: dict[tuple[str, str, str], Rule] = {}
        for rule in stage.rules:
            key = (rule.condition.text(), str(rule.active_from), str(rule.active_to))
            if key in seen:
                other = seen[key].id
                yield _rule(
                    WARNING,
                    "check.duplicate",
                    rule,
                    f"条件与 {other} 相同",
                    f"its condition is that of {other}",
                )
            seen.setdefault(key, rule)


def _unreachable(ruleset: RuleSet) -> Iterator[Finding]:
    """Under `first`, nothing below a rule without conditions is ever reached."""
    for stage in ruleset.stages:
        if stage.policy != "first":
            continue
        always = next((rule for rule in stage.rules if _always(rule)), None)
        if always is None:
            continue
        for rule in stage.rules[stage.rules.index(always) + 1 :]:
            if not (set(rule.writes) - set(always.writes)) and not _may_be_excluded(
                ruleset, stage, always
            ):
                yield _rule(
                    ERROR,
                    "check.unreachable",
                    rule,
                    f"排在总是成立的 {always.id} 之后",
                    f"it stands below {always.id}, which always holds",
                )
        if stage.otherwise and not _may_be_excluded(ruleset, stage, always):
            yield Finding(
                WARNING,
                "check.otherwise_unused",
                stage.id or ruleset.id,
                f"{always.id} 总是成立，otherwise 不会用到",
                f"{always.id} always holds, so otherwise is never used",
            )


def _always(rule: Rule) -> bool:
    return not rule.leaves and rule.active_from is None and rule.active_to is None


def _may_be_excluded(ruleset: RuleSet, stage: Stage, rule: Rule) -> bool:
    earlier = ruleset.stages[: ruleset.stages.index(stage)]
    targets = {call.action.excludes for s in earlier for r in s.rules for call in r.actions}
    return bool(targets & rule.writes)


def _unused(ruleset: RuleSet) -> Iterator[Finding]:
    used = {
        (type(part), part.id)
        for node in _nodes(ruleset)
        for part in tree.walk(node)
        if hasattr(part, "id")
    }
    groups: list[tuple[type[tree.Node], str, str, Iterable[str]]] = [
        (tree.Parameter, "参数", "parameter", ruleset.parameters),
        (tree.ListName, "列表", "list", ruleset.lists),
        (tree.Derived, "派生事实", "derived fact", ruleset.derive),
    ]
    for kind, zh, en, names in groups:
        for name in names:
            if (kind, name) not in used:
                yield Finding(
                    WARNING,
                    "check.unused",
                    name,
                    f"{zh} {name} 没有被任何规则使用",
                    f"no rule uses the {en} {name}",
                )


def _nodes(ruleset: RuleSet) -> Iterator[tree.Node]:
    yield from (derived.node for derived in ruleset.derive.values())
    for stage in ruleset.stages:
        for rule in stage.rules:
            yield from (leaf.node for leaf in rule.leaves)
        for call in (call for rule in stage.rules for call in rule.actions):
            yield from (value for value in call.args.values() if isinstance(value, tree.Node))
        for call in stage.otherwise:
            yield from (value for value in call.args.values() if isinstance(value, tree.Node))


def _outcomes(ruleset: RuleSet) -> Iterator[Finding]:
    """Outcomes the set names and that no rule can give."""
    for stage in ruleset.stages:
        given = {call.action.id for rule in stage.rules for call in rule.actions}
        given |= {call.action.id for call in stage.otherwise}
        if stage.on_missing == "hold":
            given.add("hold")
        for action in stage.severity:
            if action not in given:
                yield Finding(
                    WARNING,
                    "check.outcome_impossible",
                    stage.id or ruleset.id,
                    f"severity 中的 {action} 没有规则能给出",
                    f"severity names {action}, but no rule gives it",
                )
        yield from _double_writes(stage)


def _double_writes(stage: Stage) -> Iterator[Finding]:
    """Under collect, rules that write one thing differently contradict each other if both match."""
    if stage.policy != "collect":
        return
    first: dict[str, tuple[Rule, str]] = {}
    for rule in stage.rules:
        for call in rule.actions:
            if call.action.many:
                continue
            known = first.setdefault(call.action.writes, (rule, call.text()))
            if (
                known[0] is not rule
                and known[1] != call.text()
                and not (rule.table and rule.table == known[0].table)
            ):
                yield _rule(
                    WARNING,
                    "check.double_write",
                    rule,
                    f"与 {known[0].id} 都写入 {call.action.writes}；同时成立时会冲突",
                    f"it and {known[0].id} both write {call.action.writes}; if "
                    f"both match they conflict",
                )
