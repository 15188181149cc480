"""What the checker reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tidegate.engine.problems import RuleProblems
from tidegate.engine.proof.witnesses import Witness
from tidegate.engine.rulesets import Rule

ERROR, WARNING, INFO = "error", "warning", "info"
SHOWN = 8  # names in one sentence


@dataclass(frozen=True)
class Finding:
    """`where` is the rule, parameter or stage, `rules` all rules it is about. An error blocks
    publishing, a warning needs a reason, an info is only said. `witness` is a document that shows
    it, where there can be one.
    """

    severity: str
    code: str
    where: str
    zh: str
    en: str
    line: int = 0
    rules: tuple[str, ...] = ()
    witness: Witness | None = None

    def text(self, lang: str = "en") -> str:
        return self.zh if lang.lower().startswith("zh") else self.en

    def as_document(self, lang: str = "en") -> dict[str, object]:
        """Plain data for `--json`; `witness` is a fact document, `now` the instant that goes with
        it.
        """
        return {
            "severity": self.severity,
            "code": self.code,
            "rules": list(self.rules),
            "where": self.where,
            "line": self.line,
            "message": self.text(lang),
            "witness": self.witness.facts if self.witness else None,
            "now": self.witness.now.isoformat() if self.witness else None,
        }


def findings_of(problems: RuleProblems) -> list[Finding]:
    """The reader's problems as findings, so that one list shows everything."""
    return [Finding(ERROR, p.code, p.where, p.zh, p.en, p.line) for p in problems.problems]


def about(
    severity: str, code: str, rule: Rule, zh: str, en: str,
    also: Sequence[Rule] = (), witness: Witness | None = None,
) -> Finding:  # fmt: skip
    """A finding about one rule, with the other rules it involves."""
    rules = tuple(dict.fromkeys([rule.id, *(other.id for other in also)]))
    return Finding(
        severity, code, rule.id, f"规则 {rule.id}：{zh}", f"rule {rule.id}: {en}",
        rule.line, rules, witness,
    )  # fmt: skip


def named(rules: Sequence[Rule]) -> tuple[str, str]:
    """Their ids in one sentence, zh and en; a long list is cut short and says so."""
    shown = [rule.id for rule in rules[:SHOWN]]
    rest = len(rules) - len(shown)
    zh = "、".join(shown) + (f" 等 {len(rules)} 条" if rest else "")
    return zh, ", ".join(shown) + (f" and {rest} more" if rest else "")


def brief(
    witness: Witness, limit: int = 8, said: Callable[[str, Any], object] = lambda name, value: value
) -> str:
    """The facts of a witness in one line: `order.total = 500 CNY, items[1].quantity = 0`; `said` tells what the value
    of a name is called.
    """
    facts = list(_flat(witness.facts, ""))
    shown = ", ".join(f"{name} = {said(name, value)}" for name, value in facts[:limit])
    return f"{shown}, …" if len(facts) > limit else shown


def _flat(value: Any, name: str) -> Sequence[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        return [one for key, v in value.items() for one in _flat(v, f"{name}.{key}".lstrip("."))]
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return [one for n, row in enumerate(value, 1) for one in _flat(row, f"{name}[{n}]")]
    return [(name, value)]
