"""Rule sets, cases and decisions for people in a terminal, and as documents for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from tidegate.engine.checking import ERROR, INFO, WARNING, Finding, brief
from tidegate.engine.decisions import Decision, RuleTrace
from tidegate.engine.language.rendering import literal_text
from tidegate.engine.language.sentences import rule_sentence
from tidegate.engine.problems import Problem
from tidegate.engine.reference import why_not
from tidegate.engine.rulesets import Rule, RuleSet

MARKS = {
    "fired": ("✓", "green"),
    "not": ("·", "dim"),
    "unknown": ("?", "yellow"),
    "inactive": ("-", "dim"),
}

SEVERITIES = {ERROR: ("✗ ", "red"), WARNING: ("! ", "yellow"), INFO: ("i ", "dim")}


class Account:
    """Prints to `console` in one language; a line is never cut or wrapped by us."""

    def __init__(self, lang: str, console: Console | None = None) -> None:
        self.lang = lang
        self.console = console or Console(soft_wrap=True, highlight=False)

    def pick(self, zh: str, en: str) -> str:
        return zh if self.lang == "zh" else en

    def line(self, *parts: str | tuple[str, str]) -> None:
        """Parts are texts, or texts with a style; nothing in them is read as markup."""
        self.console.print(Text.assemble(*parts), soft_wrap=True)

    # decide

    def decision(self, decision: Decision) -> None:
        ruleset = decision.ruleset
        document = decision.as_document(self.lang)
        self.line(
            (ruleset.title[self.lang], "bold"),
            f"  {ruleset.id} · {ruleset.hash[:12]} · {document['now']}",
        )
        for outcome in decision.actions:
            args = self._arguments(ruleset, outcome.action, outcome.as_document()["args"])
            self.line(
                ("→ ", "bold cyan"),
                (self._action(ruleset, outcome.action), "bold"),
                f"{args}  ← {outcome.rule}",
            )
        if not decision.actions:
            self.line(("→ ", "bold cyan"), (self.pick("没有动作", "no action"), "bold"))
        for item in decision.overridden:
            over = self.pick("被压过", "overridden by")
            name = self._action(ruleset, item.outcome.action)
            self.line(
                ("↓ ", "dim"),
                f"{name} ({item.outcome.rule}) {over} {item.by or '-'} [{item.reason}]",
            )
        if decision.missing:
            names = [self._fact(ruleset, name) for name in decision.missing]
            self.line(("? ", "yellow"), self.pick("缺少: ", "missing: "), ", ".join(names))
        for trace in sorted(decision.rules, key=lambda trace: trace.result != "fired"):
            self._rule(decision, trace)
        rest = len(ruleset.rules) - len(decision.rules)
        if rest:
            self.line((self.pick(f"· 另有 {rest} 条规则", f"· {rest} more rules"), "dim"))

    def _rule(self, decision: Decision, trace: RuleTrace) -> None:
        mark, style = MARKS[trace.result]
        rule = trace.rule
        self.line(
            (f"{mark} ", style),
            (rule.id, "bold" if style == "green" else ""),
            f"  {rule.title[self.lang]}",
        )
        if trace.result == "fired":
            self.line(("    ", ""), rule_sentence(rule, decision.ruleset, self.lang))
            self._why(rule)
            return
        ruleset, cause = decision.ruleset, why_not(decision, rule.id)
        if cause.leaf is not None:
            leaf = decision.leaf(cause.leaf, self.lang)
            said = {False: self.pick("不成立", "no"), True: self.pick("成立", "yes")}
            result = said.get(leaf["result"], self.pick("不知道", "unknown"))  # type: ignore[call-overload]
            self.line(
                ("    ", ""),
                (f"{leaf['sentence']}: {result}{self._values(ruleset, leaf['values'])}", "dim"),
            )

    # check, test

    def problem(self, file: Path, problem: Problem) -> None:
        self.line(
            (f"{file}:{problem.line}:{problem.column}: ", "bold"),
            ("✗ ", "red"),
            _sentence(problem, self.lang),
        )

    def finding(self, file: Path, finding: Finding, ruleset: RuleSet) -> None:
        self.line(
            (f"{file}:{finding.line}: ", "bold"),
            SEVERITIES[finding.severity],
            f"{finding.text(self.lang)} [{finding.code}]",
        )
        if finding.witness is not None:
            said = partial(self._value, ruleset)
            shown = brief(finding.witness, said=said) or self.pick(
                "没有任何事实", "no facts at all"
            )
            self.line("    ", (self.pick("例如: ", "e.g. ") + shown, "dim"))

    def failed(self, file: Path, name: str, line: int, differences: Sequence[str]) -> None:
        self.line((f"{file}:{line}: ", "bold"), ("✗ ", "red"), name)
        for difference in differences:
            self.line("    ", difference)

    # show

    def ruleset(self, ruleset: RuleSet, cases: int) -> None:
        gate = ruleset.gate_spec.title[self.lang]
        self.line((ruleset.title[self.lang], "bold"), f"  {ruleset.id} · {ruleset.hash[:12]}")
        self.line(
            self.pick(
                f"关口 {gate} · 策略 {ruleset.policy} · 用例 {cases}",
                f"gate {gate} · policy {ruleset.policy} · {cases} cases",
            )
        )
        for parameter in ruleset.parameters.values():
            low, high = _bound(parameter.low), _bound(parameter.high)
            value = (f"{literal_text(parameter.value)} {parameter.unit}".strip(), "bold cyan")
            self.line(
                f"  {parameter.id} = ", value, f"  ({low} … {high})  {parameter.title[self.lang]}"
            )
        for stage in ruleset.stages:
            if stage.id:
                self.line((f"— {stage.id} ({stage.policy})", "bold"))
            for rule in stage.rules:
                self.line(("• ", "dim"), (rule.id, "bold"), f"  {rule.title[self.lang]}")
                self.line(("    ", ""), rule_sentence(rule, ruleset, self.lang))
                self._why(rule)
            for call in stage.otherwise:
                args = self._arguments(ruleset, call.action.id, call.args)
                self.line(
                    ("• ", "dim"),
                    self.pick("否则", "otherwise"),
                    f"  {call.action.title[self.lang]}{args}",
                )

    def _why(self, rule: Rule) -> None:
        if rule.why:
            self.line(("    ", ""), (self.pick("为什么: ", "why: ") + rule.why[self.lang], "dim"))

    # words

    def _action(self, ruleset: RuleSet, name: str) -> str:
        return ruleset.vocabulary.actions[name].title[self.lang]

    def _fact(self, ruleset: RuleSet, name: str) -> str:
        vocabulary = ruleset.vocabulary
        fact = ruleset.fields.get(name) or vocabulary.facts.get(name)
        if fact is None:
            return name
        group = vocabulary.groups.get(fact.group)
        return f"{group.title[self.lang] if group else fact.group} {fact.title[self.lang]} ({name})"

    def _values(self, ruleset: RuleSet, values: object) -> str:
        if not isinstance(values, Mapping) or not values:
            return ""
        said = [f"{name} = {self._value(ruleset, name, v)}" for name, v in values.items()]
        return f" ({', '.join(said)})"

    def _value(self, ruleset: RuleSet, name: str, value: object) -> object:
        """A value as people call it; `name` is a fact, also one of a line (`phone_orders[1].channel`)."""
        if not isinstance(value, str):
            return "?" if value is None else value
        vocabulary, (of, _, field) = ruleset.vocabulary, name.rpartition(".")
        group = vocabulary.groups.get(of.partition("[")[0])
        fact = f"{group.each}.{field}" if group and group.each else name
        return vocabulary.word(fact, value, self.lang)

    def _arguments(self, ruleset: RuleSet, action: str, args: Any) -> str:
        spec = ruleset.vocabulary.actions[action].args
        shown = []
        for name, value in args.items():
            said = ruleset.vocabulary.reason(str(value), self.lang)
            shown.append(f"{spec[name].title[self.lang]} {said}")
        return f" ({', '.join(shown)})" if shown else ""


def problem_document(file: Path, problem: Problem, lang: str) -> dict[str, object]:
    """A problem with its file, for `--json`."""
    return {"file": str(file), **problem.as_document(lang), "message": _sentence(problem, lang)}


def ruleset_document(ruleset: RuleSet, file: Path, cases: int, lang: str) -> dict[str, object]:
    """A rule set with its sentences, for `show --json`."""
    return {
        "ruleset": ruleset.id,
        "hash": ruleset.hash,
        "file": str(file),
        "gate": ruleset.gate,
        "title": ruleset.title[lang],
        "policy": ruleset.policy,
        "parameters": [
            {
                "id": p.id, "type": p.type, "value": literal_text(p.value), "min": _bound(p.low),
                "max": _bound(p.high), "unit": p.unit, "title": p.title[lang],
            }
            for p in ruleset.parameters.values()
        ],
        "lists": [
            {"id": x.id, "title": x.title[lang], "values": [str(v) for v in x.values]}
            for x in ruleset.lists.values()
        ],
        "derived": [
            {"id": d.id, "title": d.title[lang], "text": d.text} for d in ruleset.derive.values()
        ],
        "rules": [
            {
                "id": rule.id, "stage": stage.id, "table": rule.table, "title": rule.title[lang],
                "why": rule.why.get(lang, ""), "sentence": rule_sentence(rule, ruleset, lang),
                "conditions": [leaf.text for leaf in rule.leaves],
                "actions": [call.text() for call in rule.actions],
            }
            for stage in ruleset.stages
            for rule in stage.rules
        ],
        "otherwise": [call.text() for stage in ruleset.stages for call in stage.otherwise],
        "cases": cases,
    }  # fmt: skip


def _sentence(problem: Problem, lang: str) -> str:
    said = problem.zh if lang == "zh" else problem.en
    where = f"{problem.where}: " if problem.where else ""
    return f"{where}{said} [{problem.code}]"


def _bound(value: object) -> str:
    return "" if value is None else literal_text(value)
